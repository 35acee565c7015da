"""Compose the tune of a section: the rhythm of each phrase, then its pitches, phrase after phrase."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from bandmate_music.theory.bars import Bars
from bandmate_music.theory.metrical_grid import EIGHTH, QUARTER
from bandmate_shared.errors import InvalidRequest

from bandmate_generate.lead.beats import Beat, beats_of, song_level
from bandmate_generate.lead.chords import ChordTrack
from bandmate_generate.lead.contour import PhrasePlan, Register
from bandmate_generate.lead.pitches import Ending, PitchWish, TuneSearch, scale_step
from bandmate_generate.lead.placing import SectionWords
from bandmate_generate.lead.rhythm import RhythmTaste, line_onsets, stress_class
from bandmate_generate.lead.words import Sung, TuneNote
from bandmate_generate.lyrics.lines import Syllable

_UNRESOLVED = 400
"""Cost of a song's last syllable over a chord without the tonic."""
_CUT_OFF, _HELD = 500, 2 * QUARTER
"""Cost of a song's last syllable that has next to none of the ticks that it should be held for."""
_HURRIED_SECONDS = 0.21
_MOTIF_PART, _HEAD = 0.5, 3
"""How much of a phrase a return or a sequence of it keeps, its ending is new; and the syllables that two lines
have to begin with alike to be sung alike."""


@dataclass(frozen=True)
class PhraseTune:
    """A phrase; its notes, one group for each syllable, count from the start of the section, as does `downbeat`.
    `masks` are its onsets in each beat, by the beat's distance from the downbeat."""

    syllables: tuple[Syllable, ...]
    groups: tuple[Sung, ...]
    downbeat: int
    masks: Mapping[int, int]

    @property
    def pitches(self) -> list[int]:
        """The first pitch of each syllable."""
        return [group[0].pitch for group in self.groups]

    def moved(self, downbeat: int) -> "PhraseTune":
        """The phrase with its first bar at another tick of the section."""
        shift = downbeat - self.downbeat
        groups = tuple(
            tuple(TuneNote(note.onset + shift, note.duration, note.pitch) for note in group) for group in self.groups
        )
        return PhraseTune(self.syllables, groups, downbeat, self.masks)

    def fits(self, earliest: int, end: int) -> bool:
        """Whether it lies within these ticks of the section."""
        return earliest <= self.groups[0][0].onset and self.groups[-1][-1].end <= end


@dataclass(frozen=True)
class SectionSetting:
    """What the phrases of a section are composed with. `anticipated` are distances from a phrase's downbeat of beats
    that are sung an eighth early."""

    frame: Bars
    chords: ChordTrack
    search: TuneSearch
    taste: RhythmTaste
    finest: int
    register: Register
    plans: Sequence[PhrasePlan]
    anticipated: frozenset[int]
    seconds_per_tick: float
    is_last: bool


def compose_section(
    words: SectionWords,
    setting: SectionSetting,
    before: Sequence[int],
    model: Sequence[PhraseTune],
    rng: random.Random,
) -> list[PhraseTune]:
    """The phrases of a section. `before` are the last pitches sung; `model` the phrases of the section of its letter
    that was composed before, whose rhythm and pitches are kept where the words allow; empty for the first one.

    Raises:
        InvalidRequest: a line does not fit its bars.
    """
    start = setting.frame.start(words.section.first_bar)
    phrases: list[PhraseTune] = []
    for index in range(len(words.slots)):
        syllables = words.syllables(index)
        if not syllables:
            continue
        downbeat = _downbeat(words, setting, index) - start
        plan = setting.plans[min(index, len(setting.plans) - 1)]
        kept = kept_phrase(model, index, downbeat, len(words.slots))
        twin = next((phrase.moved(downbeat) for phrase in phrases if _same_words(phrase.syllables, syllables)), None)
        source = phrases[min(plan.source, len(phrases) - 1)] if plan.source is not None and phrases else None
        alike = next((phrase for phrase in phrases if _same_beginning(phrase.syllables, syllables)), None)
        if kept is None and alike is not None:
            plan, source = replace(plan, role="return"), alike
        if (
            twin is not None
            and kept is None
            and twin.fits(downbeat - words.pickups[index], _limit(words, setting, index))
        ):
            kept, masks = twin, dict(twin.masks)
            onsets = [start + group[0].onset for group in twin.groups]
            durations = [group[-1].end - group[0].onset for group in twin.groups]
        else:
            rhythm = kept or source or (phrases[0] if phrases else None)
            whole = kept is not None or source is not None
            earlier = start + phrases[-1].groups[-1][-1].onset if phrases else start - QUARTER
            onsets, end, masks = _rhythm(words, setting, index, syllables, rhythm, whole, earlier, rng)
            durations = _durations(onsets, end, setting)
        pitches = _pitches(syllables, onsets, durations, setting, plan, source, kept, start, before, rng)
        groups = tuple(
            (TuneNote(onset - start, duration, pitch),)
            for onset, duration, pitch in zip(onsets, durations, pitches, strict=True)
        )
        phrases.append(PhraseTune(syllables, groups, downbeat, masks))
        before = [*before, *pitches][-2:]
    return phrases


def kept_phrase(model: Sequence[PhraseTune], index: int, downbeat: int, count: int) -> PhraseTune | None:
    """The phrase of the model that is sung at a downbeat, or that has the same number where both have as many; moved
    there."""
    same = next((phrase for phrase in model if phrase.downbeat == downbeat), None)
    if same is None and len(model) == count:
        same = model[index]
    return same.moved(downbeat) if same is not None else None


def _same_words(syllables: Sequence[Syllable], others: Sequence[Syllable]) -> bool:
    """Whether two lines are the same words; an instrument's, which repeat one syllable, are not."""
    text = [syllable.text.lower() for syllable in syllables]
    return len(set(text)) > 1 and text == [syllable.text.lower() for syllable in others]


def _same_beginning(syllables: Sequence[Syllable], others: Sequence[Syllable]) -> bool:
    """Whether two lines begin with the same words, three syllables of them at least."""
    return min(len(syllables), len(others)) >= _HEAD and _same_words(syllables[:_HEAD], others[:_HEAD])


def _limit(words: SectionWords, setting: SectionSetting, index: int) -> int:
    """The tick of the section by which a phrase has to end."""
    first, slot = words.section.first_bar, words.slots[index]
    return slot.ticks(setting.frame, first)[1] - setting.frame.start(first) - words.reserved[index]


def _downbeat(words: SectionWords, setting: SectionSetting, index: int) -> int:
    return words.slots[index].ticks(setting.frame, words.section.first_bar)[0]


def _rhythm(
    words: SectionWords,
    setting: SectionSetting,
    index: int,
    syllables: tuple[Syllable, ...],
    source: PhraseTune | None,
    whole: bool,
    earlier: int,
    rng: random.Random,
) -> tuple[list[int], int, dict[int, int]]:
    """Onsets, the end of the phrase, and its patterns; all in ticks of the song but for the patterns' distances.

    `earlier` is the last onset of the phrase before, after which a pick-up leaves a beat and a breath.
    """
    frame, section, slot = setting.frame, words.section, words.slots[index]
    first = section.first_bar + slot.bar
    downbeat, slot_end = slot.ticks(frame, section.first_bar)
    near = beats_of(frame, max(0, first - 1), first + slot.bars + (slot.over > 0), setting.finest)
    beats = [beat for beat in near if downbeat <= beat.onset < slot_end]
    end = slot_end - words.reserved[index]
    if not (setting.is_last and index + 1 == len(words.slots)):
        natural = round((len(syllables) + 3) * 0.85 / setting.seconds_per_tick)
        end = min(end, max(downbeat + natural, downbeat + (len(syllables) + 2) * setting.finest))
    end -= (end - downbeat) % setting.finest
    pickup: list[Beat] = []
    if words.pickups[index]:
        before = [beat for beat in near if beat.onset < downbeat]
        pickup = [
            _from(beat, earlier + QUARTER + setting.finest)
            for beat in before[-1:]
            if beat.onset >= downbeat - words.pickups[index]
        ]
    wanted = max(QUARTER, min(round(1.0 / setting.seconds_per_tick), (slot_end - downbeat) * 2 // 5))
    taste = replace(setting.taste, final=wanted)
    like: dict[int, int] = {}
    if source is not None:
        distances = [beat.onset - downbeat for beat in beats]
        part = distances if whole else distances[: len(distances) // 2] if rng.random() < 0.5 else distances[1::2]
        for distance in part:
            if distance in source.masks:
                like[downbeat + distance] = source.masks[distance]
    is_final = setting.is_last and index + 1 == len(words.slots)

    def closing(tick: int) -> int:
        if not is_final:
            return 0
        chord = setting.chords.at(tick)
        unresolved = chord is not None and setting.search.key.tonic not in chord.pitch_classes
        return _UNRESOLVED * unresolved + _CUT_OFF * max(0, _HELD - (slot_end - tick)) // _HELD

    for room in (end, slot_end - words.reserved[index]):
        onsets = line_onsets(syllables, [*pickup, *beats], downbeat, room, setting.finest, taste, rng, like, closing)
        if onsets is not None:
            break
    if onsets is None:
        raise InvalidRequest(
            f"{section.title}: {len(syllables)} syllables do not fit {slot.bars} {'bar' if slot.bars == 1 else 'bars'} "
            f"at this tempo; ask for at least {section.bars + slot.bars} bars, fewer words or a slower tempo"
        )
    masks = {
        beat.onset - downbeat: sum(1 << (tick - beat.onset) // 6 for tick in onsets if beat.onset <= tick < beat.end)
        for beat in beats
    }
    return _anticipate(onsets, syllables, downbeat, setting), room, masks


def _from(beat: Beat, tick: int) -> Beat:
    """The beat with the places from a tick on for notes."""
    places = [place for place in zip(beat.slots, beat.levels, strict=True) if place[0] >= tick]
    return beat._replace(slots=tuple(slot for slot, _ in places), levels=tuple(level for _, level in places))


def _anticipate(
    onsets: list[int], syllables: tuple[Syllable, ...], downbeat: int, setting: SectionSetting
) -> list[int]:
    """Move stressed syllables on the section's anticipated beats an eighth ahead, where that is free."""
    moved = list(onsets)
    for index in range(1, len(moved)):
        free = moved[index] - moved[index - 1] >= EIGHTH + max(setting.finest, 6)
        is_last = index + 1 == len(moved)
        heavy = syllables[index].stress >= 0.5 or is_last
        if not is_last and not syllables[index].word_end:  # It would be held in the middle of its word.
            heavy = heavy and onsets[index + 1] - onsets[index] <= QUARTER
        if free and heavy and moved[index] - downbeat in setting.anticipated:
            moved[index] -= EIGHTH
    return moved


def _durations(onsets: list[int], end: int, setting: SectionSetting) -> list[int]:
    """Each note lasts to the next one; the last one is held, and leaves a breath."""
    finest = setting.finest
    durations = [later - earlier for earlier, later in pairwise(onsets)]
    room = end - onsets[-1]
    breath = 0
    if room >= 2 * finest:
        breath = max(
            finest, min(round(0.25 / setting.seconds_per_tick) // finest * finest, room // 3 // finest * finest)
        )
    held = min(room - breath, max(QUARTER, round(1.5 / setting.seconds_per_tick)))
    if held >= 2 * QUARTER:
        on_beat = (onsets[-1] + held) // EIGHTH * EIGHTH - onsets[-1]
        held = on_beat if on_beat >= QUARTER else held
    return [*durations, max(finest, held // finest * finest)]


def _pitches(
    syllables: tuple[Syllable, ...],
    onsets: list[int],
    durations: list[int],
    setting: SectionSetting,
    plan: PhrasePlan,
    source: PhraseTune | None,
    kept: PhraseTune | None,
    start: int,
    before: Sequence[int],
    rng: random.Random,
) -> list[int]:
    wishes = []
    span = max(1, onsets[-1] - onsets[0])
    known = source.pitches if source is not None else []
    key = setting.search.key
    for index, (syllable, onset, duration) in enumerate(zip(syllables, onsets, durations, strict=True)):
        chord = setting.chords.under(onset, duration)
        place = (onset - onsets[0]) / span
        step = like = unlike = None
        if kept is None and index < len(known) and index < _MOTIF_PART * len(known):
            step = scale_step(known[index], key) - scale_step(known[index - 1], key) if index else None
            like = known[index] if plan.role == "return" else None
            unlike = known[index] if plan.role == "sequence" else None
        if kept is not None:
            like = _sounding(kept, onset - start)
        wishes.append(
            PitchWish(
                chord=frozenset(chord.pitch_classes) if chord else frozenset(),
                root=chord.root if chord else key.tonic,
                level=song_level(onset, setting.frame),
                is_long=duration >= 2 * QUARTER,
                stress=stress_class(syllable.stress),
                target=setting.register.middle + _curve(plan.contour, place),
                like=like,
                unlike=unlike,
                step=step,
                is_hurried=index > 0 and (onset - onsets[index - 1]) * setting.seconds_per_tick < _HURRIED_SECONDS,
            )
        )
    ending = (
        "final" if setting.is_last and plan.ending == "final" else "closed" if plan.ending == "final" else plan.ending
    )
    bounds = (setting.register.low, setting.register.high)
    return setting.search.phrase(wishes, before, bounds, Ending(ending), rng)


def _sounding(phrase: PhraseTune, tick: int) -> int | None:
    """The pitch that a phrase has at a tick of its section."""
    return next((note.pitch for group in phrase.groups for note in group if note.onset <= tick < note.end), None)


def _curve(contour: tuple[float, float, float], place: float) -> float:
    """The parabola through start, middle and end."""
    start, middle, end = contour
    return start + place * (4 * middle - 3 * start - end) + place * place * (2 * start + 2 * end - 4 * middle)
