"""The products, norms and functions that the networks are made of, as machine code.

A matrix is kept in 16 bits a value, floats of either kind or integers with one scale a row, in panels: PANEL outputs
side by side for each input. Each output is one running sum over the inputs in order, whether one row or sixteen are
worked on.
"""

from functools import partial
from typing import Any

import numpy as np
from llvmlite import ir
from numpy.typing import NDArray

from bandmate_model.engine.code import F32, I16, I64, LANES, POINTER, VECTOR, Code, Value

PANEL = 64
_PARTS = PANEL // LANES
LARGEST = 32767


def padded(size: int) -> int:
    """Up to whole panels."""
    return -(-size // PANEL) * PANEL


def padded_matrix(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """With zeros up to whole panels along its last two axes."""
    *_, rows, columns = matrix.shape
    missing = [(0, 0)] * (matrix.ndim - 2) + [(0, padded(rows) - rows), (0, padded(columns) - columns)]
    return np.pad(matrix, missing)


def packed(matrix: NDArray[np.float32], *, kind: str) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
    """A matrix (outputs, inputs), both whole panels, as 16-bit numbers in panels and scales (outputs,).

    `kind`: BF16 or F16, values that are kept as such, exactly, with scales of 1; others become integers.
    """
    scale = np.ones(len(matrix), np.float32)
    if kind == "BF16":
        whole = (np.ascontiguousarray(matrix).view(np.uint32) >> 16).astype(np.uint16).view(np.int16)
    elif kind == "F16":
        whole = matrix.astype(np.float16).view(np.int16)
    else:
        peak = np.abs(matrix).max(axis=1)
        scale = (np.where(peak > 0, peak, 1) / LARGEST).astype(np.float32)
        whole = np.rint(matrix / scale[:, None]).astype(np.int16)
    panels = whole.reshape(-1, PANEL, matrix.shape[1]).transpose(0, 2, 1)
    return np.ascontiguousarray(panels).reshape(-1), scale


def project(module: Any, name: str, *, kind: str, wide: bool) -> Any:
    """name(weights, scales, x, y, rows, inputs, panels, x stride, y stride, panel stride, add)

    y[row, out] = (y[row, out] if add else 0) + scales[out] * sum over inputs of x[row, in] * weights[out, in].
    Strides count elements. `kind`: see packed.
    """
    code = Code(module, name, [POINTER] * 4 + [I64] * 7, internal=True)
    weights, scales, x, y, rows, inputs, panels, x_stride, y_stride, panel_stride, add = code.arguments
    builder = code.builder
    adding = builder.icmp_signed("!=", add, code.integer(0))
    rows_at_once = (6, 4, 2, 1) if wide else (2, 1)
    parts_at_once = _PARTS if wide else _PARTS // 2
    load = {"BF16": code.brains, "F16": code.halves}.get(kind, code.shorts)

    def panel(number: Value) -> None:
        panel_weights = code.at(weights, code.times(number, panel_stride), I16)
        panel_scales = code.at(scales, code.times(number, PANEL))
        panel_y = code.at(y, code.times(number, PANEL))

        def block(row: Value, height: int, part: int) -> None:
            x_rows = [code.at(x, code.times(code.add(row, each), x_stride)) for each in range(height)]
            y_rows = [code.at(panel_y, code.times(code.add(row, each), y_stride)) for each in range(height)]
            lanes = [(part + each) * LANES for each in range(parts_at_once)]
            zero = ir.Constant(VECTOR, [0.0] * LANES)

            def inner(index: Value, sums: list[Value]) -> list[Value]:
                base = code.times(index, PANEL)
                column = [load(panel_weights, code.add(base, lane)) for lane in lanes]
                spread = [code.splat(code.load(x_row, index)) for x_row in x_rows]
                terms = [(one, other) for one in spread for other in column]
                return [code.fma(one, other, total) for (one, other), total in zip(terms, sums, strict=True)]

            sums = code.loop(0, inputs, 1, [zero] * (height * len(lanes)), inner)
            for number, total in enumerate(sums):
                y_row, lane = y_rows[number // len(lanes)], lanes[number % len(lanes)]
                old = builder.select(adding, code.vector(y_row, lane), zero)
                code.put(code.fma(total, code.vector(panel_scales, lane), old), y_row, lane)

        for part in range(0, _PARTS, parts_at_once):
            start: Value = code.integer(0)
            for height in rows_at_once:
                whole = builder.sdiv(builder.sub(rows, start), code.integer(height))
                stop = code.add(start, code.times(whole, height))
                code.each(start, stop, partial(block, height=height, part=part), step=height)
                start = stop

    code.each(0, panels, panel)
    return code.end()


def norm(module: Any, *, size: int, stride: int, epsilon: float) -> Any:
    """norm(weight, x, y, rows): the root mean square norm of rows of `size` values, kept `stride` apart."""
    code = Code(module, "norm", [POINTER] * 3 + [I64], internal=True)
    weight, x, y, rows = code.arguments
    builder = code.builder

    def row(number: Value) -> None:
        x_row, y_row = (code.at(each, code.times(number, stride)) for each in (x, y))

        def square(index: Value, carried: list[Value]) -> list[Value]:
            value = code.vector(x_row, index)
            return [code.fma(value, value, carried[0])]

        (squares,) = code.loop(0, stride, LANES, [code.splat(0.0)], square)
        mean = builder.fmul(code.folded(squares, builder.fadd), ir.Constant(F32, 1 / size))
        root = code.unary("llvm.sqrt", builder.fadd(mean, ir.Constant(F32, epsilon)))
        factor = code.splat(builder.fdiv(ir.Constant(F32, 1.0), root))

        def scale(index: Value) -> None:
            scaled = builder.fmul(code.vector(x_row, index), factor)
            code.put(builder.fmul(scaled, code.vector(weight, index)), y_row, index)

        code.each(0, stride, scale, step=LANES)

    code.each(0, rows, row)
    return code.end()


def gated(module: Any, *, size: int) -> Any:
    """gated(x, y, rows): y = silu(first half of x) * second half, rows of 2 * size values to rows of size."""
    code = Code(module, "gated", [POINTER] * 2 + [I64], internal=True)
    x, y, rows = code.arguments
    builder = code.builder

    def row(number: Value) -> None:
        x_row, y_row = code.at(x, code.times(number, 2 * size)), code.at(y, code.times(number, size))

        def lanes(index: Value) -> None:
            gate, up = code.vector(x_row, index), code.vector(x_row, code.add(index, size))
            code.put(builder.fmul(builder.fmul(gate, code.sigmoid(gate)), up), y_row, index)

        code.each(0, size, lanes, step=LANES)

    code.each(0, rows, row)
    return code.end()


def softmax(module: Any, *, factor: float) -> Any:
    """softmax(scores, key scales, value scales, length, end)

    In place: scores[:length] times their key's scale and `factor` become weights, times their value's scale; up to
    `end` follow zeros.
    """
    code = Code(module, "softmax", [POINTER] * 3 + [I64] * 2, internal=True)
    scores, key_scales, value_scales, length, end = code.arguments
    builder = code.builder
    lowest = code.splat(-3e38)

    def scaled(index: Value, peak: list[Value]) -> list[Value]:
        score = builder.fmul(
            code.vector(scores, index), builder.fmul(code.vector(key_scales, index), code.splat(factor))
        )
        score = builder.select(code.lanes_below(index, length), score, lowest)
        code.put(score, scores, index)
        return [code.maximum(score, peak[0])]

    (peaks,) = code.loop(0, length, LANES, [lowest], scaled)
    peak = code.splat(code.folded(peaks, code.maximum))

    def raised(index: Value, total: list[Value]) -> list[Value]:
        value = code.exp(builder.fsub(code.vector(scores, index), peak))
        value = builder.select(code.lanes_below(index, length), value, code.splat(0.0))
        code.put(value, scores, index)
        return [builder.fadd(value, total[0])]

    (totals,) = code.loop(0, length, LANES, [code.splat(0.0)], raised)
    share = code.splat(builder.fdiv(ir.Constant(F32, 1.0), code.folded(totals, builder.fadd)))

    def shared(index: Value) -> None:
        value = builder.fmul(code.vector(scores, index), share)
        code.put(builder.fmul(value, code.vector(value_scales, index)), scores, index)

    code.each(0, length, shared, step=LANES)
    after = builder.and_(code.add(length, LANES - 1), code.integer(-LANES))
    code.each(after, end, lambda index: code.put(code.splat(0.0), scores, index), step=LANES)
    return code.end()


def turn(module: Any, *, width: int) -> Any:
    """turn(x, cosine, sine): the rotary embedding in place, of one head of `width` values."""
    code = Code(module, "turn", [POINTER] * 3, internal=True)
    x, cosine, sine = code.arguments
    builder = code.builder

    def lanes(index: Value) -> None:
        first, second = code.vector(x, index), code.vector(x, code.add(index, width // 2))
        cos, sin = code.vector(cosine, index), code.vector(sine, index)
        code.put(code.fma(first, cos, builder.fneg(builder.fmul(second, sin))), x, index)
        code.put(code.fma(second, cos, builder.fmul(first, sin)), x, code.add(index, width // 2))

    code.each(0, width // 2, lanes, step=LANES)
    return code.end()


def remember(module: Any, *, width: int, window: int) -> Any:
    """remember(key, value, keys, values, key scales, value scales, position)

    Puts one head's key and value, (width,), at a position of the head's cache: keys as a matrix of `window` outputs and
    `width` inputs, values as one of `width` outputs and `window` inputs, both in panels.
    """
    code = Code(module, "remember", [POINTER] * 6 + [I64], internal=True)
    key, value, keys, values, key_scales, value_scales, position = code.arguments
    builder = code.builder

    def quantised(x: Value, scales: Value) -> Value:
        """Stores the scale, gives what to multiply by."""

        def larger(index: Value, peak: list[Value]) -> list[Value]:
            return [code.maximum(code.unary("llvm.fabs", code.vector(x, index)), peak[0])]

        (peaks,) = code.loop(0, width, LANES, [code.splat(1e-30)], larger)
        peak = code.folded(peaks, code.maximum)
        code.store(builder.fmul(peak, ir.Constant(F32, 1 / LARGEST)), scales, position)
        return code.splat(builder.fdiv(ir.Constant(F32, float(LARGEST)), peak))

    key_factor, value_factor = quantised(key, key_scales), quantised(value, value_scales)
    lane = builder.and_(position, code.integer(PANEL - 1))
    key_panel = code.at(keys, code.times(builder.sub(position, lane), width), I16)

    def put_key(index: Value) -> None:
        whole = code.rounded(builder.fmul(code.vector(key, index), key_factor))
        for each in range(LANES):
            place = code.add(code.times(code.add(index, each), PANEL), lane)
            code.store(builder.extract_element(whole, code.integer(each)), key_panel, place)

    def put_value(index: Value) -> None:
        panel = builder.and_(index, code.integer(-PANEL))
        place = code.add(code.times(panel, window), code.times(position, PANEL), builder.sub(index, panel))
        code.put_shorts(builder.fmul(code.vector(value, index), value_factor), values, place)

    code.each(0, width, put_key, step=LANES)
    code.each(0, width, put_value, step=LANES)
    return code.end()


def cell(module: Any, *, size: int) -> Any:
    """cell(gates, biases, memory, output): one step of torch.nn.LSTM's cell for one row.

    `gates` and `biases`: input, forget, candidate, output, each `size` values. `memory` is moved on in place.
    """
    code = Code(module, "cell", [POINTER] * 4, internal=True)
    gates, biases, memory, output = code.arguments
    builder = code.builder

    def lanes(index: Value) -> None:
        places = [code.add(index, number * size) for number in range(4)]
        sums = [builder.fadd(code.vector(gates, place), code.vector(biases, place)) for place in places]
        entering, kept, leaving = (code.sigmoid(sums[number]) for number in (0, 1, 3))
        moved = code.fma(kept, code.vector(memory, index), builder.fmul(entering, code.tanh(sums[2])))
        code.put(moved, memory, index)
        code.put(builder.fmul(leaving, code.tanh(moved)), output, index)

    code.each(0, size, lanes, step=LANES)
    return code.end()


def copy(module: Any) -> Any:
    """copy(source, target, size): floats, a multiple of LANES."""
    code = Code(module, "copy", [POINTER] * 2 + [I64], internal=True)
    source, target, size = code.arguments
    code.each(0, size, lambda index: code.put(code.vector(source, index), target, index), step=LANES)
    return code.end()
