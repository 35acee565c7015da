"""Lays out one bar of one voice: values, rests, ties, triplet brackets, beams and accidentals.

Time is in grid units from the start of the bar, 24 a quarter note (`note_values`).
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bandmate_music.musicxml.note_values import UNITS_PER_QUARTER, NoteValue, written
from bandmate_music.musicxml.voices import Chord, Voice
from bandmate_music.theory.keys import Key
from bandmate_music.theory.metre import Metre
from bandmate_music.theory.metrical_grid import BEAT, IRREGULAR_GROUPS, bar_ticks, is_compound, strength
from bandmate_music.theory.spelling import signature_alteration, spell

_SIXTEENTH = UNITS_PER_QUARTER // 4
_BEAM_LEVELS = {"eighth": 1, "16th": 2, "32nd": 3, "64th": 4}


@dataclass(slots=True)
class Drawn:
    """A chord or a rest (`chord` None) with one written value. `hidden` rests only move on in time."""

    start: int
    value: NoteValue
    chord: Chord | None = None
    tied_from: bool = False
    tied_to: bool = False
    hidden: bool = False
    bracket: str = ""
    beams: tuple[str, ...] = ()

    @property
    def end(self) -> int:
        return self.start + self.value.units


def beat_units(metre: Metre) -> int:
    """36, a dotted quarter, in 6/8, 9/8 and 12/8; else 24."""
    return 36 if metre.denominator == 8 and metre.numerator % 3 == 0 and metre.numerator > 3 else 24


def beam_starts(metre: Metre) -> tuple[int, ...]:
    """Where in a bar a beam begins at the latest, in units: at each beat, and at each group of an irregular metre.

    A bar of up to three eighths or sixteenths is one group.
    """
    length = bar_ticks(metre)
    if metre.denominator >= 8 and metre.numerator <= 3:
        return (0,)
    if metre.denominator >= 8 and (is_compound(metre) or metre.numerator in IRREGULAR_GROUPS):
        return tuple(tick for tick in range(0, length, _SIXTEENTH) if strength(tick, metre) >= BEAT)
    return tuple(range(0, length, UNITS_PER_QUARTER))


def draw_bar(chords: Voice, onset: int, length: int, metre: Metre, hide_rests: bool) -> list[Drawn]:
    """What is drawn for the chords of one voice that sound within the bar at `onset`, both in units."""
    beat = beat_units(metre)
    drawn: list[Drawn] = []
    position = 0
    for chord in chords:
        start, end = max(0, chord.onset - onset), min(length, chord.end - onset)
        if start > position:
            drawn += _rest(position, start, beat, hide_rests)
        values = written(start, end, beat)
        for number, value in enumerate(values):
            tied_from = number > 0 or chord.onset < onset
            tied_to = number + 1 < len(values) or chord.end > onset + length
            drawn.append(Drawn(start, value, chord, tied_from, tied_to))
            start += value.units
        position = end
    if position < length and not (hide_rests and position):
        drawn += _rest(position, length, beat, hide_rests)
    _bracket(drawn)
    _beam(drawn, beam_starts(metre))
    return drawn


def accidentals(staff: Iterable[Sequence[Drawn]], key: Key) -> set[tuple[int, int]]:
    """The (identity of a drawn chord, pitch) pairs on one staff in one bar that need an accidental.

    An accidental holds to the end of the bar on its line or space; a tied note repeats none.
    """
    held: dict[tuple[str, int], int] = {}
    needed: set[tuple[int, int]] = set()
    for item in sorted((item for voice in staff for item in voice if item.chord), key=lambda item: item.start):
        assert item.chord is not None
        for pitch in item.chord.pitches:
            step, alter, octave = spell(pitch, key)
            if not item.tied_from and held.get((step, octave), signature_alteration(step, key.fifths)) != alter:
                needed.add((id(item), pitch))
                held[step, octave] = alter
    return needed


def _rest(start: int, end: int, beat: int, hidden: bool) -> list[Drawn]:
    if hidden:
        return [Drawn(start, NoteValue(end - start, ""), hidden=True)]
    rests: list[Drawn] = []
    for value in written(start, end, beat):
        rests.append(Drawn(start, value))
        start += value.units
    return rests


def _bracket(drawn: list[Drawn]) -> None:
    """Add brackets from the first triplet note to the one that completes the beat."""
    first: int | None = None
    for number, item in enumerate(drawn):
        if not item.value.triplet:
            first = None
            continue
        if first is None:
            first = number
            item.bracket = "start"
        last = number + 1 == len(drawn) or not drawn[number + 1].value.triplet
        if item.end % 24 == 0 or last:
            item.bracket = "stop" if number > first else ""
            if number == first:
                item.bracket = "alone"
            first = None


def _beam(drawn: list[Drawn], starts: Sequence[int]) -> None:
    """Beams over two or more neighbouring short notes, none over one of the `starts`."""
    group: list[Drawn] = []
    for item in drawn:
        short = item.chord is not None and item.value.type in _BEAM_LEVELS
        if not short or (group and bisect_right(starts, group[0].start) != bisect_right(starts, item.start)):
            _beam_group(group)
            group = []
        if short:
            group.append(item)
    _beam_group(group)


def _beam_group(group: list[Drawn]) -> None:
    if len(group) < 2:
        return
    levels = [0, *(_BEAM_LEVELS[item.value.type] for item in group), 0]
    for number, item in enumerate(group, 1):
        before, current, after = levels[number - 1 : number + 2]
        beams: list[str] = []
        for level in range(1, current + 1):
            if before >= level:
                beams.append("continue" if after >= level else "end")
            elif after >= level:
                beams.append("begin")
            else:
                beams.append("backward hook" if number > 1 else "forward hook")
        item.beams = tuple(beams)
