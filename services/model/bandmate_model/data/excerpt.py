"""A few bars of music as columns of notes: the input of every measure in this package."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TICKS = 24
"""Ticks a quarter note (the contract's grid, and muspy's default resolution)."""

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Columns of equal length, sorted by onset, part and pitch. Times in ticks from the first bar, inside the bars."""

    part: Ints
    onset: Ints
    duration: Ints
    pitch: Ints
    is_drum: NDArray[np.bool_]
    bar_ticks: int
    bars: int
    tonic: int = 0
    mode: str = "major"

    def __len__(self) -> int:
        return len(self.onset)

    @property
    def ticks(self) -> int:
        return self.bars * self.bar_ticks

    @property
    def end(self) -> int:
        """Where the last note ends; 0 without notes."""
        return int((self.onset + self.duration).max()) if len(self) else 0

    @property
    def pitched(self) -> NDArray[np.bool_]:
        return ~self.is_drum


def excerpt(
    rows: NDArray[np.integer] | Sequence[Sequence[int]],
    drums: Collection[int],
    bar_ticks: int,
    bars: int,
    *,
    first_tick: int = 0,
    tonic: int = 0,
    mode: str = "major",
) -> Excerpt:
    """The notes that begin in `bars` bars from `first_tick` on, cut off where these end.

    `rows` are (part, onset, duration, pitch, …) in ticks; `drums` the numbers of the parts that are drums.
    """
    table = np.asarray(rows, dtype=np.int64)
    table = table.reshape(len(table), -1)[:, :4] if len(table) else np.zeros((0, 4), np.int64)
    onset = table[:, 1] - first_tick
    inside = (onset >= 0) & (onset < bars * bar_ticks)
    table, onset = table[inside], onset[inside]
    order = np.lexsort((table[:, 3], table[:, 0], onset))
    table, onset = table[order], onset[order]
    duration = np.minimum(np.maximum(table[:, 2], 1), bars * bar_ticks - onset)
    is_drum = np.isin(table[:, 0], list(drums))
    return Excerpt(table[:, 0], onset, duration, table[:, 3], is_drum, bar_ticks, bars, tonic, mode)


def windows(bars: Sequence[tuple[int, int, int]], count: int) -> list[int]:
    """The bars at which `count` bars of one length and metre begin; `bars` are (ticks, numerator, denominator)."""
    starts = []
    run = 0
    for index, bar in enumerate(bars):
        run = run + 1 if index and bar == bars[index - 1] else 1
        if run >= count:
            starts.append(index - count + 1)
    return starts
