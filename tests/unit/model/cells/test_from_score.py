"""A score is converted to a piece with the same bars, and the same notes on the grid."""

import numpy as np
from bandmate_model.cells.from_score import GRID, piece_of
from bandmate_model.cells.pieces import cells_of
from bandmate_music.analysis.bars import bars_of
from bandmate_music.score import KeyChange, MetreChange, Notes, Part, Score, TempoChange
from bandmate_music.theory.keys import Key
from bandmate_music.theory.metre import Metre
from hypothesis import given
from hypothesis import strategies as st

from tests.support.tunes import tune

metres = st.sampled_from([Metre(4, 4), Metre(3, 4), Metre(6, 8), Metre(2, 2), Metre(5, 8)])
changes = st.lists(st.tuples(st.integers(0, 40), metres), max_size=4, unique_by=lambda change: change[0])


@given(changes, st.integers(1, 60), st.sampled_from([24, 96, 480]))
def test_bars_are_those_of_the_score(changes: list[tuple[int, Metre]], quarters: int, ticks: int) -> None:
    notes = Notes.from_rows([(0, ticks, 60, 80), ((quarters - 1) * ticks, ticks, 62, 80)])
    ordered = tuple(MetreChange(onset * ticks, metre) for onset, metre in sorted(changes, key=lambda change: change[0]))
    score = Score((Part("Voice", 0, notes),), ticks, metres=ordered)
    expected = [(bar.length * GRID // ticks, bar.metre.numerator, bar.metre.denominator) for bar in bars_of(score)]
    assert list(piece_of(score).bars) == expected


def test_notes_go_to_the_nearest_grid_tick() -> None:
    notes = Notes.from_rows([(0, 478, 60, 80), (489, 1, 62, 81), (951, 20, 64, 82)])
    score = Score((Part("Voice", 40, notes),), 480, (TempoChange(0, 90.0),), keys=(KeyChange(0, Key(2, "minor")),))
    piece = piece_of(score, "a", "folk")
    assert piece.notes.tolist() == [[0, 0, 24, 60, 80], [0, 24, 1, 62, 81], [0, 48, 1, 64, 82]]
    assert (piece.tonic, piece.mode, piece.tempo, piece.name, piece.style) == (2, "minor", 90.0, "a", "folk")


def test_a_tune_keeps_all_its_notes() -> None:
    score = tune(3)
    cells = cells_of(piece_of(score))
    assert len(cells.notes) == score.note_count
    assert np.all(np.diff(cells.notes[:, 0]) >= 0)


def test_a_score_without_notes_is_a_piece_without_notes() -> None:
    assert len(piece_of(Score(())).notes) == 0
