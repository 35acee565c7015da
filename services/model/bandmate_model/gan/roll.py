"""The network's view of a piece: slices of at most one bar of 4/4 as binary planes of several tracks.

A slice is a bar, or a part of a long one. A quarter has the six steps 0, 3, 4, 6, 8, 9 (model ticks, 12 per quarter):
every sixteenth and every triplet eighth, half as many as an even grid for both would need. A step is CELLS numbers:

    melody onsets (48) | melody sounding (48) | harmony … | colour … | bass … | drum strokes (10)

A note's onset is in both planes of its track, so that a repeated note is not one long note. Pieces are in tonic C.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bandmate_model.data.tokens import TICKS_PER_QUARTER

Bool = NDArray[np.bool_]
Ints = NDArray[np.int64]

BEATS = 4
BEAT_TICKS = (0, 3, 4, 6, 8, 9)
BEAT_STEPS = len(BEAT_TICKS)
SLICE_STEPS = BEATS * BEAT_STEPS
SLICE_TICKS = BEATS * TICKS_PER_QUARTER
STEP_TICKS: Ints = np.array([beat * TICKS_PER_QUARTER + tick for beat in range(BEATS) for tick in BEAT_TICKS])
"""(SLICE_STEPS,): the tick at which each step of a slice begins."""
_BOUNDS: Ints = np.append(STEP_TICKS, SLICE_TICKS)

BLOCK = 4
"""Slices composed at once, and as many before them that the network sees."""
BLOCK_STEPS = BLOCK * SLICE_STEPS
WINDOW_STEPS = 2 * BLOCK_STEPS

TRACKS = ("melody", "harmony", "colour", "bass", "drums")
MELODY, HARMONY, COLOUR, BASS, DRUMS = range(5)
PITCHED = (MELODY, HARMONY, COLOUR, BASS)
LOWEST = (48, 36, 48, 24)
"""MIDI pitch of each pitched track's first row."""
PITCHES = (48, 60, 48, 48)
"""Whole octaves; pitches outside are moved in by octaves."""

KIT = (36, 38, 42, 46, 51, 49, 45, 50, 39, 54)
"""Kick, snare, closed and open hi-hat, ride, crash, low and high tom, clap, tambourine: General MIDI notes."""
_DRUM_GROUPS = (
    (35, 36),
    (37, 38, 40),
    (42, 44),
    (46,),
    (51, 53, 59),
    (49, 52, 55, 57),
    (41, 43, 45),
    (47, 48, 50),
    (39,),
    (54, 56, 69, 70, 82),
)
_KIT_OF = {drum: number for number, drums in enumerate(_DRUM_GROUPS) for drum in drums}


@dataclass(frozen=True, slots=True)
class Planes:
    """Where a track lies in a step's numbers."""

    onset: slice
    sounding: slice
    """The same as `onset` for drums, which have no length."""


def _planes() -> tuple[Planes, ...]:
    planes, first_cell = [], 0
    for pitches in PITCHES:
        planes.append(
            Planes(slice(first_cell, first_cell + pitches), slice(first_cell + pitches, first_cell + 2 * pitches))
        )
        first_cell += 2 * pitches
    strokes = slice(first_cell, first_cell + len(KIT))
    return (*planes, Planes(strokes, strokes))


PLANES = _planes()
CELLS = PLANES[DRUMS].onset.stop
TRACK_OF_CELL: Ints = np.array(
    [track for track, planes in enumerate(PLANES) for _ in range(planes.onset.start, planes.sounding.stop)]
)


def slice_lengths(ticks: int, numerator: int) -> list[int]:
    """The slices of a bar of `ticks` model ticks: of compound metres at most three quarters each, of others four."""
    max_ticks = SLICE_TICKS if numerator % 3 or numerator == 3 else SLICE_TICKS * 3 // 4
    return [min(max_ticks, ticks - start) for start in range(0, ticks, max_ticks)]


def steps_of(length: int) -> int:
    """How many steps of a slice of `length` ticks there are; the rest of its rows stays empty."""
    return int(np.searchsorted(STEP_TICKS, length))


def nearest_step(ticks: Ints) -> Ints:
    """The step nearest to each tick of a slice; the later one of two."""
    return np.minimum(nearest_bound(ticks), SLICE_STEPS - 1)


def nearest_bound(ticks: Ints) -> Ints:
    """As nearest_step, for ends: SLICE_STEPS is the end of the slice."""
    return np.searchsorted((_BOUNDS[1:] + _BOUNDS[:-1]) / 2, ticks, side="right")


def row_of(track: int, pitch: int) -> int:
    """The row of a MIDI pitch in a track's planes, moved in by octaves; of a drum in the kit, -1 where it has none."""
    if track == DRUMS:
        return _KIT_OF.get(pitch, -1)
    row = pitch - LOWEST[track]
    if row < 0:
        row %= 12
    elif row >= PITCHES[track]:
        row = PITCHES[track] - 12 + row % 12
    return row


@dataclass(frozen=True, slots=True)
class Slices:
    """The time of a piece: for each slice its first tick and its length, in model ticks, and the bar it lies in."""

    starts: Ints
    lengths: Ints
    bars: Ints

    @staticmethod
    def of(bars: Sequence[tuple[int, int]]) -> "Slices":
        """From (length in model ticks, numerator) of each bar."""
        lengths, owners = [], []
        for bar, (ticks, numerator) in enumerate(bars):
            bar_lengths = slice_lengths(max(1, ticks), numerator)
            lengths.extend(bar_lengths)
            owners.extend([bar] * len(bar_lengths))
        sizes = np.array(lengths, dtype=np.int64)
        return Slices(np.cumsum(sizes) - sizes, sizes, np.array(owners, dtype=np.int64))

    @property
    def end(self) -> int:
        return int(self.starts[-1] + self.lengths[-1])

    def __len__(self) -> int:
        return len(self.starts)

    def onset_steps(self, ticks: Ints) -> Ints:
        """The step of the piece (SLICE_STEPS a slice) nearest to each tick, in the slice that holds it."""
        number = np.clip(np.searchsorted(self.starts, ticks, side="right") - 1, 0, len(self) - 1)
        inside = nearest_step(ticks - self.starts[number])
        return number * SLICE_STEPS + np.minimum(inside, np.searchsorted(STEP_TICKS, self.lengths[number]) - 1)

    def end_steps(self, ticks: Ints) -> Ints:
        """The step before which notes that end at these ticks end."""
        number = np.clip(np.searchsorted(self.starts, ticks, side="left") - 1, 0, len(self) - 1)
        return number * SLICE_STEPS + nearest_bound(ticks - self.starts[number])

    def tick(self, step: int) -> int:
        """The tick at which a step begins; the end of the slice for steps that are not there."""
        number, inside = divmod(step, SLICE_STEPS)
        if number >= len(self):
            return self.end
        return int(self.starts[number] + min(int(STEP_TICKS[inside]), int(self.lengths[number])))

    def present(self, first_slice: int, count: int) -> Bool:
        """(count * SLICE_STEPS,): which steps of the slices from `first_slice` on exist; none outside the piece."""
        mask = np.zeros((count, SLICE_STEPS), dtype=bool)
        for index, number in enumerate(range(first_slice, first_slice + count)):
            if 0 <= number < len(self):
                mask[index, : steps_of(int(self.lengths[number]))] = True
        return mask.reshape(-1)


def paint(notes: NDArray[np.integer], items: Ints, count: int, steps: int) -> Bool:
    """Rolls (count, steps, CELLS) of notes (start step, end step, track, row) that belong to the items named.

    Steps count from the roll's first; starts lie inside, ends may lie beyond.
    """
    change = np.zeros((count, steps + 1, CELLS), dtype=np.int8)
    roll = np.zeros((count, steps, CELLS), dtype=bool)
    firsts = np.array([planes.onset.start for planes in PLANES])
    sounding = np.array([planes.sounding.start for planes in PLANES])
    start, end, track, row = (notes[:, column].astype(np.int64) for column in range(4))
    roll[items, start, firsts[track] + row] = True
    pitched = track != DRUMS
    items, start, end, cell = items[pitched], start[pitched], end[pitched], (sounding[track] + row)[pitched]
    np.add.at(change, (items, start, cell), 1)
    np.add.at(change, (items, np.minimum(np.maximum(end, start + 1), steps), cell), -1)
    np.cumsum(change, axis=1, out=change)
    return roll | (change[:, :steps] > 0)
