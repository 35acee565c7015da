"""Swing: the second eighth of each beat comes late, and what lies between moves with it."""

from collections.abc import Callable, Iterable

from bandmate_music.note_rows import NoteRow
from bandmate_music.theory.bars import Bars
from bandmate_music.theory.metrical_grid import is_compound
from bandmate_shared.contracts.composition import GRID_TICKS_PER_QUARTER

from bandmate_generate.performance.played_note import SCALE

MAX_SWING = 0.75
_STRAIGHT_STEP = 3
"""A beat with onsets off the thirty-seconds of the grid is in triplets: it swings as written."""


def swung(rows: Iterable[NoteRow], frame: Bars, swing: float) -> Callable[[int], int]:
    """From a grid tick to the performance tick where one part, of these rows, plays it.

    `swing` is the place of the second eighth within a beat, 0.5 for straight ones. Beats that the part plays in
    triplets stay as written, as do metres whose beat is not a quarter.
    """
    amount = min(MAX_SWING, swing)
    if amount <= 0.5:
        return lambda tick: tick * SCALE
    triplets = set()
    for row in rows:
        beat = _beat(row.onset, frame)
        if beat is not None and (row.onset - beat) % _STRAIGHT_STEP:
            triplets.add(beat)

    def place(tick: int) -> int:
        beat = _beat(tick, frame)
        if beat is None or beat in triplets:
            return tick * SCALE
        half = GRID_TICKS_PER_QUARTER // 2
        inside = tick - beat
        if inside <= half:
            moved = inside * 2.0 * amount
        else:
            moved = GRID_TICKS_PER_QUARTER * amount + (inside - half) * 2.0 * (1.0 - amount)
        return beat * SCALE + round(moved * SCALE)

    return place


def _beat(tick: int, frame: Bars) -> int | None:
    """The grid tick at which the beat that holds this one begins; None where quarters are not the beat."""
    if tick >= frame.end:
        return None
    bar = frame[frame.at(tick)]
    if bar.metre.denominator > 4 or is_compound(bar.metre):
        return None
    return tick - (tick - bar.onset) % GRID_TICKS_PER_QUARTER
