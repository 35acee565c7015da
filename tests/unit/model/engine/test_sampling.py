"""Sampling in machine code agrees with plain Python, on every processor."""

import math
from typing import Any

import numpy as np
import pytest
from bandmate_model.engine.code import Machine
from bandmate_model.engine.sampling import UNIT, Sampler
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.model.engine.test_engines import AVX2, PLAIN

MAX_CHOICES = 150
SAMPLER = Sampler(MAX_CHOICES)

Logits = st.lists(
    st.one_of(st.floats(-40, 20, width=32), st.sampled_from([0.0, 1.0, -1.0])), min_size=1, max_size=MAX_CHOICES
)
Points = st.floats(0, 1, exclude_max=True)


def weights_of(sampler: Sampler, count: int) -> list[int]:
    """Of the last draw."""
    return [int(weight) for weight in sampler._weights[0][:count]]


def likeliest(weights: list[int], top_p: float, top_k: int) -> list[int]:
    """The fewest of the likeliest whose share is `top_p`, at most `top_k`; the first of equal ones. In order."""
    threshold = min(max(1, math.ceil(top_p * float(sum(weights)))), sum(weights))
    indexes: list[int] = []
    for index in sorted(range(len(weights)), key=lambda index: (-weights[index], index)):
        if sum(weights[member] for member in indexes) >= threshold or len(indexes) == (top_k or len(weights)):
            break
        indexes.append(index)
    return sorted(indexes)


def drawn(weights: list[int], among: list[int], point: float) -> int:
    total = sum(weights[index] for index in among)
    target, before = min(int(point * float(total)), total - 1), 0
    for index in among:
        before += weights[index]
        if before > target:
            return index
    raise AssertionError("a point of 0..1 lies on one of them")


@settings(deadline=None)
@given(Logits, st.floats(0.01, 1.0), st.integers(0, 12), Points, st.floats(0.1, 3.0), st.booleans())
def test_a_draw_is_that_of_plain_python(
    values: list[float], top_p: float, top_k: int, point: float, temperature: float, biased: bool
) -> None:
    logits = np.array(values, np.float32)
    bias = np.linspace(-3, 3, len(logits)) if biased else None
    index = SAMPLER.pick(logits, bias=bias, temperature=temperature, top_p=top_p, top_k=top_k, point=point)
    weights = weights_of(SAMPLER, len(logits))
    assert index == drawn(weights, likeliest(weights, top_p, top_k), point)
    steered = logits.astype(np.float64) + (0 if bias is None else bias)
    exact = np.exp((steered - steered.max()) / temperature) * UNIT
    assert np.abs(weights - exact).max() <= 4e-5 * UNIT
    assert weights == pytest.approx(exact, rel=3e-4, abs=2)
    shares = np.exp(logits.astype(np.float64) - logits.max())
    assert SAMPLER.log_likelihood() == pytest.approx(math.log(max(shares[index], 1e-30) / shares.sum()), abs=1e-4)


@settings(deadline=None)
@given(Logits, st.floats(0.01, 1.0), st.integers(0, 5), Points)
def test_another_processor_draws_the_same(values: list[float], top_p: float, top_k: int, point: float) -> None:
    if not {"+fma", "+avx2", "+sse4.2"} <= set(Machine.host().features.split(",")):
        pytest.skip("this processor cannot run code for the other ones")
    logits = np.array(values, np.float32)
    given: dict[str, Any] = {"top_p": top_p, "top_k": top_k, "point": point, "temperature": 0.9}
    expected = SAMPLER.pick(logits, **given)
    for machine in (AVX2, PLAIN):
        other = Sampler(MAX_CHOICES, machine)
        assert other.pick(logits, **given) == expected
        assert weights_of(other, len(logits)) == weights_of(SAMPLER, len(logits))
        assert other.log_likelihood() == SAMPLER.log_likelihood()


def test_kept_tokens_are_drawn_in_proportion_to_their_weights() -> None:
    logits = np.log(np.array([0.5, 0.3, 0.15, 0.05], np.float32))
    picks = [SAMPLER.pick(logits, top_p=0.9, point=(number + 0.5) / 1000) for number in range(1000)]
    counts = np.bincount(picks, minlength=4) / 1000
    assert counts == pytest.approx([0.5 / 0.95, 0.3 / 0.95, 0.15 / 0.95, 0], abs=0.01)


def test_of_equally_likely_tokens_the_first_are_kept() -> None:
    points = [(number + 0.5) / 300 for number in range(300)]
    three = {SAMPLER.pick(np.zeros(40, np.float32), top_k=3, point=point) for point in points}
    half = {SAMPLER.pick(np.zeros(40, np.float32), top_p=0.5, point=point) for point in points}
    assert (three, half) == ({0, 1, 2}, set(range(20)))


def test_a_cold_draw_takes_the_likeliest_and_one_choice_is_none() -> None:
    logits = np.array([0.0, 2.0, 1.9], np.float32)
    assert {SAMPLER.pick(logits, temperature=1e-3, point=number / 50) for number in range(50)} == {1}
    assert SAMPLER.pick(np.array([-7.0]), point=0.99) == 0
    assert SAMPLER.log_likelihood() == 0.0
