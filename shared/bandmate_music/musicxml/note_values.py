"""Splits durations into written note values: dots, triplets and ties, at the beats.

Time here is in grid units, 24 a quarter note: a 32nd note is 3, a 32nd note of a triplet 2, the shortest that is
written (a 64th of a triplet) 1. Every whole number of units can be written.
"""

from dataclasses import dataclass
from functools import lru_cache

UNITS_PER_QUARTER = 24


@dataclass(frozen=True, slots=True)
class NoteValue:
    """A written value: length in units, its MusicXML type, dots, and whether it is one of three in the time of two."""

    units: int
    type: str
    dots: int = 0
    triplet: bool = False


_PLAIN = {96: "whole", 48: "half", 24: "quarter", 12: "eighth", 6: "16th", 3: "32nd"}
_VALUES = {units: NoteValue(units, kind) for units, kind in _PLAIN.items()}
_VALUES |= {units * 3 // 2: NoteValue(units * 3 // 2, kind, 1) for units, kind in _PLAIN.items() if units > 3}
_TRIPLETS = {
    units: NoteValue(units, kind, 0, True)
    for units, kind in {16: "quarter", 8: "eighth", 4: "16th", 2: "32nd", 1: "64th"}.items()
}


@lru_cache(maxsize=65536)
def written(start: int, end: int, beat: int) -> tuple[NoteValue, ...]:
    """The values, to be tied, that fill a bar's stretch from `start` to `end`; `beat` is 24, or 36 in compound metres.

    A value that begins off its own grid is split at the strongest point inside it, so that the beats stay visible;
    half a value off (the syncopated quarter) stays whole.
    """
    length = end - start
    value = _VALUES.get(length)
    if value is not None and _stands(start, value, beat):
        return (value,)
    triplet = _TRIPLETS.get(length)
    if triplet is not None and _stands_in_triplet(start, end):
        return (triplet,)
    point = _strongest_point(start, end, beat)
    return written(start, point, beat) + written(point, end, beat)


def _stands(start: int, value: NoteValue, beat: int) -> bool:
    unit = value.units // 3 if value.dots else value.units // 2
    if value.units == 3:
        return start % 3 == 0
    if beat == 36 and not value.dots and value.units in (24, 48) and start % 12 == 0:
        return value.units == 24 and _within(start, start + 24, 36)
    if value.dots and beat == 36:
        return start % (36 if value.units >= 36 else unit) == 0
    return start % unit == 0 and (value.units <= 24 or start % 24 == 0 or start % beat == 0)


def _stands_in_triplet(start: int, end: int) -> bool:
    length = end - start
    if length == 16 and start % 8 == 0 and _within(start, end, 24):  # The long note of a swung pair.
        return True
    return start % length == 0 and _within(start, end, 48 if length == 16 else 24)


def _within(start: int, end: int, span: int) -> bool:
    return start // span == (end - 1) // span


def _strongest_point(start: int, end: int, beat: int) -> int:
    """The point strictly inside that lies on the coarsest subdivision of the bar; of triplets where an end is one."""
    halves = start % 3 == 0 and end % 3 == 0
    for step in (beat * 4, beat * 2, beat, 24, *((12, 6, 3) if halves else (8, 4, 2)), 1):
        point = (start // step + 1) * step
        if start < point < end:
            return point
    raise AssertionError("an interval of one unit is always a value")
