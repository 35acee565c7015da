"""Bars: where each begins, how long it is and in which metre, and how changes of metre lay them out."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from bandmate_music.errors import LimitExceeded
from bandmate_music.limits import MAX_BARS
from bandmate_music.theory.metre import Metre

COMMON_TIME = Metre(4, 4)


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar, counted from 1. Onset and length in ticks; shorter than its metre says where the metre changes early."""

    number: int
    onset: int
    length: int
    metre: Metre

    @property
    def end(self) -> int:
        return self.onset + self.length


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars one after the other, at least one, the first of them at tick 0; here they are counted from 0."""

    bars: tuple[Bar, ...]
    onsets: tuple[int, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "onsets", tuple(bar.onset for bar in self.bars))

    @staticmethod
    def of(lengths: Iterable[tuple[int, Metre]]) -> "Bars":
        """From the length and the metre of each."""
        bars: list[Bar] = []
        for length, metre in lengths:
            bars.append(Bar(len(bars) + 1, bars[-1].end if bars else 0, length, metre))
        return Bars(tuple(bars))

    def __len__(self) -> int:
        return len(self.bars)

    def __getitem__(self, index: int) -> Bar:
        return self.bars[index]

    @property
    def end(self) -> int:
        return self.bars[-1].end

    def start(self, index: int) -> int:
        """The tick at which a bar begins; behind the last one the end."""
        return self.bars[index].onset if index < len(self.bars) else self.end

    def at(self, tick: int) -> int:
        """Which bar holds the tick; the last one those behind it, the first one those before."""
        return max(0, bisect_right(self.onsets, tick) - 1)


def metres_in_words(bars: Sequence[Bar]) -> str:
    """'4/4', or '4/4, 2/4 from bar 5, 4/4 from bar 6'."""
    phrases = [bars[0].metre.name]
    for before, bar in pairwise(bars):
        if bar.metre != before.metre:
            phrases.append(f"{bar.metre.name} from bar {bar.number}")
    return ", ".join(phrases)


def lay_bars(
    changes: Sequence[tuple[int, Metre]], end: int, ticks_per_quarter: int, *, min_bars: int = 1, tolerance: int = 0
) -> list[Bar]:
    """Bars from tick 0 until `end` is covered, from (tick, metre) changes in ascending order; 4/4 before the first.

    A change of metre begins a bar: where it comes within one, that bar ends early. A change at most `tolerance` ticks
    beside a bar line counts as on it.

    Raises:
        LimitExceeded: there are more than MAX_BARS.
    """
    segments = list(_segments(changes, end, ticks_per_quarter, min_bars, tolerance))
    if sum(segment.bars for segment in segments) > MAX_BARS:
        raise LimitExceeded(f"the piece has more than {MAX_BARS:,} bars, which is more than can be laid out")
    bars: list[Bar] = []
    for segment in segments:
        for number in range(segment.bars):
            length = segment.last_length if number + 1 == segment.bars else segment.length
            bars.append(Bar(len(bars) + 1, segment.onset + number * segment.length, length, segment.metre))
    return bars


class _Segment(NamedTuple):
    """Bars of one metre: the first one's onset, how many, their length, and that of the last one, in ticks."""

    onset: int
    bars: int
    length: int
    last_length: int
    metre: Metre


def count_laid_bars(changes: Sequence[tuple[int, Metre]], end: int, ticks_per_quarter: int) -> int:
    """How many bars `lay_bars` would give, without building them."""
    return sum(segment.bars for segment in _segments(changes, end, ticks_per_quarter, 1, 0))


def _segments(
    changes: Sequence[tuple[int, Metre]], end: int, ticks_per_quarter: int, min_bars: int, tolerance: int
) -> Iterator[_Segment]:
    if not changes or changes[0][0] > 0:
        changes = [(0, COMMON_TIME), *changes]
    onset = bars = 0
    for number, (_, metre) in enumerate(changes):
        length = max(1, metre.bar_ticks(ticks_per_quarter))
        following = changes[number + 1][0] if number + 1 < len(changes) else None
        if following is None or following >= end:
            count = max(0, -((onset - end) // length), min_bars - bars)
            yield _Segment(onset, count, length, length, metre)
            return
        nearest = onset + round((following - onset) / length) * length
        stop = nearest if abs(nearest - following) <= tolerance else following
        if stop > onset:
            count = -((onset - stop) // length)
            yield _Segment(onset, count, length, stop - onset - (count - 1) * length, metre)
            onset, bars = stop, bars + count
