"""Pieces become cells and tokens, and come back."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bandmate_model.cells.encode import FORCED, FREE, GIVEN, encode
from bandmate_model.cells.pieces import Cells, cells_of
from bandmate_model.cells.training_set import build
from bandmate_model.cells.vocabulary import (
    AHEAD,
    BAR,
    COUNT,
    COUNT_CLASSES,
    DRUM,
    DURATION,
    END,
    PITCH,
    POSITION,
    QUALITIES,
    REPEAT,
    REPEAT_BARS,
    SLOT,
    START,
    VELOCITY,
    count_class,
    count_limits,
)
from bandmate_model.data.read_dataset import read_pieces
from bandmate_model.data.tokens import duration_ticks, is_drum_slot
from hypothesis import given
from hypothesis import strategies as st

Row = tuple[int, int, int, int, int]
_ATTRIBUTE = {POSITION: 0, DURATION: 1, VELOCITY: 1}


def read_back(tokens: list[int]) -> tuple[list[Row], list[Row]]:
    """The notes that tokens tell in place and ahead, as rows of Cells.notes; what drums repeat is looked up."""
    in_place: list[Row] = []
    ahead: list[Row] = []
    bar, slot, repeated = -1, 0, 0
    bar_ahead = -1
    sections = 0
    state = [0, 0]
    for token in tokens:
        if token == AHEAD:
            bar_ahead = bar + 2 if sections else 0
            sections += 1
        elif token in BAR:
            bar_ahead, bar = -1, bar + 1
        elif token in SLOT:
            slot = SLOT.value(token) + 1
        elif token in REPEAT:
            repeated = REPEAT_BARS[REPEAT.value(token)]
            if is_drum_slot(slot):
                in_place += [
                    (bar, slot, *rest) for b, s, *rest in [*in_place, *ahead] if (b, s) == (bar - repeated, slot)
                ]
        elif token in PITCH or token in DRUM:
            pitch = (PITCH if token in PITCH else DRUM).value(token)
            (in_place if bar_ahead < 0 else ahead).append(
                (bar if bar_ahead < 0 else bar_ahead, slot, state[0], state[1], pitch)
            )
        for family, index in _ATTRIBUTE.items():
            if token in family:
                state[index] = family.value(token) + index
    return in_place, ahead


@pytest.fixture(scope="module")
def pieces(dataset: Path) -> list[Cells]:
    return [cells_of(piece) for piece in read_pieces(dataset)]


def test_a_chorale_survives_the_round_trip(pieces: list[Cells], chorales: Any) -> None:
    """Every note comes back in its part, at its time and pitch; durations to the vocabulary's nearest."""
    for piece, original in zip(pieces, chorales, strict=True):
        assert all(piece.mono)
        encoded = encode(piece, 0)
        rows, ahead = read_back(encoded.tokens.tolist()[5 + 2 * len(piece.slots) :])
        assert not ahead
        back = {
            (piece.slots.index(slot), (int(piece.starts[bar]) + place) * 2, pitch): duration_ticks(length) * 2
            for bar, slot, place, length, pitch in rows
        }
        expected = {(part, onset // 2 * 2, pitch): length for part, onset, length, pitch, _ in original["notes"]}
        assert sorted(key[1:] for key in back) == sorted(key[1:] for key in expected)
        assert set(back) == set(expected), "four voices, the highest first"
        assert all(abs(length - expected[key]) <= 6 for key, length in back.items())
        assert encoded.tokens[0] == START
        assert encoded.tokens[-1] == END
        assert encoded.notes == len(back)


def test_what_is_given_is_told_a_bar_ahead(pieces: list[Cells]) -> None:
    piece = pieces[0]
    given_cells = piece.cells[:, 1] == piece.slots[0]
    encoded = encode(piece, 0, given=given_cells)
    in_place, ahead = read_back(encoded.tokens.tolist()[5 + 2 * len(piece.slots) :])
    assert sorted(in_place + ahead) == sorted(map(tuple, piece.notes.tolist()))
    assert {slot for _, slot, *_ in ahead} == {piece.slots[0]}
    assert {slot for _, slot, *_ in in_place} == set(piece.slots[1:])
    given_tokens = encoded.tokens[encoded.kinds == GIVEN]
    assert sum(token in PITCH for token in given_tokens.tolist()) == len(ahead)
    assert encoded.notes == len(in_place)


def test_a_window_stands_for_its_bars(pieces: list[Cells]) -> None:
    """Its notes are those of its bars; what it repeats stands in it."""
    for piece in pieces:
        for first in (1, piece.bars // 2):
            rows, _ = read_back(encode(piece, 0, first=first, last=first + 3).tokens.tolist())
            expected_notes = piece.notes[(piece.notes[:, 0] >= first) & (piece.notes[:, 0] < first + 3)]
            assert [(bar + first, *rest) for bar, *rest in rows] == list(map(tuple, expected_notes.tolist()))


def test_repeated_drum_bars_take_two_tokens(tmp_path: Path, write_dataset: Any) -> None:
    """A repeated drum bar is two tokens; a repeated bar of another part is written out, but is no choice."""
    beat = [(1, bar * 96 + 24 * k, 6, 36 + k, 80) for bar in range(8) for k in range(4)]
    tune = [(0, bar * 96 + 24 * k, 24, 60 + k, 80) for bar in range(8) for k in range(4)]
    parts = [("Flute", 73, False, "melody", "flute"), ("Drums", 0, True, "drums", "drums")]
    folder = write_dataset(
        tmp_path, [{"name": "loop", "bars": [(96, 4, 4)] * 8, "notes": sorted(beat + tune), "parts": parts}]
    )
    piece = cells_of(next(iter(read_pieces(folder))))
    encoded = encode(piece, 0)
    free = encoded.tokens[encoded.kinds == FREE].tolist()
    assert sum(token in PITCH or token in DRUM for token in free) == 8, "only those of the first bar"
    assert sum(token in DRUM for token in encoded.tokens.tolist()) == 4
    assert sum(token in PITCH for token in encoded.tokens.tolist()) == 32
    assert sum(token == REPEAT.first for token in free) == 14
    in_place, _ = read_back(encoded.tokens.tolist())
    assert in_place == list(map(tuple, piece.notes.tolist()))


def test_building_twice_reads_the_dataset_once(dataset: Path, tmp_path: Path) -> None:
    first = build(lambda: read_pieces(dataset), tmp_path)
    again = build(lambda: pytest.fail("the cells are there already"), tmp_path)
    assert first.notes == again.notes > 500
    assert [piece.split for piece in again.pieces].count("valid") == 2
    for index, piece in enumerate(read_pieces(dataset)):
        np.testing.assert_array_equal(again[index].notes, cells_of(piece).notes)
        np.testing.assert_array_equal(again[index].cells, cells_of(piece).cells)
        np.testing.assert_array_equal(again[index].chords, cells_of(piece).chords)


def test_harmony_is_heard(tmp_path: Path, write_dataset: Any) -> None:
    """Told for each half bar, from the notes alone: C, F | G7, C | Am."""
    chords = [
        (0, 48, (48, 64, 67)),
        (48, 48, (53, 57, 60)),
        (96, 48, (43, 59, 62, 65)),
        (144, 48, (48, 64, 67)),
        (192, 96, (45, 60, 64)),
    ]
    notes = [(0, onset, length, pitch, 80) for onset, length, pitches in chords for pitch in pitches]
    folder = write_dataset(tmp_path, [{"name": "five", "bars": [(96, 4, 4)] * 3, "notes": sorted(notes)}])
    piece = cells_of(next(iter(read_pieces(folder))))
    heard_chords = [divmod(value, len(QUALITIES)) for value in piece.chords.ravel().tolist()]
    names = [(root, QUALITIES[quality]) for root, quality in heard_chords]
    assert names == [(0, ""), (5, ""), (7, "7"), (0, ""), (9, "m"), (9, "m")]


@given(st.integers(1, 200))
def test_count_classes_hold_their_numbers(notes: int) -> None:
    min_notes, max_notes = count_limits(count_class(notes))
    assert min_notes <= notes <= max_notes
    assert 0 <= count_class(notes) < COUNT_CLASSES == COUNT.size


def test_kinds_say_what_is_a_choice(pieces: list[Cells]) -> None:
    encoded = encode(pieces[0], 0, chords=True, registers=True)
    header = 5 + 3 * len(pieces[0].slots)
    assert (encoded.kinds[: header + 1] == FORCED).all(), "the header and the first BAR follow from the request"
    assert encoded.kinds[-1] == FREE
