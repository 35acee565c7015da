"""Pieces become events and rows, and come back."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bandmate_model.band import BandRecipe, arrange, split_bass
from bandmate_model.context import COLUMNS, Context
from bandmate_model.data import DatasetUnusable, build, note_table, read_pieces, rows_of, sequence, shift_to_c
from bandmate_model.tokens import (
    DRUM_PITCH,
    Frame,
    assign_slots,
    duration_ticks,
    instrument_class,
    is_drum_slot,
    slot_class,
)


def test_a_chorale_survives_the_round_trip(dataset: Path, chorales: Any) -> None:
    """Every note comes back in its part, at its time and pitch; durations to the vocabulary's nearest."""
    for piece, original in zip(read_pieces(dataset), chorales, strict=True):
        made = sequence(piece)
        assert sorted(slot_class(slot) for slot in made.slots.values()) == ["voice"] * 4, (
            "lines on a keyboard are voices"
        )
        context = Context(made.frame)
        back = []
        parts = {slot: part for part, slot in made.slots.items()}
        for event in made.events:
            context.advance(event)
            if event.slot:
                back.append((parts[event.slot], context.tick * 2, event.pitch - 1, duration_ticks(event.duration) * 2))
        expected = {(part, onset // 2 * 2, pitch) for part, onset, _, pitch, _ in original["notes"]}
        assert {note[:3] for note in back} == expected
        durations = {(part, onset // 2 * 2, pitch): length for part, onset, length, pitch, _ in original["notes"]}
        assert all(abs(length - durations[part, onset, pitch]) <= 6 for part, onset, pitch, length in back)
        assert context.done


def test_the_highest_part_takes_the_first_slot(dataset: Path) -> None:
    piece = next(iter(read_pieces(dataset)))
    slots = sequence(piece).slots
    means = {slots[part]: piece.notes[piece.notes[:, 0] == part, 3].mean() for part in slots}
    assert [means[slot] for slot in sorted(means)] == sorted(means.values(), reverse=True)


@pytest.mark.parametrize(("tonic", "shift"), [(0, 0), (2, -2), (5, -5), (6, 6), (7, 5), (11, 1)])
def test_pieces_move_to_c_by_the_shorter_way(tonic: int, shift: int) -> None:
    assert shift_to_c(tonic) == shift


def test_rows_tell_what_stood_here_before(dataset: Path) -> None:
    """The lag features of a row are the notes of the bars before, and targets follow one another."""
    made = sequence(next(iter(read_pieces(dataset))))
    rows = rows_of(made)
    column = {name: rows[:, index] for index, name in enumerate(COLUMNS)}
    assert (column["time"][1:] == column["target_time"][:-1]).all()
    assert (column["pitch"][1:] == column["target_pitch"][:-1]).all()
    bar = np.cumsum(column["target_time"] == 1) - (column["target_time"] == 1)
    notes = {
        (b, p, s): pitch
        for b, p, s, pitch in zip(
            bar.tolist(), column["target_position"].tolist(), column["target_slot"].tolist(),
            column["target_pitch"].tolist(), strict=True,
        )
        if s
    }  # fmt: skip
    for (b, p, s), lagged in zip(
        [(b, p, s) for b, p, s in zip(bar, column["target_position"], column["target_slot"], strict=True) if s],
        column["lag1_note_pitch"][column["target_slot"] > 0],
        strict=True,
    ):
        assert lagged == notes.get((b - 1, p, s), 0)


def test_building_twice_reads_the_dataset_once(dataset: Path, tmp_path: Path) -> None:
    first = build(lambda: read_pieces(dataset), tmp_path)
    again = build(lambda: pytest.fail("the rows are there already"), tmp_path)
    assert len(first.rows) == len(again.rows) > 500
    assert [piece.split for piece in again.pieces].count("valid") == 2


def test_a_folder_that_is_no_dataset_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetUnusable, match=r"holds no pieces\.parquet"):
        list(read_pieces(tmp_path))


def test_note_table_counts_bars(dataset: Path) -> None:
    made = sequence(next(iter(read_pieces(dataset))))
    notes, bar_ticks, bars = note_table(rows_of(made), 4)
    assert bar_ticks in (36, 48)
    assert bars == 4
    assert notes.onset.max() < 4 * bar_ticks
    assert not notes.drum.any()


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
    made = sequence(arrange(song, groove, "pop"))
    classes = sorted(slot_class(slot) for slot in made.slots.values())
    assert classes == ["bass", "drums", "piano", "voice"]
    drums = [event for event in made.events if event.pitch >= DRUM_PITCH]
    assert len(drums) == 5 * 8 + 1, "the beat loops, and the last bar keeps its first stroke"
