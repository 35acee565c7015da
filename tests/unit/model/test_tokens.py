"""What the tokens mean: instruments and slots, keys, bars, durations; and the band made of songs and grooves."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bandmate_model.cells.pieces import cells_of, is_drum
from bandmate_model.data.band import BandRecipe, arrange, split_bass
from bandmate_model.data.pieces import DatasetUnusable, part_slots, shift_to_c
from bandmate_model.data.read_dataset import read_pieces
from bandmate_model.data.tokens import (
    DURATIONS,
    Frame,
    assign_slots,
    duration_ticks,
    duration_token,
    instrument_class,
    is_drum_slot,
    slot_class,
)
from hypothesis import given
from hypothesis import strategies as st


def test_the_highest_part_takes_the_first_slot(dataset: Path) -> None:
    piece = next(iter(read_pieces(dataset)))
    slots = part_slots(piece)
    assert [slot_class(slot) for slot in slots.values()] == ["voice"] * 4, "lines on a keyboard are voices"
    means = {slots[part]: piece.notes[piece.notes[:, 0] == part, 3].mean() for part in slots}
    assert [means[slot] for slot in sorted(means)] == sorted(means.values(), reverse=True)


@pytest.mark.parametrize(("tonic", "shift"), [(0, 0), (2, -2), (5, -5), (6, 6), (7, 5), (11, 1)])
def test_pieces_move_to_c_by_the_shorter_way(tonic: int, shift: int) -> None:
    assert shift_to_c(tonic) == shift


def test_a_folder_that_is_no_dataset_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetUnusable, match=r"holds no pieces\.parquet"):
        list(read_pieces(tmp_path))


def test_slots_overflow_into_other_classes() -> None:
    slots = assign_slots(["guitar"] * 6 + ["drums"] * 2, [60.0] * 8)
    assert len(set(slots)) == 8
    assert all(is_drum_slot(slot) == (index >= 6) for index, slot in enumerate(slots))


@pytest.mark.parametrize(
    ("program", "expected"), [(0, "piano"), (33, "bass"), (42, "strings"), (52, "voice"), (30, "guitar"), (67, "wind")]
)
def test_instruments_have_classes(program: int, expected: str) -> None:
    assert instrument_class(program=program, is_drum=False) == expected
    assert instrument_class(program=program, is_drum=False, is_voice=True) == "voice"


def test_a_bar_longer_than_the_vocabulary_is_split() -> None:
    frame = Frame.from_bars([(16 * 12, 16, 4)])
    assert frame.lengths == (96, 96)
    assert frame.end == 192


@given(st.integers(1, 400))
def test_durations_go_to_the_nearest(ticks: int) -> None:
    chosen = duration_ticks(duration_token(ticks))
    assert abs(chosen - ticks) == min(abs(duration - ticks) for duration in DURATIONS)


def test_the_bass_line_leaves_the_piano() -> None:
    rows = np.array([(1, 0, 24, 48, 80), (1, 0, 24, 64, 80), (1, 24, 24, 62, 80), (1, 48, 48, 43, 80)], dtype=np.int32)
    right, bass = split_bass(rows)
    assert right[:, 3].tolist() == [64, 62]
    assert bass[:, [1, 2, 3]].tolist() == [[0, 24, 48], [48, 48, 43]]


def test_a_band_recipe_is_checked() -> None:
    assert BandRecipe.parse("") is None
    assert BandRecipe.parse("song+groove=pop") == BandRecipe("song", "groove", "pop")
    with pytest.raises(ValueError, match=r"song\+groove=pop"):
        BandRecipe.parse("song,groove")


def test_a_band_keeps_voice_and_gains_bass_and_drums(tmp_path: Path, write_dataset: Any) -> None:
    voice = [(0, bar * 96 + 24 * beat, 24, 67 + beat, 80) for bar in range(6) for beat in range(4)]
    piano = [
        (1, bar * 96 + 24 * beat, 24, pitch, 80) for bar in range(6) for beat in range(4) for pitch in (45, 60, 64)
    ]
    beat = [(0, bar * 96 + 12 * k, 6, 42, 60 + k) for bar in range(4) for k in range(8)]
    song_notes = sorted(voice + piano)
    drums_parts = [("Drums", 0, True, "drums", "drums")]
    song_parts = [("Voice", 52, False, "melody", "voice"), ("Piano", 0, False, "harmony", "piano")]
    folder = write_dataset(
        tmp_path / "band",
        [
            {"name": "song", "bars": [(96, 4, 4)] * 6, "notes": song_notes, "parts": song_parts, "style": "song"},
            {"name": "beat", "bars": [(96, 4, 4)] * 4, "notes": beat, "parts": drums_parts, "style": "groove"},
        ],
    )
    song, groove = read_pieces(folder)
    cells = cells_of(arrange(song, groove, "pop"))
    assert [slot_class(slot) for slot in cells.slots] == ["voice", "piano", "bass", "drums"]
    drums = cells.notes[is_drum(cells.notes[:, 1])]
    assert len(drums) == 5 * 8 + 1, "the beat loops, and the last bar keeps its first stroke"
