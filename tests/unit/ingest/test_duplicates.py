"""Copies are found in any key and at any tempo; different pieces are not called copies."""

from dataclasses import replace

import numpy as np
import pytest
from bandmate_ingest.cleaning.batch import CleanedBatch
from bandmate_ingest.cleaning.fingerprint import Hashes
from bandmate_ingest.dataset.duplicates import relate, resemblance
from bandmate_music.score import Score, TempoChange
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.tunes import tune
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
    score_hashes, copy_hashes = fingerprints(cleaned(score, copy))
    assert resemblance(score_hashes, copy_hashes) >= RULES.copy_similarity


def test_a_played_copy_is_related(chorales: dict[str, Score]) -> None:
    for number, score in enumerate(list(chorales.values())[:10]):
        score_hashes, played_hashes = fingerprints(cleaned(score, moved(score, jitter=0.02, seed=number)))
        assert resemblance(score_hashes, played_hashes) >= RULES.group_similarity


def test_different_chorales_are_not_copies(chorales: dict[str, Score]) -> None:
    """Sixty in one style: related ones share a tune, and none is a copy."""
    relations = relate(fingerprints(cleaned(*chorales.values())), [None] * len(chorales), RULES)
    assert max(relations.copy_of) == -1
    assert len(set(relations.group)) >= 0.9 * len(chorales)


def test_different_tunes_are_not_related() -> None:
    relations = relate(fingerprints(cleaned(*(tune(seed) for seed in range(80)))), [None] * 80, RULES)
    assert relations.copy_of == [-1] * 80
    assert relations.group == list(range(80))


def test_the_first_of_two_copies_stays() -> None:
    scores = [tune(1), tune(2), moved(tune(1), semitones=4), moved(tune(2), stretch=2.0), moved(tune(1), semitones=-2)]
    relations = relate(fingerprints(cleaned(*scores)), [None] * 5, RULES)
    assert relations.copy_of == [-1, -1, 0, 1, 0]
    assert relations.group == [0, 1, 0, 1, 0]
    assert relations.resemblance[2:] == [1.0, 1.0, 1.0]


def test_a_piece_between_two_splits_is_left_out() -> None:
    """Half of it comes from a piece in train, half from one in valid, so it fits in neither."""
    first, second = tune(10, bars=24), tune(11, bars=24)
    late = moved(second, ticks=24 * 1920)
    both = first.with_parts(
        [
            replace(
                part,
                notes=type(part.notes)(
                    *(
                        np.concatenate([getattr(part.notes, name), getattr(late_part.notes, name)])
                        for name in ("onset", "duration", "pitch", "velocity")
                    )
                ),
            )
            for part, late_part in zip(first.parts, late.parts, strict=True)
        ]
    )
    sketches = fingerprints(cleaned(first, second, both))
    assert relate(sketches, ["train", "valid", None], RULES).copy_of[2] >= 0
    free = relate(sketches, ["train", "train", None], RULES)
    assert (free.copy_of[2], free.group) == (-1, [0, 0, 0])


@pytest.mark.parametrize("size", [0, 1, 5])
def test_a_tiny_sketch_is_alike_only_if_it_is_the_same(size: int) -> None:
    hashes = np.arange(size, dtype=np.uint64)
    assert resemblance(hashes, hashes) == (1.0 if size else 0.0)
    assert resemblance(hashes, np.arange(1, size + 1, dtype=np.uint64)) == 0.0
