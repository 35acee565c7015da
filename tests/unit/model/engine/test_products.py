"""Integer products: exact on every processor, never beyond 32 bits, with little loss by rounding."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from bandmate_model.engine import products
from bandmate_model.engine.code import I8, I16, I64, POINTER, Code, Compiled, Machine
from bandmate_model.engine.products import INT16_MAX, MAX_ROW_NORM, PANEL, max_row_norm_beside, packed, padded_matrix
from hypothesis import given, settings
from hypothesis import strategies as st
from llvmlite import ir
from numpy.typing import NDArray

from tests.unit.model.engine.test_engines import AVX2, PLAIN

MACHINES = {"host": Machine.host(), "avx2": AVX2, "plain": PLAIN}
ABLE = {"+fma", "+avx2", "+sse4.2"} <= set(Machine.host().features.split(","))


@cache
def compiled(name: str, kind: Any) -> tuple[Any, Any]:
    """quantise(x, y, scales, rows, size) and product(…) as products.product has it, to be called from here."""
    module, machine = ir.Module("products"), MACHINES[name]
    product = products.product(module, "product_of", machine=machine, kind=kind)
    quantise = products.quantise(module, "quantise_row")
    code = Code(module, "product", [POINTER] * 5 + [I64] * 7)
    code.call(product, *code.arguments)
    code.end()
    code = Code(module, "quantise", [POINTER] * 3 + [I64] * 2)
    size = code.arguments[4]
    code.call(quantise, *code.arguments, size, size)
    code.end()
    module_code = Compiled(module, machine)
    return module_code.function("quantise", 5), (module_code.function("product", 12), module_code)


def address(array: NDArray[Any]) -> int:
    return int(array.ctypes.data)


def quantised(x: NDArray[np.float32]) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
    whole, scales = np.zeros(x.shape, np.int16), np.zeros(len(x), np.float32)
    compiled("host", I16)[0](address(x), address(whole), address(scales), *x.shape)
    return whole, scales


def multiplied(name: str, panels: NDArray[Any], scales: Any, x: NDArray[np.int16], x_scales: Any, y: Any) -> None:
    """Adds to y (rows, outputs)."""
    kind = I16 if panels.dtype == np.int16 else I8
    (rows, inputs), outputs = x.shape, y.shape[1]
    compiled(name, kind)[1][0](
        address(panels),
        address(scales),
        address(x),
        address(x_scales),
        address(y),
        rows,
        inputs // 2,
        outputs // PANEL,
        inputs,
        outputs,
        inputs * PANEL,
        1,
    )


def in_panels(whole: NDArray[Any]) -> NDArray[Any]:
    """(outputs, inputs) as products.packed lays it out."""
    outputs, inputs = whole.shape
    return np.ascontiguousarray(whole.reshape(outputs // PANEL, PANEL, inputs // 2, 2).transpose(0, 2, 1, 3)).reshape(
        -1
    )


@settings(deadline=None)
@given(
    st.sampled_from(sorted(MACHINES)),
    st.sampled_from([np.int8, np.int16]),
    st.integers(1, 19),
    st.integers(1, 9),
    st.integers(1, 3),
    st.integers(0, 1000),
)
def test_sums_are_exact(name: str, kind: Any, rows: int, pairs: int, panels: int, seed: int) -> None:
    if name != "host" and not ABLE:
        pytest.skip("this processor cannot run code for the other ones")
    random = np.random.default_rng(seed)
    max_value = 127 if kind == np.int8 else 9000
    whole = random.integers(-max_value, max_value + 1, (panels * PANEL, 2 * pairs)).astype(kind)
    x = random.integers(-9000, 9001, (rows, 2 * pairs)).astype(np.int16)
    ones = np.ones(max(rows, panels * PANEL), np.float32)
    y = np.full((rows, panels * PANEL), 0.5, np.float32)
    multiplied(name, in_panels(whole), ones, x, ones, y)
    sums = (x.astype(np.int64) @ whole.T.astype(np.int64)).astype(np.float32)
    assert np.array_equal(y, sums + np.float32(0.5))


@pytest.mark.parametrize("inputs", [64, 256, 640, 4096])
@pytest.mark.parametrize("shape", ["alike", "one peak", "noise"])
def test_no_sum_leaves_32_bits(inputs: int, shape: str) -> None:
    """The worst case: both rows point in one direction."""
    rows = {
        "alike": np.ones(inputs),
        "one peak": np.eye(1, inputs, 7)[0],
        "noise": np.random.default_rng(3).normal(0, 1, inputs),
    }
    row = (rows[shape] * 1e3).astype(np.float32)
    panels, scales = packed(np.tile(row, (PANEL, 1)))
    whole, x_scales = quantised(np.stack([row, -row]))
    assert np.sqrt((whole.astype(np.float64) ** 2).sum(axis=1)).max() <= MAX_ROW_NORM + 0.5 * inputs**0.5
    assert np.abs(whole).max() <= INT16_MAX
    assert (MAX_ROW_NORM + 0.5 * 100_000**0.5) ** 2 < 2**31
    y = np.zeros((2, PANEL), np.float32)
    multiplied("host", panels, scales, whole, x_scales, y)
    square = float((row.astype(np.float64) ** 2).sum())
    assert y[0] == pytest.approx(np.full(PANEL, square), rel=1e-3)
    assert y[1] == pytest.approx(np.full(PANEL, -square), rel=1e-3)


@pytest.mark.parametrize("size", [64, 128, 1024, 65536])
def test_a_row_beside_small_integers_may_be_longer(size: int) -> None:
    longest = max_row_norm_beside(127, size)
    assert (longest + 0.5 * size**0.5) * 127 * size**0.5 < 2**31
    assert longest > 10_000, "and still fine enough"


@settings(deadline=None)
@given(st.integers(0, 10**6), st.floats(0.0, 12.0))
def test_rounding_loses_at_most_so_much_of_a_row(seed: int, outlier: float) -> None:
    random = np.random.default_rng(seed)
    row = random.normal(0, 10 ** random.uniform(-6, 6), 640)
    row[random.integers(640)] *= 10**outlier / 1e3
    x = row[None].astype(np.float32)
    whole, scales = quantised(x)
    assert np.linalg.norm(whole * scales[:, None] - x) <= 4e-4 * np.linalg.norm(x)


def test_zeros_are_quantised_to_zeros_with_finite_scales() -> None:
    whole, scales = quantised(np.zeros((2, 64), np.float32))
    panels, matrix_scales = packed(padded_matrix(np.zeros((3, 5), np.float32)))
    assert not whole.any()
    assert not panels.any()
    assert np.isfinite([*scales, *matrix_scales]).all()
