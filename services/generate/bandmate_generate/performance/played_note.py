"""A note on its way from the clean score to the performance."""

from dataclasses import dataclass
from random import Random

from bandmate_music.note_rows import NoteRow
from bandmate_music.score import TICKS_PER_QUARTER
from bandmate_shared.contracts.composition import GRID_TICKS_PER_QUARTER

SCALE = TICKS_PER_QUARTER // GRID_TICKS_PER_QUARTER
"""Performance ticks in a grid tick."""


@dataclass(slots=True)
class PlayedNote:
    """`row` is the note as written, on the grid; `onset` and `end` are performance ticks (480 a quarter).

    `place` is the onset's place after swing, before anybody plays it early or late.
    """

    row: NoteRow
    place: int
    onset: int
    end: int
    velocity: float


def bell(random: Random) -> float:
    """A random number of mean 0 and variance 1, about normal, within 3.5 of 0; equal on every machine."""
    return (random.random() + random.random() + random.random() + random.random() - 2.0) * 1.7320508


def to_ticks(milliseconds: float, tempo: float) -> int:
    """Milliseconds as performance ticks at a tempo in quarters a minute."""
    return round(milliseconds * tempo * TICKS_PER_QUARTER / 60_000.0)
