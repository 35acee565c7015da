"""Notes as tuples: `NoteRow` in a piece of several parts, `PartNote` within one part.

Times are in ticks of the score or grid they belong to; pitch and velocity are MIDI numbers. Being tuples, rows compare,
hash and serialise to JSON as plain lists.
"""

from collections.abc import Iterable
from typing import NamedTuple


class PartNote(NamedTuple):
    """A note of one part."""

    onset: int
    duration: int
    pitch: int
    velocity: int

    @property
    def end(self) -> int:
        return self.onset + self.duration


class NoteRow(NamedTuple):
    """A note of a piece; `part` is the index of its part."""

    part: int
    onset: int
    duration: int
    pitch: int
    velocity: int

    @property
    def end(self) -> int:
        return self.onset + self.duration


def piece_order(row: NoteRow) -> tuple[int, int, int]:
    """Sort key: onset, then part, then pitch."""
    return row.onset, row.part, row.pitch


def sorted_rows(rows: Iterable[NoteRow]) -> list[NoteRow]:
    """The rows by onset, part and pitch: the order of `ComposedTake.notes`."""
    return sorted(rows, key=piece_order)
