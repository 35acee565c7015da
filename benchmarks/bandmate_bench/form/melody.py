"""The tune: steps, leaps, range, rhythm, repetition, and where its highest note lies.

Rows need a melody of at least 24 notes; with fewer they are None.
"""

import math
from collections import Counter
from collections.abc import Hashable
from itertools import pairwise

from bandmate_bench.form.piece import GRID, GridNote, Piece

_MIN_NOTES = 24
_FOURTH = 5
_WHOLE_TONE = 2
_MIN_BAR_NOTES = 2

BarNotes = list[tuple[int, int]]
"""(Place in the bar, pitch) of each note."""


def steps(piece: Piece) -> float | None:
    """Share of the intervals between neighbours that are a semitone or a whole tone."""
    found = _intervals(piece)
    return sum(1 <= interval <= _WHOLE_TONE for interval in found) / len(found) if found else None


def leaps(piece: Piece) -> float | None:
    """Share of the intervals between neighbours that are larger than a fourth."""
    found = _intervals(piece)
    return sum(interval > _FOURTH for interval in found) / len(found) if found else None


def pitch_range(piece: Piece) -> float | None:
    """Semitones from the lowest to the highest note."""
    pitches = [note.pitch for note in _tune(piece)]
    return float(max(pitches) - min(pitches)) if pitches else None


def place_of_highest(piece: Piece) -> float | None:
    """Where the highest note is first sung or played: 0 at the start of the piece, 1 at its end."""
    tune = _tune(piece)
    if not tune:
        return None
    highest = max(tune, key=lambda note: note.pitch)  # The first of equal ones.
    return highest.onset / piece.bars[-1].end


def onset_entropy(piece: Piece) -> float | None:
    """Entropy in bits of the times from each onset to the next."""
    tune = _tune(piece)
    counts = Counter(after.onset - before.onset for before, after in pairwise(tune))
    total = sum(counts.values())
    if not total:
        return None
    return -sum(count / total * math.log2(count / total) for count in counts.values())


def bars_heard_before(piece: Piece) -> float | None:
    """Share of the melody's bars whose onsets and pitches are exactly those of an earlier bar.

    Bars of two notes and more; bars of sections that return as planned are not counted.
    """
    return _heard_before(piece, whole=True, with_returns=False)


def rhythms_heard_before(piece: Piece) -> float | None:
    """Share of the melody's bars whose onsets are exactly those of an earlier bar.

    Bars of two notes and more; bars of sections that return as planned are not counted.
    """
    return _heard_before(piece, whole=False, with_returns=False)


def rhythms_heard_before_with_returns(piece: Piece) -> float | None:
    """As `rhythms_heard_before`, with the bars of returning sections."""
    return _heard_before(piece, whole=False, with_returns=True)


def _heard_before(piece: Piece, *, whole: bool, with_returns: bool) -> float | None:
    bars: dict[int, BarNotes] = {}
    for note in _tune(piece):
        number = piece.bar_at(note.onset)
        bars.setdefault(number, []).append((note.onset - piece.bars[number].onset, note.pitch))
    returned = set() if with_returns else piece.returned_bars()
    seen: set[Hashable] = set()
    heard = counted = 0
    for number in sorted(bars):
        if len(bars[number]) < _MIN_BAR_NOTES:
            continue
        content: Hashable = tuple(bars[number]) if whole else tuple(place for place, _ in bars[number])
        if number not in returned:
            counted += 1
            heard += content in seen
        seen.add(content)
    return heard / counted if counted else None


def _intervals(piece: Piece) -> list[int]:
    """Semitones between neighbours, repeated notes included; not across a rest of more than a quarter."""
    return [
        abs(after.pitch - before.pitch) for before, after in pairwise(_tune(piece)) if after.onset - before.end <= GRID
    ]


def _tune(piece: Piece) -> list[GridNote]:
    tune = piece.tune
    return tune if len(tune) >= _MIN_NOTES else []
