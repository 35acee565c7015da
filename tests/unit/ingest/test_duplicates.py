"""Copies are found in any key and at any tempo; different pieces are not called copies."""

from dataclasses import replace

import numpy as np
import pytest
from bandmate_ingest.clean import CleanedBatch
from bandmate_ingest.duplicates import relate, resemblance
from bandmate_ingest.fingerprint import Hashes
from bandmate_shared.music.score import Score, TempoChange
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tunes import tune
from tests.unit.ingest.conftest import RULES, cleaned, moved


def fingerprints(batch: CleanedBatch) -> list[Hashes]:
    return [np.array(row["fingerprint"] or (), dtype=np.uint64) for row in batch.files.to_pylist()]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 59),
    semitones=st.integers(-12, 12),
    tempo=st.floats(50, 200),
    stretch=st.sampled_from([0.5, 0.75, 0.9, 1.0, 1.1, 1.5, 2.0]),
    ticks=st.integers(0, 2000),
)
def test_a_copy_in_another_key_at_another_tempo_is_found(
    chorales: dict[str, Score], seed: int, semitones: int, tempo: float, stretch: float, ticks: int
) -> None:
    score = list(chorales.values())[seed]
    copy = replace(moved(score, semitones=semitones, stretch=stretch, ticks=ticks), tempi=(TempoChange(0, tempo),))
    one, other = fingerprints(cleaned(score, copy))
    assert resemblance(one, other) >= RULES.copy_similarity


def test_a_played_copy_is_kin(chorales: dict[str, Score]) -> None:
    for number, score in enumerate(list(chorales.values())[:10]):
        one, other = fingerprints(cleaned(score, moved(score, jitter=0.02, seed=number)))
        assert resemblance(one, other) >= RULES.group_similarity


def test_different_chorales_are_not_copies(chorales: dict[str, Score]) -> None:
    """Sixty in one style; those that are kin share a tune, and of copies there are none."""
    found = relate(fingerprints(cleaned(*chorales.values())), [None] * len(chorales), RULES)
    assert max(found.copy_of) == -1
    assert len(set(found.group)) >= 0.9 * len(chorales)


def test_different_tunes_are_not_kin() -> None:
    found = relate(fingerprints(cleaned(*(tune(seed) for seed in range(80)))), [None] * 80, RULES)
    assert found.copy_of == [-1] * 80
    assert found.group == list(range(80))


def test_the_first_of_two_copies_stays() -> None:
    scores = [tune(1), tune(2), moved(tune(1), semitones=4), moved(tune(2), stretch=2.0), moved(tune(1), semitones=-2)]
    found = relate(fingerprints(cleaned(*scores)), [None] * 5, RULES)
    assert found.copy_of == [-1, -1, 0, 1, 0]
    assert found.group == [0, 1, 0, 1, 0]
    assert found.resemblance[2:] == [1.0, 1.0, 1.0]


def test_a_piece_between_two_splits_is_left_out() -> None:
    """Half of it comes from a piece in train, half from one in valid: it may stay with neither."""
    first, second = tune(10, bars=24), tune(11, bars=24)
    late = moved(second, ticks=24 * 1920)
    both = first.with_parts(
        [
            replace(
                part,
                notes=type(part.notes)(
                    *(
                        np.concatenate([getattr(part.notes, name), getattr(more.notes, name)])
                        for name in ("onset", "duration", "pitch", "velocity")
                    )
                ),
            )
            for part, more in zip(first.parts, late.parts, strict=True)
        ]
    )
    sketches = fingerprints(cleaned(first, second, both))
    assert relate(sketches, ["train", "valid", None], RULES).copy_of[2] >= 0
    free = relate(sketches, ["train", "train", None], RULES)
    assert (free.copy_of[2], free.group) == (-1, [0, 0, 0])


@pytest.mark.parametrize("size", [0, 1, 5])
def test_a_tiny_sketch_is_alike_only_if_it_is_the_same(size: int) -> None:
    one = np.arange(size, dtype=np.uint64)
    assert resemblance(one, one) == (1.0 if size else 0.0)
    assert resemblance(one, np.arange(1, size + 1, dtype=np.uint64)) == 0.0
