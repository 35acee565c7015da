"""A score as it was read, on the grid by its own beat: what the tokeniser takes where no dataset is made.

A dataset's pieces come from the ingest service, which also finds the beat of what was played freely, the key, the
upbeat and what else a file does not say. Here the file is believed.
"""

import numpy as np
from bandmate_shared.music.metre import Metre
from bandmate_shared.music.score import Notes, Score
from numpy.typing import NDArray

from bandmate_model.data import PartInfo, Piece

GRID = 24
"""Grid ticks a quarter note, as datasets have them."""


def piece_of(score: Score, name: str = "", style: str = "song") -> Piece:
    """A score as a piece. Its key is the one stated first, C major where none is; the split is train."""
    ticks = score.ticks_per_quarter
    tables = [_rows(number, part.notes, ticks) for number, part in enumerate(score.parts)]
    key = score.keys[0].key if score.keys else None
    return Piece(
        name=name,
        style=style,
        split="train",
        tonic=key.tonic if key else 0,
        mode=key.mode if key else "major",
        tempo=score.tempi[0].tempo if score.tempi else 120.0,
        bars=tuple(_bars(score)),
        parts=tuple(PartInfo(number, p.name, p.program, p.is_drum) for number, p in enumerate(score.parts)),
        notes=np.concatenate(tables) if tables else np.zeros((0, 5), np.int32),
    )


def _bars(score: Score) -> list[tuple[int, int, int]]:
    """(grid ticks, numerator, denominator) of every bar up to the end of the last note; a change begins a bar."""
    changes = [(change.onset, change.metre) for change in score.metres]
    if not changes or changes[0][0] > 0:
        changes.insert(0, (0, Metre(4, 4)))
    last = max(1, score.end)
    bars: list[tuple[int, int, int]] = []
    for number, (onset, metre) in enumerate(changes):
        until = min(last, changes[number + 1][0]) if number + 1 < len(changes) else last
        if until <= onset:
            break
        ticks = max(1, metre.bar_ticks(score.ticks_per_quarter))
        whole, rest = divmod(until - onset, ticks)
        cut = rest > 0 and until < last
        bar = (ticks * GRID // score.ticks_per_quarter, metre.numerator, metre.denominator)
        bars += [bar] * (whole + (rest > 0 and not cut))
        if cut:
            bars.append((rest * GRID // score.ticks_per_quarter, metre.numerator, metre.denominator))
    return bars


def _rows(part: int, notes: Notes, ticks: int) -> NDArray[np.int32]:
    """Rows of Piece.notes; both ends of a note go to the nearest grid tick."""
    rows = np.empty((len(notes), 5), np.int32)
    onset = notes.onset.astype(np.int64)
    start = (onset * GRID + ticks // 2) // ticks
    rows[:, 0] = part
    rows[:, 1] = start
    rows[:, 2] = np.maximum(1, ((onset + notes.duration) * GRID + ticks // 2) // ticks - start)
    rows[:, 3], rows[:, 4] = notes.pitch, notes.velocity
    return rows
