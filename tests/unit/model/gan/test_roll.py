"""The roll: what of a piece it keeps, and what it loses."""

from collections.abc import Callable

import numpy as np
import pytest
from bandmate_model.data.pieces import Piece
from bandmate_model.gan.condition import Condition
from bandmate_model.gan.roll import (
    BASS,
    BLOCK,
    BLOCK_STEPS,
    DRUMS,
    HARMONY,
    LOWEST,
    MELODY,
    PITCHES,
    PLANES,
    SLICE_STEPS,
    STEP_TICKS,
    TRACK_OF_CELL,
    Slices,
    paint,
    row_of,
    slice_lengths,
)
from bandmate_model.gan.tracks import assign
from bandmate_model.training.gan.dataset import BlockSet, Drawing, rows_of
from hypothesis import given, settings
from hypothesis import strategies as st


@settings(deadline=None)
@given(st.integers(1, 16), st.sampled_from((1, 2, 4, 8, 16)))
def test_the_slices_of_a_bar_are_the_bar(numerator: int, denominator: int) -> None:
    ticks = numerator * 48 // denominator
    lengths = slice_lengths(ticks, numerator)
    assert sum(lengths) == ticks
    assert all(0 < length <= 48 for length in lengths)


def test_long_bars_are_cut_at_their_beats() -> None:
    assert slice_lengths(72, 12) == [36, 36], "12/8 as two halves"
    assert slice_lengths(72, 3) == [48, 24], "3/2 after two of its beats"
    assert slice_lengths(60, 5) == [48, 12]


@settings(deadline=None)
@given(st.lists(st.sampled_from(((48, 4), (36, 3), (36, 6), (72, 12), (42, 7), (3, 1))), min_size=1, max_size=6))
def test_ticks_on_the_grid_come_back(bars: list[tuple[int, int]]) -> None:
    slices = Slices.of(bars)
    for number, (start, length) in enumerate(zip(slices.starts.tolist(), slices.lengths.tolist(), strict=True)):
        for inside in np.flatnonzero(length > STEP_TICKS).tolist():
            step = number * SLICE_STEPS + inside
            tick = start + int(STEP_TICKS[inside])
            assert slices.tick(step) == tick
            assert slices.onset_steps(np.array([tick]))[0] == step
    ends = slices.starts + slices.lengths
    assert [slices.tick(int(step)) for step in slices.end_steps(ends)] == ends.tolist()
    assert slices.present(-1, len(slices) + 2).sum() == sum((length > STEP_TICKS).sum() for length in slices.lengths)


def test_repeated_notes_stay_apart() -> None:
    notes = np.array([[0, 6, MELODY, 12], [6, 12, MELODY, 12], [12, 24, MELODY, 14]])
    roll = paint(notes, np.zeros(3, dtype=np.int64), 1, BLOCK_STEPS)[0]
    onset, sounding = roll[:, PLANES[MELODY].onset], roll[:, PLANES[MELODY].sounding]
    assert onset[:, 12].nonzero()[0].tolist() == [0, 6]
    assert sounding[:, 12].nonzero()[0].tolist() == list(range(12)), "without the onsets it would be one note"
    assert sounding[:, 14].nonzero()[0].tolist() == list(range(12, 24))


@settings(deadline=None)
@given(st.integers(0, 127), st.sampled_from((MELODY, HARMONY, BASS)))
def test_pitches_keep_their_class(pitch: int, track: int) -> None:
    row = row_of(track, pitch)
    assert 0 <= row < PITCHES[track]
    assert (LOWEST[track] + row - pitch) % 12 == 0
    if LOWEST[track] <= pitch < LOWEST[track] + PITCHES[track]:
        assert LOWEST[track] + row == pitch


def test_drums_without_a_place_are_left_out() -> None:
    assert row_of(DRUMS, 36) == row_of(DRUMS, 35) == 0
    assert row_of(DRUMS, 58) == -1


def test_every_part_of_a_band_has_its_track(tune: Callable[..., Piece]) -> None:
    frame, rows = rows_of(tune(1, band=True))
    assert len(frame) == 8
    assert sorted(np.unique(rows[:, 2]).tolist()) == [MELODY, HARMONY, BASS, DRUMS]
    kicks = rows[(rows[:, 2] == DRUMS) & (rows[:, 3] == 0)]
    assert (kicks[:, 0] % SLICE_STEPS).tolist() == [0, 12] * 8


@pytest.mark.parametrize(
    ("roles", "classes", "heights", "tracks"),
    [
        (["melody", "harmony", "harmony", "bass"], ["voice"] * 4, [72, 65, 58, 48], [0, 2, 1, 3]),
        (["melody", "harmony", "harmony"], ["voice", "piano", "strings"], [70, 60, 60], [0, 1, 2]),
        (["harmony"], ["piano"], [60], [1]),
        (["drums", "bass"], ["drums", "bass"], [0, 40], [4, 3]),
    ],
)
def test_parts_share_the_tracks_out(
    roles: list[str], classes: list[str], heights: list[float], tracks: list[int]
) -> None:
    assert assign(roles, classes, heights) == tracks


def test_what_is_free_is_not_shown_before_the_block(blocks: BlockSet) -> None:
    drawing = Drawing(blocks, "train", condition=Condition(tuple(blocks.styles)), mix_power=1.0, seed=3)
    for step in range(20):
        batch = drawing.draw(step, 8)
        hidden = np.repeat(~batch.given[:, :BLOCK], SLICE_STEPS, axis=1)[:, :, TRACK_OF_CELL]
        assert not (batch.roll[:, :BLOCK_STEPS] & hidden).any()
        assert batch.free().any(axis=(1, 2)).all(), "every block has something to compose"
        silent = ~batch.active[:, None, TRACK_OF_CELL]
        assert not (batch.roll[:, BLOCK_STEPS:] & silent & batch.free()).any()


def test_a_batch_depends_on_its_step_alone(blocks: BlockSet) -> None:
    first_batches, second_batches = (
        Drawing(blocks, "train", condition=Condition(tuple(blocks.styles)), mix_power=1.0, seed=3) for _ in range(2)
    )
    for step in range(5):
        first_batches.draw(step, 4)
    first, second = first_batches.draw(5, 4), second_batches.draw(5, 4)
    assert (first.roll == second.roll).all()
    assert (first.given == second.given).all()
    assert (first.condition == second.condition).all()
