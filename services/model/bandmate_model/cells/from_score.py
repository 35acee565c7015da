"""A score as a piece to tokenise, on the grid of its own beat, without a dataset.

A dataset's pieces come from the ingest service, which also finds the beat of free playing, the key, the upbeat and what
else a file does not say. Here key, metre and tempo are taken from the file.
"""

import numpy as np
from bandmate_music.analysis.bars import bars_of
from bandmate_music.score import Notes, Score
from numpy.typing import NDArray

from bandmate_model.data.pieces import PartInfo, Piece

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
        bars=tuple((b.length * GRID // ticks, b.metre.numerator, b.metre.denominator) for b in bars_of(score)),
        parts=tuple(PartInfo(number, p.name, p.program, p.is_drum) for number, p in enumerate(score.parts)),
        notes=np.concatenate(tables) if tables else np.zeros((0, 5), np.int32),
    )


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
