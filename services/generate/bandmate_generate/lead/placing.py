"""Where the words of each section go: their slots, and what each slot leaves for a breath and the next pick-up."""

from dataclasses import dataclass

from bandmate_music.theory.bars import Bars
from bandmate_music.theory.metre import Metre
from bandmate_music.theory.metrical_grid import QUARTER, bar_ticks, beat_ticks, is_compound
from bandmate_shared.errors import InvalidRequest

from bandmate_generate.form.song_form import SongForm, SongSection
from bandmate_generate.lead.layout import Slot, fits, lay_out, slot_syllables
from bandmate_generate.lyrics.lines import Line, Syllable


@dataclass(slots=True)
class SectionWords:
    """A section with lines to sing. `reserved[i]` are the ticks that slot i leaves free at its end, `pickups[i]` those
    that it may take before its first bar. Sections that `share` the slots of their letter's model have its rhythm."""

    section: SongSection
    lines: tuple[Line, ...]
    slots: list[Slot]
    shares: bool
    reserved: list[int]
    pickups: list[int]

    def syllables(self, slot: int) -> tuple[Syllable, ...]:
        return slot_syllables(self.lines, self.slots[slot])


def place_words(
    form: SongForm, lines: list[tuple[Line, ...]], frame: Bars, metre: Metre, tempo: float, finest: int
) -> list[SectionWords | None]:
    """Slots for the lines of each section (`lines[i]` are those of section i); None for a section without any.

    Raises:
        InvalidRequest: words do not fit a section; the message says how many bars it would take.
    """
    beat = beat_ticks(metre) if is_compound(metre) else min(beat_ticks(metre), QUARTER)
    placed: list[SectionWords | None] = [None] * len(form.sections)
    for letter in dict.fromkeys(section.letter for section in form.sections):
        group = [i for i, section in enumerate(form.sections) if section.letter == letter and lines[i]]
        if group:
            _place_letter(group, form, lines, frame, metre, tempo, finest, placed)
    for words in placed:
        if words is not None:
            alike = [other for other in placed if other is not None and _shares(words, other)]
            words.reserved = [_reserved(alike, slot, frame, finest, beat) for slot in range(len(words.slots))]
    for words in placed:
        if words is not None:
            indices = [i for i, other in enumerate(placed) if other is not None and _shares(words, other)]
            first = min(_free_before(i, form, placed, beat) for i in indices)
            words.pickups = [first, *words.reserved[:-1]]
    return placed


def _place_letter(
    group: list[int],
    form: SongForm,
    lines: list[tuple[Line, ...]],
    frame: Bars,
    metre: Metre,
    tempo: float,
    finest: int,
    placed: list[SectionWords | None],
) -> None:
    model = max(group, key=lambda i: (form.sections[i].bars, -i))
    counts = _counts(lines[model])
    alike = [_counts(lines[i]) for i in group if len(lines[i]) == len(counts)]
    longest = [max(column) for column in zip(*alike, strict=True)]
    try:
        slots = _slots(longest, form.sections[model], metre, tempo, finest)
    except InvalidRequest:
        slots = _slots(counts, form.sections[model], metre, tempo, finest)
    if not fits(slots, lines[model], frame, form.sections[model].first_bar, form.sections[model].bars, finest):
        slots = _slots(counts, form.sections[model], metre, tempo, finest, whole=True)
    for i in group:
        section = form.sections[i]
        shares = fits(slots, lines[i], frame, section.first_bar, section.bars, finest) and _same_bars(
            frame, section, form.sections[model]
        )
        own = slots
        if not shares:
            own = _slots(_counts(lines[i]), section, metre, tempo, finest)
            if not fits(own, lines[i], frame, section.first_bar, section.bars, finest):
                own = _slots(_counts(lines[i]), section, metre, tempo, finest, whole=True)
        placed[i] = SectionWords(section, lines[i], own, shares, [], [])


def _slots(
    counts: list[int], section: SongSection, metre: Metre, tempo: float, finest: int, whole: bool = False
) -> list[Slot]:
    """The slots of a section; with bar lines between all of them, and one for each line, if they are `whole`."""
    seconds = 0.0 if whole else metre.bar_seconds(tempo)
    bar = bar_ticks(metre)
    half = bar // 2 if not whole and bar % (2 * beat_ticks(metre)) == 0 else 0
    return lay_out(counts, section.bars, bar, finest, seconds, section.title, half)


def _counts(lines: tuple[Line, ...]) -> list[int]:
    return [len(line.syllables) for line in lines]


def _same_bars(frame: Bars, section: SongSection, model: SongSection) -> bool:
    return all(
        frame[section.first_bar + i].length == frame[model.first_bar + i].length
        and frame[section.first_bar + i].metre == frame[model.first_bar + i].metre
        for i in range(min(section.bars, model.bars))
    )


def _shares(words: SectionWords, other: SectionWords) -> bool:
    return words is other or (words.section.letter == other.section.letter and words.shares and other.shares)


def _reserved(alike: list[SectionWords], slot: int, frame: Bars, finest: int, beat: int) -> int:
    """A beat, where the fullest of the sections can spare it."""
    places = [words.slots[slot].ticks(frame, words.section.first_bar) for words in alike]
    length = min(end - start for start, end in places)
    if any(frame[frame.at(end - 1)].length < beat for _, end in places):
        return 0
    fullest = max(len(words.syllables(slot)) for words in alike)
    return beat if (length - beat) >= (fullest + 2) * max(finest, min(beat, 8)) and length > beat else 0


def _free_before(index: int, form: SongForm, placed: list[SectionWords | None], beat: int) -> int:
    """Ticks free before a section for the pick-up of its first line."""
    if form.sections[index].first_bar == 0:
        return 0
    before = placed[index - 1] if index else None
    if before is None or before.slots[-1].bar + before.slots[-1].bars < before.section.bars:
        return beat
    return before.reserved[-1]
