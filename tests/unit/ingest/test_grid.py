"""Phase, tempo and looseness of a file's onsets against its beat grid."""

import numpy as np
import pytest
from bandmate_ingest.cleaning.grid import find_grid
from bandmate_music.score import Notes, Part, Score
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.musicxml import attributes, document, note
from tests.support.tunes import tune
from tests.unit.ingest.conftest import RULES, accepted_row, cleaned, moved, rows, steps

SLOW = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@SLOW
@given(ticks=st.integers(0, 59))
def test_a_constant_phase_changes_nothing(chorale: Score, ticks: int) -> None:
    """Up to an eighth of a beat: less than half of the finest subdivision that the phase is judged by."""
    quarter = chorale.ticks_per_quarter
    shift = ticks * quarter // 480
    shifted, unmoved = cleaned(moved(chorale, ticks=shift)), cleaned(chorale)
    assert rows(shifted) == rows(unmoved)
    assert shifted.measures.equals(unmoved.measures)
    assert accepted_row(shifted)["grid_offset"] == pytest.approx(
        shift / quarter if shift / quarter >= 0.005 else 0, abs=1e-6
    )


@pytest.mark.parametrize("phase", [0.2, 0.3, 0.4, 0.6, 0.8])
def test_a_large_phase_brings_the_notes_back_onto_the_beat(chorale: Score, phase: float) -> None:
    ticks = round(phase * chorale.ticks_per_quarter)
    batch = cleaned(moved(chorale, ticks=ticks))
    assert accepted_row(batch)["on_grid"] == 1.0
    on_beat = [row[2] % 24 == 0 for row in rows(batch)]
    assert np.mean(on_beat) == pytest.approx(np.mean([row[2] % 24 == 0 for row in rows(cleaned(chorale))]), abs=0.02)


@pytest.mark.parametrize("seed", range(4))
def test_a_performance_is_snapped_back_to_what_was_played(seed: int) -> None:
    score = tune(seed)
    played = cleaned(moved(score, jitter=0.03, seed=seed))
    written = {(row[1], row[2], row[4]) for row in rows(cleaned(score))}
    snapped = {(row[1], row[2], row[4]) for row in rows(played)}
    assert steps(accepted_row(played))["quantised"] == 1
    assert len(written & snapped) >= 0.97 * len(written)


@pytest.mark.parametrize("stretch", [0.83, 0.94, 1.07, 1.1, 1.21])
def test_another_tempo_than_the_stated_one_is_found(stretch: float) -> None:
    score = tune(3, bars=32)
    batch = cleaned(moved(score, stretch=stretch))
    assert steps(accepted_row(batch))["tempo-found"] == 1
    assert accepted_row(batch)["tempo"] == pytest.approx(score.tempi[0].tempo / stretch, rel=0.002)
    assert [row[2:5] for row in rows(batch)] == [row[2:5] for row in rows(cleaned(score))]


def test_notes_without_a_beat_are_rejected() -> None:
    chance = np.random.default_rng(1)
    onsets = np.sort(chance.integers(0, 480 * 64, 400)).astype(np.int32)
    notes = Notes(
        onsets, np.full(400, 200, np.int32), chance.integers(50, 80, 400, dtype=np.int32), np.full(400, 80, np.int32)
    )
    (row,) = cleaned(Score((Part("Piano", 0, notes),))).files.to_pylist()
    assert (row["accepted"], row["reason"]) == (False, "off-grid")


def test_a_score_has_its_beats_whatever_tuplets_it_holds() -> None:
    fives, sevens = "".join(note("C5", 84) for _ in range(5)), "".join(note("D5", 60) for _ in range(7))
    data = document(("Flute", [attributes(210) + fives + sevens, *(fives + sevens for _ in range(7))]))
    batch = cleaned(data)
    (row,) = batch.files.to_pylist()
    assert (row["accepted"], row["bars"], row["notes"]) == (True, 8, 96)
    assert [row[2] for row in rows(batch)][:6] == [0, 10, 19, 29, 38, 48]


@SLOW
@given(st.integers(0, 2**32 - 1), st.integers(40, 400))
def test_random_onsets_are_not_taken_for_a_grid(seed: int, count: int) -> None:
    onsets = np.sort(np.random.default_rng(seed).uniform(0, 64, count))
    grid = find_grid(onsets, RULES)
    assert grid is None or grid.clarity < 0.5
