"""Overlaps and divergences against scipy's densities and integrals, as mgeval computes them."""

import math

import numpy as np
import pytest
from bandmate_model.data.excerpt import Excerpt, excerpt
from bandmate_model.evaluation.metrics.distances import compare, density, inter, intra, likeness
from bandmate_model.evaluation.metrics.faults import is_empty, repeats_forever
from bandmate_model.evaluation.metrics.sets import compare_sets


@pytest.fixture
def dice() -> np.random.Generator:
    return np.random.default_rng(3)


def test_distances_are_euclidean_and_each_pair_counts_once(dice: np.random.Generator) -> None:
    first_points, second_points = dice.normal(size=(7, 5)), dice.normal(size=(4, 5))
    pairs = [np.linalg.norm(first_points[a] - first_points[b]) for a in range(7) for b in range(a + 1, 7)]
    np.testing.assert_allclose(sorted(intra(first_points)), sorted(pairs), atol=1e-9)
    across = [np.linalg.norm(a - b) for a in first_points for b in second_points]
    np.testing.assert_allclose(sorted(inter(first_points, second_points)), sorted(across), atol=1e-9)
    assert intra(np.ones((3, 5))).tolist() == [0, 0, 0], "equal rows are no distance apart"


@pytest.mark.parametrize("shift", [0.0, 0.4, 3.0])
def test_overlap_and_divergence_are_scipys(dice: np.random.Generator, shift: float) -> None:
    stats, integrate = pytest.importorskip("scipy.stats"), pytest.importorskip("scipy.integrate")
    first, second = dice.gamma(3, size=400), dice.gamma(3, size=300) + shift
    first_density, second_density = stats.gaussian_kde(first), stats.gaussian_kde(second)
    low, high = min(first.min(), second.min()), max(first.max(), second.max())
    points = np.linspace(low, high, 20_001)
    area = integrate.trapezoid(np.minimum(first_density(points), second_density(points)), points)
    comparison = compare(first, second)
    assert comparison.overlap == pytest.approx(area, abs=2e-4)
    p, q = (
        kde(np.linspace(samples.min(), samples.max(), 1000))
        for kde, samples in ((first_density, first), (second_density, second))
    )
    assert comparison.divergence == pytest.approx(stats.entropy(p, q), rel=1e-2, abs=1e-4)
    np.testing.assert_allclose(density(first, points[::5]), first_density(points[::5]), atol=2e-4)


def test_a_constant_sample_overlaps_only_with_an_equal_one() -> None:
    same, other = np.zeros(5), np.linspace(0, 1, 5)
    assert compare(same, same) == (1.0, 0.0)
    assert compare(same, np.ones(4)) == (0.0, math.inf)
    assert compare(same, other).overlap == 0
    assert compare(other, same).overlap == 0


def test_a_set_without_variety_is_unlike_its_model(dice: np.random.Generator) -> None:
    real = dice.normal(size=(120, 1))
    assert likeness(real, dice.normal(size=(120, 1))).overlap > 0.9
    assert likeness(real, np.full((120, 1), real.mean())).overlap < 0.8


def tune(dice: np.random.Generator, low: int = 60) -> Excerpt:
    onsets = sorted(set((dice.integers(0, 128, 40) * 6).tolist()))
    return excerpt([(0, onset, 6, low + int(dice.integers(0, 12))) for onset in onsets], [], 96, 8)


def test_similar_sets_pass_and_different_ones_do_not(dice: np.random.Generator) -> None:
    real = [tune(dice) for _ in range(40)]
    same = compare_sets([tune(dice) for _ in range(40)], real)
    assert same.overlap > 0.8
    assert not {"pitch_range", "n_pitches_used"} & set(same.outside)
    silent = [excerpt([(0, 0, 6, 60)], [], 96, 8)] * 20
    different = compare_sets(silent + [tune(dice) for _ in range(20)], real)
    assert different.overlap < same.overlap - 0.05
    assert (different.empty, different.repeated) == (20, 0)
    assert "n_pitches_used" in different.outside
    with pytest.raises(ValueError, match="two pieces"):
        compare_sets(real[:1], real)


def test_a_bar_repeated_forever_is_told_from_a_tune(dice: np.random.Generator) -> None:
    bar = [(0, 0, 24, 60), (0, 24, 24, 64), (1, 0, 6, 36)]
    stuck = [(part, onset + 96 * number, length, pitch) for number in range(8) for part, onset, length, pitch in bar]
    assert repeats_forever(excerpt(stuck, [1], 96, 8))
    closing = [row for row in stuck if row[1] < 96 * 7] + [(0, 96 * 7, 96, 72)]
    assert repeats_forever(excerpt(closing, [1], 96, 8)), "a repeating model is made to end"
    moving = [(part, onset, length, pitch + (onset // 96 == 3)) for part, onset, length, pitch in stuck]
    assert not repeats_forever(excerpt(moving, [1], 96, 8))
    assert not repeats_forever(tune(dice))
    assert is_empty(excerpt([], [], 96, 8))
    assert is_empty(excerpt(bar, [1], 96, 8))
    assert not is_empty(excerpt(stuck, [1], 96, 8))
