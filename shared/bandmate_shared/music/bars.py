"""The bars of a score: where they begin, how long they are, in which metre."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from bandmate_shared.music.metre import Metre
from bandmate_shared.music.score import MetreChange, Score

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


def metre_changes(bars: Sequence[Bar], ticks_per_quarter: int) -> list[MetreChange]:
    """What a score has to say for `bars_of` to find these bars: each new metre, and each end of a bar cut short."""
    changes: list[MetreChange] = []
    for before, bar in zip([None, *bars], bars, strict=False):
        whole = before is not None and before.length == before.metre.bar_ticks(ticks_per_quarter)
        if before is None or not whole or bar.metre != before.metre:
            changes.append(MetreChange(bar.onset, bar.metre))
    return changes


def metres_in_words(bars: Sequence[Bar]) -> str:
    """'4/4', or '4/4, 2/4 from bar 5, 4/4 from bar 6'."""
    said = [bars[0].metre.name]
    for before, bar in pairwise(bars):
        if bar.metre != before.metre:
            said.append(f"{bar.metre.name} from bar {bar.number}")
    return ", ".join(said)


def bars_of(score: Score, least: int = 1) -> list[Bar]:
    """The bars up to the end of the last note, and at least `least` of them.

    A change of metre begins a bar: where it comes within one, that bar ends early.
    """
    changes: Sequence[MetreChange] = score.metres
    if not changes or changes[0].onset > 0:
        changes = [MetreChange(0, COMMON_TIME), *changes]
    bars: list[Bar] = []
    onset, end = 0, score.end
    for number, change in enumerate(changes):
        following = changes[number + 1].onset if number + 1 < len(changes) else None
        ticks = max(1, change.metre.bar_ticks(score.ticks_per_quarter))
        last = following is None or following >= end
        while onset < end or len(bars) < least if last else following is not None and onset < following:
            length = ticks if last or following is None else min(ticks, following - onset)
            bars.append(Bar(len(bars) + 1, onset, length, change.metre))
            onset += length
        if last:
            break
    return bars
