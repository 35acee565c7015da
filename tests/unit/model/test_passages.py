"""Passages of real music, and the requests that ask for more like them."""

from pathlib import Path

import numpy as np
import pytest
from bandmate_model.cells.pieces import cells_of
from bandmate_model.data.pieces import Piece
from bandmate_model.data.read_dataset import read_pieces
from bandmate_model.evaluation.passages import Passage, draw, piece_of


@pytest.fixture(scope="module")
def pieces(dataset: Path) -> list[Piece]:
    return list(read_pieces(dataset))


def test_a_piece_can_be_rebuilt_from_its_cells(pieces: list[Piece]) -> None:
    for piece in pieces:
        round_trip = piece_of(cells_of(piece))
        assert [bar[1:] for bar in round_trip.bars] == [bar[1:] for bar in piece.bars]
        assert [bar[0] for bar in round_trip.bars] == [bar[0] for bar in piece.bars]

        def heard(rows: np.ndarray) -> list[tuple[int, int]]:
            return sorted((onset // 2, pitch) for _, onset, _, pitch, _ in rows.tolist())

        assert heard(round_trip.notes) == heard(piece.notes), "in tonic C to begin with, so every note stays"
        assert [part.instrument for part in round_trip.parts] == ["voice"] * 4


def test_passages_lie_in_one_metre_and_hold_notes(pieces: list[Piece]) -> None:
    passages = draw(pieces, 40, 3, seed=5)
    assert len(passages) == 40
    assert len({passage.piece.name for passage in passages}) == len(pieces), "as many pieces as can be"
    for passage in passages:
        bars = passage.piece.bars[passage.first_bar : passage.first_bar + 3]
        assert len(set(bars)) == 1
        music = passage.excerpt()
        assert len(music) >= 8
        assert music.end <= 3 * bars[0][0]
        assert len(passage.rows()) == len(music)
    assert [p.first_bar for p in draw(pieces, 40, 3, seed=5)] == [p.first_bar for p in passages]
    assert [p.first_bar for p in draw(pieces, 40, 3, seed=6)] != [p.first_bar for p in passages]
    assert draw(pieces, 5, 500, seed=5) == [], "no piece is that long"


def test_a_request_asks_for_the_parts_that_play(pieces: list[Piece]) -> None:
    piece = pieces[0]
    start = next(number for number, bar in enumerate(piece.bars) if bar[0] == 96)
    passage = Passage(piece, start, 2)
    request = passage.request(3)
    assert (request.bars, request.numerator, request.denominator, request.tonic) == (2, 4, 4, piece.tonic)
    assert [part.role for part in request.parts] == ["melody", "harmony", "harmony", "harmony"]
    assert all(part.is_voice and part.monophonic for part in request.parts)
    tops = [int(piece.notes[piece.notes[:, 0] == number, 3].max()) for number in range(4)]
    assert [part.high for part in request.parts] == tops
