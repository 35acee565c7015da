"""Convert between the ticks of a given file and those of the models' grid, bar by bar.

Exact at every bar line. A bar that is cut short on a tick that the grid does not have is as long as the nearest that it
has, and what lies in it is stretched alike. In a file that was played, a note that begins up to 20 ms before a bar line
belongs to the bar behind it, and one held up to 20 ms past a bar line ends there. Where it swings, its off-beats are
the grid's second eighths, and what is composed swings alike.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from bandmate_music.score import TempoChange
from bandmate_music.theory.bars import Bar, Bars
from bandmate_music.theory.metre import DENOMINATORS
from bandmate_shared.contracts.composition import GRID_TICKS_PER_QUARTER
from bandmate_shared.errors import InvalidRequest
from numpy.typing import NDArray

from bandmate_generate.planning.off_beats import STRAIGHT, straightened, swung

MODEL_STEP = 2
"""Grid ticks between the moments at which models write notes."""
PLAYED_BESIDE_SECONDS = 0.02
"""How far from a bar line a player's note may be that is meant on it."""
_MIN_SWING_RESOLUTION = 240
"""Ticks a quarter in which notes of the grid that swing stay apart."""
_ROUNDING = 1e-6
_MAX_BEATS = 16
_POSITIONS = np.array([0, 6, 8, 12, 16, 18, 24])
"""Sixteenths and triplet eighths of a quarter note, in grid ticks."""


@dataclass(frozen=True, slots=True)
class TickMap:
    """`file`: bars as they lie in the file; `grid`: the same from tick 0 on, in grid ticks.

    `early`: ticks of the file before each bar's onset, and before the end of the last one, in which a note begins that
    is meant on it. `off_beat`: where in a quarter of the file its second eighth lies, in grid ticks.
    """

    file: tuple[Bar, ...]
    grid: Bars
    early: tuple[int, ...]
    off_beat: float = STRAIGHT

    @staticmethod
    def of(
        bars: Sequence[Bar], ticks_per_quarter: int, tempi: Sequence[TempoChange] = (), off_beat: float = STRAIGHT
    ) -> "TickMap":
        """Neighbouring bars of a file, at least one. Raises InvalidRequest where a model cannot count one of them.

        Only quarters swing, in a file with room for it: elsewhere `off_beat` is left out.
        """
        for bar in bars:
            if not countable(bar):
                raise InvalidRequest(
                    f"bar {bar.number} of the given piece is in {bar.metre.name}, which cannot be composed in; metres "
                    f"have 1 to {_MAX_BEATS} beats over 1, 2, 4, 8 or 16"
                )
        grid = Bars.of((_grid_length(bar, ticks_per_quarter), bar.metre) for bar in bars)
        quarters = all(bar.metre.denominator in (2, 4) for bar in bars)
        if not quarters or ticks_per_quarter < _MIN_SWING_RESOLUTION:
            off_beat = STRAIGHT
        steps = [MODEL_STEP * bar.length // grid_bar.length - 2 for bar, grid_bar in zip(bars, grid.bars, strict=True)]
        lines = [bars[0].onset, *(bar.end for bar in bars)]
        played = [ticks_beside(line, ticks_per_quarter, tempi) for line in lines]
        early = [max(0, min(ticks, step)) for ticks, step in zip(played, [steps[0], *steps], strict=True)]
        return TickMap(tuple(bars), grid, tuple(early), off_beat)

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

    def bar_of_onset(self, tick: int) -> int:
        """Which of the bars, from 0, a note belongs to that begins at a tick of the file.

        -1 for one before the first bar; the number of bars for one behind the last.
        """
        index = self._line_before(tick)
        return index + (index < len(self.file) and self._line(index + 1) - tick <= self.early[index + 1])

    def ending(self, onset: int, end: int) -> int:
        """Where in the file a note is meant to end: at a bar line after its onset that it is held just past.

        That is by as much as it may begin too early, or by a grid tick where that is more.
        """
        index = self._line_before(end)
        if index < 0 or onset >= self._line(index):
            return end
        bar = min(index, len(self.file) - 1)
        grid_tick = self.file[bar].length // self.grid[bar].length
        return self._line(index) if end - self._line(index) <= max(self.early[index], grid_tick) else end

    def _line(self, index: int) -> int:
        """The file's tick of a bar line: before the bar `index`, or behind the last one."""
        return self.file[index].onset if index < len(self.file) else self.end

    def _line_before(self, tick: int) -> int:
        """Index of the last bar line at or before a tick of the file; -1 before the first."""
        return len(self.file) if tick >= self.end else bisect_right(self.file, tick, key=lambda bar: bar.onset) - 1

    def file_tick(self, grid: int) -> int:
        """The file's tick of a grid tick."""
        index = self.grid.at(grid)
        grid_bar, file_bar = self.grid[index], self.file[index]
        place = swung(grid - grid_bar.onset, self.off_beat)
        tick = file_bar.onset + round(place * file_bar.length / grid_bar.length)
        return min(tick, file_bar.end - 1) if grid < grid_bar.end else tick

    def grid_tick(self, tick: int) -> int:
        """The grid tick nearest to a tick of the file."""
        grid_bar, file_bar = self._pair(tick)
        place = (tick - file_bar.onset) * grid_bar.length / file_bar.length
        return grid_bar.onset + round(straightened(place, self.off_beat))

    def grid_tick_after(self, tick: int) -> int:
        """The first grid tick that is not before a tick of the file."""
        grid_bar, file_bar = self._pair(tick)
        if self.off_beat == STRAIGHT:
            return grid_bar.onset - (file_bar.onset - tick) * grid_bar.length // file_bar.length
        place = (tick - file_bar.onset) * grid_bar.length / file_bar.length
        return grid_bar.onset + ceil(straightened(place, self.off_beat) - _ROUNDING)

    def quantised(self, ticks: Sequence[int]) -> list[int]:
        """The file's ticks as grid ticks, each moved to the nearest sixteenth or triplet of its bar.

        Ticks that lie on the models' finer grid stay where they are.
        """
        file_ticks = np.asarray(ticks, np.int64)
        bars = np.array([self.bar_at(tick) for tick in ticks], np.int64)
        (onsets, lengths), (starts, sizes) = _columns(self.file, bars), _columns(self.grid.bars, bars)
        places = (file_ticks - onsets) * (sizes / lengths)
        if self.off_beat != STRAIGHT:
            places = np.array([straightened(place, self.off_beat) for place in places.tolist()], np.float64)
        grid_ticks: list[int] = (_quantised(places) + starts).tolist()
        return grid_ticks

    def _pair(self, tick: int) -> tuple[Bar, Bar]:
        index = self.bar_at(tick)
        return self.grid[index], self.file[index]


def ticks_beside(line: int, ticks_per_quarter: int, tempi: Sequence[TempoChange]) -> int:
    """PLAYED_BESIDE_SECONDS in ticks at the tempo before a tick; 120 quarters a minute where none is said."""
    tempo = next((change.tempo for change in reversed(tempi) if change.onset < line or change.onset == 0), 120.0)
    return int(PLAYED_BESIDE_SECONDS * tempo / 60 * ticks_per_quarter)


def countable(bar: Bar) -> bool:
    """Whether models know bars of this metre."""
    return bar.metre.numerator <= _MAX_BEATS and bar.metre.denominator in DENOMINATORS


def _columns(bars: Sequence[Bar], chosen: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Onsets and lengths of the chosen bars."""
    return np.array([bar.onset for bar in bars])[chosen], np.array([bar.length for bar in bars])[chosen]


def _quantised(ticks: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
    """Grid ticks moved to the nearest sixteenth or triplet, but for those on the models' finer grid."""
    quarter = np.floor(ticks / GRID_TICKS_PER_QUARTER).astype(np.int64) * GRID_TICKS_PER_QUARTER
    nearest = np.abs((ticks - quarter)[:, None] - _POSITIONS[None, :]).argmin(axis=1)
    result: NDArray[np.int64] = np.where(ticks % MODEL_STEP == 0, ticks, quarter + _POSITIONS[nearest]).astype(np.int64)
    return result


def _grid_length(bar: Bar, ticks_per_quarter: int) -> int:
    if bar.length == bar.metre.bar_ticks(ticks_per_quarter):
        return bar.metre.bar_ticks(GRID_TICKS_PER_QUARTER)
    return max(MODEL_STEP, round(bar.length * GRID_TICKS_PER_QUARTER / ticks_per_quarter / MODEL_STEP) * MODEL_STEP)
