"""The bars of a given file beside the same bars on the models' grid, and ticks of one as ticks of the other.

Exact at every bar line. A bar that is cut short on a tick that the grid does not have is as long as the nearest that it
has, and what lies in it is stretched alike.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from bandmate_shared.contracts.composition import GRID_TICKS_PER_QUARTER
from bandmate_shared.errors import InvalidRequest
from bandmate_shared.music.bars import Bar, Bars
from bandmate_shared.music.metre import DENOMINATORS
from numpy.typing import NDArray

FINEST = 2
"""Grid ticks between the moments at which models write notes."""
_MOST_BEATS = 16
_POSITIONS = np.array([0, 6, 8, 12, 16, 18, 24])
"""Sixteenths and triplet eighths of a quarter note, in grid ticks."""


@dataclass(frozen=True, slots=True)
class Ruler:
    """`file`: bars as they lie in the file; `grid`: the same from tick 0 on, in grid ticks."""

    file: tuple[Bar, ...]
    grid: Bars

    @staticmethod
    def of(bars: Sequence[Bar], ticks_per_quarter: int) -> "Ruler":
        """Neighbouring bars of a file, at least one. Raises InvalidRequest where a model cannot count one of them."""
        for bar in bars:
            if not countable(bar):
                raise InvalidRequest(
                    f"bar {bar.number} of the given piece is in {bar.metre.name}, which cannot be composed in; metres "
                    f"have 1 to {_MOST_BEATS} beats over 1, 2, 4, 8 or 16"
                )
        return Ruler(tuple(bars), Bars.of((_grid_length(bar, ticks_per_quarter), bar.metre) for bar in bars))

    @property
    def origin(self) -> int:
        """The file's tick at which the bars begin."""
        return self.file[0].onset

    @property
    def end(self) -> int:
        """The file's tick at which they end."""
        return self.file[-1].end

    def bar_at(self, tick: int) -> int:
        """Which of the bars, from 0, holds a tick of the file."""
        return max(0, bisect_right(self.file, tick, key=lambda bar: bar.onset) - 1)

    def file_tick(self, grid: int) -> int:
        """The file's tick of a grid tick."""
        index = self.grid.at(grid)
        own, there = self.grid[index], self.file[index]
        tick = there.onset + round((grid - own.onset) * there.length / own.length)
        return min(tick, there.end - 1) if grid < own.end else tick

    def grid_tick(self, tick: int) -> int:
        """The grid tick nearest to a tick of the file."""
        own, there = self._pair(tick)
        return own.onset + round((tick - there.onset) * own.length / there.length)

    def grid_tick_after(self, tick: int) -> int:
        """The first grid tick that is not before a tick of the file."""
        own, there = self._pair(tick)
        return own.onset - (there.onset - tick) * own.length // there.length

    def quantised(self, ticks: Sequence[int]) -> list[int]:
        """The file's ticks as grid ticks, each moved to the nearest sixteenth or triplet of its bar. What lies on the
        models' finer grid stays: it was meant."""
        found = np.asarray(ticks, np.int64)
        bars = np.array([self.bar_at(tick) for tick in ticks], np.int64)
        (onsets, lengths), (starts, sizes) = _columns(self.file, bars), _columns(self.grid.bars, bars)
        moved: list[int] = (_quantised((found - onsets) * (sizes / lengths)) + starts).tolist()
        return moved

    def _pair(self, tick: int) -> tuple[Bar, Bar]:
        index = self.bar_at(tick)
        return self.grid[index], self.file[index]


def countable(bar: Bar) -> bool:
    """Whether models know bars of this metre."""
    return bar.metre.numerator <= _MOST_BEATS and bar.metre.denominator in DENOMINATORS


def _columns(bars: Sequence[Bar], chosen: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Onsets and lengths of the chosen bars."""
    return np.array([bar.onset for bar in bars])[chosen], np.array([bar.length for bar in bars])[chosen]


def _quantised(ticks: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
    """Grid ticks moved to the nearest sixteenth or triplet, but for those on the models' finer grid."""
    quarter = np.floor(ticks / GRID_TICKS_PER_QUARTER).astype(np.int64) * GRID_TICKS_PER_QUARTER
    nearest = np.abs((ticks - quarter)[:, None] - _POSITIONS[None, :]).argmin(axis=1)
    result: NDArray[np.int64] = np.where(ticks % FINEST == 0, ticks, quarter + _POSITIONS[nearest]).astype(np.int64)
    return result


def _grid_length(bar: Bar, ticks_per_quarter: int) -> int:
    if bar.length == bar.metre.bar_ticks(ticks_per_quarter):
        return bar.metre.bar_ticks(GRID_TICKS_PER_QUARTER)
    return max(FINEST, round(bar.length * GRID_TICKS_PER_QUARTER / ticks_per_quarter / FINEST) * FINEST)
