"""The bars of a score: where they begin, how long they are, in which metre."""

from collections.abc import Sequence
from dataclasses import dataclass

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
