"""Played notes find their places on the grid."""

import random

import pytest
from bandmate_bench.form.piece import GRID
from bandmate_bench.form.quantise import MetricalGrid
from hypothesis import given
from hypothesis import strategies as st


@given(st.lists(st.integers(0, 200), min_size=1, max_size=60), st.integers(0, 2**31))
def test_sixteenths_played_a_little_off_come_back(sixteenths: list[int], seed: int) -> None:
    dice = random.Random(seed)
    played = [max(0.0, tick / 4 + dice.uniform(-0.03, 0.03)) for tick in sixteenths]
    places = MetricalGrid().places(played)
    assert all(abs(place - tick * 6) <= 2 for place, tick in zip(places, sixteenths, strict=True))
    exact = MetricalGrid().places([tick / 4 for tick in sixteenths])
    assert exact == [tick * 6 for tick in sixteenths]


def test_triplets_are_found_beside_sixteenths() -> None:
    onsets = [0, 1 / 3, 2 / 3, 1, 1.25, 1.5, 1.75]
    assert MetricalGrid.of(onsets).places(onsets) == [0, 8, 16, 24, 30, 36, 42]


@pytest.mark.parametrize("off_beat", [13.4, 14.0, 15.0])
def test_swing_between_straight_and_triplet_is_undone(off_beat: float) -> None:
    onsets = [quarter + within for quarter in range(16) for within in (0.0, off_beat / GRID)]
    grid = MetricalGrid.of(onsets)
    assert grid.off_beat == pytest.approx(off_beat, abs=0.13)
    assert grid.places(onsets) == [GRID * quarter + within for quarter in range(16) for within in (0, 12)]
    assert [grid.played(place) for place in grid.places(onsets)] == pytest.approx(onsets, abs=0.13 / GRID)


def test_straight_eighths_and_full_triplets_do_not_swing() -> None:
    assert MetricalGrid.of([n / 2 for n in range(32)]).off_beat == 12
    assert MetricalGrid.of([n / 3 for n in range(32)]).off_beat == 12


def test_an_end_lies_behind_its_onset() -> None:
    assert MetricalGrid().ends([0, 24], [0.01, 1.98]) == [3, 48]
