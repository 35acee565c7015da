"""Who plays when, and what the drums do at section starts and ends of phrases."""

from itertools import pairwise
from typing import NamedTuple

from bandmate_bench.form.piece import Piece

BLOCK_BARS = 4
_KICKS = frozenset((35, 36))
_SNARES_AND_TOMS = frozenset((38, 40, 41, 43, 45, 47, 48, 50))
_CRASHES = frozenset((49, 52, 55, 57))
_MIN_KICKS = 0.5


class Rates(NamedTuple):
    """How often something happened in two kinds of places; over pieces they are added up, and their ratio is given."""

    here: int
    here_of: int
    elsewhere: int
    elsewhere_of: int


def line_up_changes(piece: Piece) -> float | None:
    """Share of the four-bar blocks, from the second on, in which other parts play than in the block before.

    A part plays in a block where at least one of its notes begins there.
    """
    changes = _line_up_changes(piece)
    return sum(changes) / len(changes) if changes else None


def fills(piece: Piece) -> Rates | None:
    """Drum fills in fourth bars and in other bars.

    A bar has a fill where the snare or a tom is hit in its last quarter at a place where that drum was silent in the
    bar before. Bars are counted from the start of their section where sections are known, else from the start of the
    piece; only bars with drums count.
    """
    hits = _hits_by_bar(piece)
    if not any(hits):
        return None
    fourth = _fourth_bars(piece)
    counts = [0, 0, 0, 0]
    for number in range(1, len(piece.bars)):
        if not hits[number]:
            continue
        last_quarter = piece.bars[number].length * 3 / 4
        new = [
            place
            for place, pitch in hits[number] - hits[number - 1]
            if pitch in _SNARES_AND_TOMS and place >= last_quarter
        ]
        kind = 0 if number in fourth else 2
        counts[kind] += bool(new)
        counts[kind + 1] += 1
    return Rates(*counts)


def crashes(piece: Piece) -> Rates | None:
    """Beats with a crash cymbal: first beats of sections, and all other beats of bars with drums.

    Where no sections are known, one begins with every four-bar block whose line-up differs from the block before.
    """
    hits = _hits_by_bar(piece)
    if not any(hits):
        return None
    starts = {section.first_bar for section in piece.sections} or {0} | {
        BLOCK_BARS * number for number, changed in enumerate(_line_up_changes(piece), 1) if changed
    }
    counts = [0, 0, 0, 0]
    for number, bar in enumerate(piece.bars):
        if not hits[number]:
            continue
        crashed = {place // bar.beat for place, pitch in hits[number] if pitch in _CRASHES}
        for beat in range(max(1, bar.length // bar.beat)):
            kind = 0 if beat == 0 and number in starts else 2
            counts[kind] += beat in crashed
            counts[kind + 1] += 1
    return Rates(*counts)


def lacks_kick(piece: Piece) -> float | None:
    """1 where the drums have less than half a kick for each bar that they play in, else 0; None without drums."""
    hits = [bar for bar in _hits_by_bar(piece) if bar]
    if not hits:
        return None
    kicks = sum(pitch in _KICKS for bar in hits for _, pitch in bar)
    return float(kicks < _MIN_KICKS * len(hits))


def _line_up_changes(piece: Piece) -> list[bool]:
    blocks: list[set[int]] = [set() for _ in range(len(piece.bars) // BLOCK_BARS)]
    for note in piece.notes:
        block = piece.bar_at(note.onset) // BLOCK_BARS
        if block < len(blocks):
            blocks[block].add(note.part)
    return [before != after for before, after in pairwise(blocks)]


def _fourth_bars(piece: Piece) -> set[int]:
    if not piece.sections:
        return set(range(BLOCK_BARS - 1, len(piece.bars), BLOCK_BARS))
    return {
        bar
        for section in piece.sections
        for bar in range(section.first_bar + BLOCK_BARS - 1, section.end_bar, BLOCK_BARS)
    }


def _hits_by_bar(piece: Piece) -> list[set[tuple[int, int]]]:
    """(Place in the bar, drum) of the hits in each bar."""
    hits: list[set[tuple[int, int]]] = [set() for _ in piece.bars]
    for note in piece.drums:
        number = piece.bar_at(note.onset)
        hits[number].add((note.onset - piece.bars[number].onset, note.pitch))
    return hits
