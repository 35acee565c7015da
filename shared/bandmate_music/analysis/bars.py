"""The bars of a score."""

from collections.abc import Sequence

from bandmate_music.score import MetreChange, Score
from bandmate_music.theory.bars import Bar, count_laid_bars, lay_bars


def metre_changes(bars: Sequence[Bar], ticks_per_quarter: int) -> list[MetreChange]:
    """What a score has to say for `bars_of` to find these bars: each new metre, and each end of a bar cut short."""
    changes: list[MetreChange] = []
    for before, bar in zip([None, *bars], bars, strict=False):
        is_complete = before is not None and before.length == before.metre.bar_ticks(ticks_per_quarter)
        if before is None or not is_complete or bar.metre != before.metre:
            changes.append(MetreChange(bar.onset, bar.metre))
    return changes


def bars_of(score: Score, min_bars: int = 1) -> list[Bar]:
    """The bars up to the end of the last note, and at least `min_bars` of them; see `lay_bars`.

    Raises:
        LimitExceeded: there are more than MAX_BARS.
    """
    return lay_bars([(c.onset, c.metre) for c in score.metres], score.end, score.ticks_per_quarter, min_bars=min_bars)


def count_bars(score: Score) -> int:
    """How many bars `bars_of` would give, without building them."""
    changes = [(change.onset, change.metre) for change in score.metres]
    return count_laid_bars(changes, score.end, score.ticks_per_quarter)
