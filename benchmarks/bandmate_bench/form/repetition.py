"""What returns: sections and whole bars that were heard before.

A bar is the set of its onsets: (part, place in the bar, pitch). Two bars are alike where their sets share four fifths
of what is in either of them (Jaccard index of at least .8); velocities and durations do not count.
"""

from bandmate_bench.form.piece import Piece

_ALIKE = 0.8

BarContent = frozenset[tuple[int, int, int]]


def longest_return(piece: Piece) -> float:
    """Bars in the longest run of bars that returns later in the piece, without overlapping itself.

    Bar by bar the pitched notes of all parts are alike; silent bars end a run.
    """
    bars = _contents(piece, drums=False)
    longest = 0
    for lag in range(1, len(bars)):
        run = 0
        for first in range(len(bars) - lag):
            run = run + 1 if alike(bars[first], bars[first + lag]) else 0
            longest = max(longest, min(run, lag))
    return float(longest)


def bars_heard_before(piece: Piece) -> float | None:
    """Share of the bars with notes that are like an earlier bar, in all parts, drums included."""
    bars = _contents(piece, drums=True)
    sounding = [number for number, bar in enumerate(bars) if bar]
    if not sounding:
        return None
    return sum(any(alike(bars[before], bars[number]) for before in range(number)) for number in sounding) / len(
        sounding
    )


def alike(first: BarContent, second: BarContent) -> bool:
    """Whether two bars share at least four fifths of their onsets; empty ones are like nothing."""
    if not first or not second:
        return False
    return len(first & second) >= _ALIKE * len(first | second)


def _contents(piece: Piece, *, drums: bool) -> list[BarContent]:
    contents: list[set[tuple[int, int, int]]] = [set() for _ in piece.bars]
    for note in piece.notes:
        if drums or not piece.parts[note.part].is_drum:
            number = piece.bar_at(note.onset)
            contents[number].add((note.part, note.onset - piece.bars[number].onset, note.pitch))
    return [frozenset(content) for content in contents]
