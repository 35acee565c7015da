"""Integer matrix products, as machine code.

Both sides are rounded to 16-bit integers with one scale per row, and their products are summed exactly in 32 bits:
twice as fast as fused multiply-adds of floats, and the sum does not depend on the order. A sum cannot overflow: scales
keep the Euclidean norm of a row below MAX_ROW_NORM, and the dot product of two rows is at most the product of their
norms (Cauchy-Schwarz). What rounding loses of a row of 640 values
is at most 4e-4 of its length, mostly half of that; bfloat16, in which networks are stored, loses up to 2e-3.
"""

from functools import partial
from typing import Any

import numpy as np
from llvmlite import ir
from numpy.typing import NDArray

from bandmate_model.engine.code import F32, I16, I64, INTEGERS, LANES, POINTER, VECTOR, Code, Machine, Value

PANEL = 64
"""Outputs per panel: a matrix (outputs, inputs) is kept as panels (outputs / PANEL, inputs / 2, PANEL, 2)."""
_PARTS = PANEL // LANES
INT16_MAX = 32767
MAX_ROW_NORM = 46_000.0
"""Its square, with half a unit of rounding for each of 100,000 values, is below 2 ** 31."""


def padded(size: int) -> int:
    """Up to whole panels."""
    return -(-size // PANEL) * PANEL


def padded_matrix(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """With zeros up to whole panels along its last two axes."""
    *_, rows, columns = matrix.shape
    missing = [(0, 0)] * (matrix.ndim - 2) + [(0, padded(rows) - rows), (0, padded(columns) - columns)]
    return np.pad(matrix, missing)


def packed(matrix: NDArray[np.float32]) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
    """A matrix (outputs, inputs), both whole panels, as integers in panels and scales (outputs,)."""
    peak = np.abs(matrix).max(axis=1)
    length = np.sqrt(np.einsum("ij,ij->i", matrix, matrix, dtype=np.float64))
    scale = np.maximum(np.maximum(peak / INT16_MAX, length / MAX_ROW_NORM), 1e-30).astype(np.float32)
    integers = np.rint(matrix / scale[:, None]).astype(np.int16)
    panels = integers.reshape(-1, PANEL, matrix.shape[1] // 2, 2).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(panels).reshape(-1), scale


def max_row_norm_beside(largest: int, size: int) -> float:
    """MAX_ROW_NORM for a row of `size` integers multiplied with a row of integers up to `largest`."""
    return float(2**31 / ((largest + 1) * size**0.5) - size**0.5)


def scale_of(
    code: Code, peaks: Value, squares: Value, *, max_norm: float, largest: int = INT16_MAX
) -> tuple[Value, Value]:
    """The value of one unit of a row's integers, and the factor from the row's floats to its integers.

    `peaks`, `squares`: the row's largest absolute value and the sum of its squares, in lanes still.
    """
    builder = code.builder
    by_peak = builder.fmul(code.reduce(peaks, code.maximum), ir.Constant(F32, 1 / largest))
    length = code.unary("llvm.sqrt", code.reduce(squares, builder.fadd))
    by_length = builder.fmul(length, ir.Constant(F32, 1 / max_norm))
    scale = code.maximum(code.maximum(by_peak, by_length), ir.Constant(F32, 1e-30))
    return scale, code.splat(builder.fdiv(ir.Constant(F32, 1.0), scale))


def quantise(module: Any, name: str, *, max_norm: float = MAX_ROW_NORM) -> Any:
    """name(x, y, scales, rows, size, x stride, y stride): rows of floats to 16-bit integers y * scales[row]."""
    code = Code(module, name, [POINTER] * 3 + [I64] * 4, internal=True)
    x, y, scales, rows, size, x_stride, y_stride = code.arguments
    builder = code.builder

    def row(number: Value) -> None:
        x_row, y_row = code.at(x, code.times(number, x_stride)), code.at(y, code.times(number, y_stride), I16)

        def measure(index: Value, carried: list[Value]) -> list[Value]:
            value = code.vector(x_row, index)
            return [code.maximum(code.unary("llvm.fabs", value), carried[0]), code.fma(value, value, carried[1])]

        peaks, squares = code.loop(0, size, LANES, [code.splat(0.0)] * 2, measure)
        scale, factor = scale_of(code, peaks, squares, max_norm=max_norm)
        code.store(scale, scales, number)
        code.for_each(
            0,
            size,
            lambda index: code.put_shorts(builder.fmul(code.vector(x_row, index), factor), y_row, index),
            step=LANES,
        )

    code.for_each(0, rows, row)
    return code.end()


def product(module: Any, name: str, *, machine: Machine, kind: Any = I16) -> Any:
    """name(weights, weight scales, x, x scales, y, rows, pairs, panels, x stride, y stride, panel stride, add)

    y[row, out] = (y[row, out] if add else 0) + weight scales[out] * x scales[row] * sum over pairs of inputs of
    x[row, in] * weights[out, in]. Strides count elements. `kind`: of the weights, I16 or I8.
    """
    code = Code(module, name, [POINTER] * 5 + [I64] * 7, internal=True)
    weights, scales, x, x_scales, y, rows, pairs, panels, x_stride, y_stride, panel_stride, add = code.arguments
    builder = code.builder
    adding = builder.icmp_signed("!=", add, code.integer(0))
    rows_at_once = (6, 4, 2, 1) if machine.wide else (2, 1)
    parts_at_once = _PARTS if machine.wide else _PARTS // 2
    zeros = ir.Constant(INTEGERS, [0] * LANES)

    def panel(number: Value) -> None:
        panel_weights = code.at(weights, code.times(number, panel_stride), kind)
        panel_scales = code.at(scales, code.times(number, PANEL))
        panel_y = code.at(y, code.times(number, PANEL))

        def block(row: Value, height: int, part: int) -> None:
            x_rows = [code.at(x, code.times(code.add(row, offset), x_stride), I16) for offset in range(height)]
            y_rows = [code.at(panel_y, code.times(code.add(row, offset), y_stride)) for offset in range(height)]
            lanes = [(part + offset) * LANES for offset in range(parts_at_once)]

            def inner(index: Value, sums: list[Value]) -> list[Value]:
                base, place = code.times(index, 2 * PANEL), code.times(index, 2)
                column = [code.pairs(panel_weights, code.add(base, 2 * lane), kind) for lane in lanes]
                spread = [code.pair(x_row, place) for x_row in x_rows]
                terms = [(matrix_operand, x_operand) for x_operand in spread for matrix_operand in column]
                return [
                    code.dot(total, *operands, at_once=machine.products)
                    for operands, total in zip(terms, sums, strict=True)
                ]

            sums = code.loop(0, pairs, 1, [zeros] * (height * len(lanes)), inner)
            for number, total in enumerate(sums):
                offset, lane = number // len(lanes), lanes[number % len(lanes)]
                scaled = builder.fmul(
                    builder.sitofp(total, VECTOR), code.splat(code.load(x_scales, code.add(row, offset)))
                )
                previous = builder.select(adding, code.vector(y_rows[offset], lane), code.splat(0.0))
                code.put(code.fma(scaled, code.vector(panel_scales, lane), previous), y_rows[offset], lane)

        for part in range(0, _PARTS, parts_at_once):
            start: Value = code.integer(0)
            for height in rows_at_once:
                tiles = builder.sdiv(builder.sub(rows, start), code.integer(height))
                stop = code.add(start, code.times(tiles, height))
                code.for_each(start, stop, partial(block, height=height, part=part), step=height)
                start = stop

    code.for_each(0, panels, panel)
    return code.end()
