"""Set lyrics to a rhythm: one note per syllable, stressed syllables on strong beats, a breath after each line.

For each line the cheapest of all rhythms on the grid is found by dynamic programming over (syllable, onset). The
costs are in `_Costs`: they follow the rules that text setting by composers obeys (Halle & Lerdahl 1993: stresses meet
strong beats, strong beats are filled; Temperley 2018: the end of a line is lengthened). Ties are broken by the earlier
onset, so that the same lyrics always give the same rhythm.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from bandmate_music.theory.metre import Metre
from bandmate_music.theory.metrical_grid import (
    EIGHTH,
    QUARTER,
    SIXTEENTH,
    bar_ticks,
    beat_ticks,
    is_compound,
    strength,
    strongest_inside,
)
from bandmate_shared.contracts.composition import GRID_TICKS_PER_QUARTER

from bandmate_generate.lyrics.lines import Line, Syllable, as_sung
from bandmate_generate.lyrics.phrasing import Phrase, lay_out

COMFORTABLE_SECONDS = 0.2
"""Preferred minimum length of a syllable: five syllables a second is fluent speech."""
_MAX_IDEAL_LENGTHS = 8
"""Within a line no note is longer than this many usual ones: it would not be chosen, and need not be looked at."""
MIN_SYLLABLE_SECONDS = 0.09
"""Absolute minimum length: a shorter sung syllable cannot be understood."""


@dataclass(frozen=True, slots=True)
class Feel:
    """How much syncopation and dotting a style tolerates in its rhythms, 0 to 1."""

    syncopation: float = 0.0
    dotting: float = 0.0


@dataclass(frozen=True, slots=True)
class SungSyllable:
    """A syllable on its note; onset and duration in grid ticks (24 a quarter) from the start of the song.

    None is a note that carries on the syllable before it (a melisma).
    """

    onset: int
    duration: int
    syllable: Syllable | None


def with_held_notes(sung: Sequence[SungSyllable]) -> list[SungSyllable]:
    """The same notes, those that only hold a vowel without a syllable."""
    syllables = as_sung([note.syllable for note in sung])
    return [replace(note, syllable=syllable) for note, syllable in zip(sung, syllables, strict=True)]


def set_lyrics(
    lines: Sequence[Line], metre: Metre, tempo: float, bars: int, first_bar: int = 0, feel: Feel = Feel()
) -> list[SungSyllable]:
    """A note for every syllable, also the held ones, in order, none overlapping, all inside bars `first_bar`..`bars`.

    Raises:
        InvalidRequest: the bars cannot hold the syllables; the message says how many would do.
    """
    finest, comfortable = finest_step(metre, tempo), comfortable_step(metre, tempo)
    phrases = lay_out(lines, metre, bars - first_bar, finest, comfortable)
    sung: list[SungSyllable] = []
    free_from = first_bar * bar_ticks(metre)
    for index, phrase in enumerate(phrases):
        downbeat = (first_bar + phrase.bar) * bar_ticks(metre)
        end = downbeat + phrase.bars * bar_ticks(metre)
        following = phrases[index + 1] if index + 1 < len(phrases) else None
        adjoins = following is not None and following.bar == phrase.bar + phrase.bars
        if adjoins and following is not None and _has_pickup(following):
            end -= _pickup_room(phrase, metre, finest, comfortable)
        start = downbeat
        if _has_pickup(phrase) and downbeat - free_from > 0:
            start = max(free_from, downbeat - _pickup_ticks(metre, comfortable))
        line = _set_phrase(phrase.syllables, start, downbeat, end, metre, tempo, feel, finest, comfortable)
        sung += line
        free_from = (
            end
            if not (adjoins and following is not None and _has_pickup(following))
            else line[-1].onset + line[-1].duration
        )
    return with_held_notes(sung)


def finest_step(metre: Metre, tempo: float) -> int:
    """Shortest note in grid ticks that can still be understood; it divides the beat."""
    return _step(metre, tempo, MIN_SYLLABLE_SECONDS)


def comfortable_step(metre: Metre, tempo: float) -> int:
    """Shortest note in grid ticks that sings comfortably, an eighth at least where the beat has eighths."""
    return max(_step(metre, tempo, COMFORTABLE_SECONDS), EIGHTH if beat_ticks(metre) % EIGHTH == 0 else SIXTEENTH)


def _step(metre: Metre, tempo: float, seconds: float) -> int:
    beat = beat_ticks(metre)
    ticks = [step for step in (SIXTEENTH, EIGHTH, beat) if beat % step == 0]
    long_enough = [step for step in ticks if step * 60 / tempo / GRID_TICKS_PER_QUARTER >= seconds]
    return long_enough[0] if long_enough else ticks[-1]


def _has_pickup(phrase: Phrase) -> bool:
    """Whether the phrase begins with a weak syllable before a stressed one: it is sung before the barline."""
    syllables = phrase.syllables
    return len(syllables) > 2 and syllables[0].stress < 0.5 <= syllables[1].stress


def _pickup_ticks(metre: Metre, comfortable: int) -> int:
    """Room of a pickup: a beat, or the last third of a compound one."""
    beat = beat_ticks(metre)
    return max(comfortable, beat // 3) if is_compound(metre) else beat


def _pickup_room(phrase: Phrase, metre: Metre, finest: int, comfortable: int) -> int:
    """What a phrase leaves of its last bar to the pickup after it; nothing where it is full itself."""
    pickup = _pickup_ticks(metre, comfortable)
    free = phrase.bars * bar_ticks(metre) - (len(phrase.syllables) + 2) * finest
    return pickup if free >= pickup else 0


def _set_phrase(
    syllables: Sequence[Syllable],
    start: int,
    downbeat: int,
    end: int,
    metre: Metre,
    tempo: float,
    feel: Feel,
    finest: int,
    comfortable: int,
) -> list[SungSyllable]:
    count = len(syllables)
    step = comfortable if (count + 2) * comfortable <= end - downbeat else finest
    slots = [tick for tick in range(start, end - finest + 1) if (tick - downbeat) % step == 0]
    costs = _Costs(metre, tempo, feel, (end - start) / (count + 2), step)
    reach = math.ceil(_MAX_IDEAL_LENGTHS * costs.ideal / step)
    first_stress = next((index for index, syllable in enumerate(syllables) if syllable.stress >= 0.5), 0)

    # best[i][s]: cheapest setting of syllables 0..i with syllable i on slot s, and the slot of the one before.
    best: list[dict[int, tuple[float, int]]] = []
    for index, syllable in enumerate(syllables):
        row: dict[int, tuple[float, int]] = {}
        for slot in range(index, len(slots) - (count - 1 - index)):
            slot_cost = costs.place(slots[slot], syllable)
            if index == first_stress and slots[slot] != downbeat:
                slot_cost += 0.5 + abs(slots[slot] - downbeat) / bar_ticks(metre)
            if index == 0:
                row[slot] = (slot_cost + costs.late(slots[slot] - start), -1)
                continue
            options = (
                (known[0] + costs.note(slots[before], slots[slot], syllables[index - 1]), before)
                for before in range(max(index - 1, slot - reach), slot)
                if (known := best[-1].get(before)) is not None
            )
            cost, before = min(options)
            row[slot] = (cost + slot_cost, before)
        best.append(row)

    last = min(best[-1], key=lambda slot: (best[-1][slot][0] + costs.final(slots[slot], end), slot))
    slot_path = [last]
    for row in reversed(best[1:]):
        slot_path.append(row[slot_path[-1]][1])
    onsets = [slots[slot] for slot in reversed(slot_path)]
    ends = [*onsets[1:], costs.final_end(onsets[-1], end)]
    sung = []
    for syllable, onset, stop in zip(syllables, onsets, ends, strict=True):
        duration = stop - onset
        if syllable.line_end and stop != ends[-1]:
            duration = _with_breath(duration, finest)
        sung.append(SungSyllable(onset, min(duration, 2 * bar_ticks(metre)), syllable))
    return sung


def _with_breath(duration: int, finest: int) -> int:
    """Shorten a line's last note for the breath: by a quarter, where it is long enough."""
    if duration >= 4 * finest:
        return duration - max(finest, duration // 4 // finest * finest)
    return duration - finest if duration >= 2 * finest else duration


class _Costs:
    """Costs of a rhythm that is unnatural to sing; about 1 is noticeable."""

    def __init__(self, metre: Metre, tempo: float, feel: Feel, ideal: float, step: int) -> None:
        self.metre = metre
        self.feel = feel
        self.step = step
        quarter_seconds = 60 / tempo
        slowest = 0.75 / quarter_seconds * GRID_TICKS_PER_QUARTER
        self.ideal = max(step, min(ideal, slowest))
        self._note = cache(self._note_cost)

    def place(self, onset: int, syllable: Syllable) -> float:
        """Cost of a stressed syllable on a weak position, or a weak one on a strong position."""
        beat_strength = strength(onset, self.metre)
        stress = syllable.stress
        return float(1.6 * stress * (1 - beat_strength) ** 1.5 + 1.1 * (1 - stress) * beat_strength**2)

    def late(self, ticks: int) -> float:
        """Cost of a late start of a line."""
        return 0.8 * ticks / bar_ticks(self.metre)

    def note(self, onset: int, end: int, syllable: Syllable) -> float:
        return self._note(onset % bar_ticks(self.metre), end - onset, syllable.stress >= 0.5, syllable.line_end)

    def _note_cost(self, position: int, duration: int, stressed: bool, line_end: bool) -> float:
        lilt = 1.4 if is_compound(self.metre) else 1.15
        ideal = self.ideal * (2.0 if line_end else lilt if stressed else 1 / lilt)
        cost = 0.9 * math.log2(duration / ideal) ** 2
        inside = strongest_inside(position, position + duration, self.metre)
        over = inside - strength(position, self.metre)
        if over > 0:
            cost += (1.2 - self.feel.syncopation) * over
        return cost + self._odd_length(duration)

    def _odd_length(self, duration: int) -> float:
        if is_compound(self.metre):
            beat = beat_ticks(self.metre)
            common = duration % beat == 0 or duration in (beat // 3, 2 * beat // 3)
            return 0.0 if common else 0.5
        if duration in (EIGHTH, QUARTER, 2 * QUARTER):
            return 0.0
        if duration in (3 * EIGHTH, 3 * QUARTER):
            return max(0.0, 0.35 - self.feel.dotting)
        return 0.3 if duration == SIXTEENTH or duration % QUARTER == 0 else 0.7

    def final(self, onset: int, end: int) -> float:
        """Cost of the time left to the last syllable; the best is about two ordinary notes and a breath."""
        room = end - onset
        cost = 2.0 * math.log2(min(1.0, room / (3.5 * self.ideal))) ** 2
        return cost + 0.25 * max(0.0, room / (4 * self.ideal) - 1)

    def final_end(self, onset: int, end: int) -> int:
        """Where the last note stops: on a beat, about twice the usual length, with a breath before the line's end."""
        room, beat = end - onset, beat_ticks(self.metre)
        min_breath = self.step if room >= 3 * self.step else 0
        breath = min(beat, max(min_breath, room // 4 // self.step * self.step))
        longest = min(room - breath, max(2 * beat, round(2.5 * self.ideal)))
        unit = beat if longest >= 2 * beat else self.step
        on_unit = (onset + longest) // unit * unit - onset
        return onset + (on_unit if on_unit >= self.step else min(room, max(longest, self.step)))
