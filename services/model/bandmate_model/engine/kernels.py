"""Kernels beside the matrix products, in machine code: norm, gate, softmax, rotary embedding, cache, LSTM cell."""

from typing import Any

from llvmlite import ir

from bandmate_model.engine.code import F32, I8, I16, I32, I64, INTEGERS, LANES, POINTER, SHORTS, Code, Value
from bandmate_model.engine.products import PANEL, scale_of

INT8_MAX = 127
"""Of the cache's 8-bit integers, which are symmetric about 0."""


def norm(module: Any, *, size: int, stride: int, epsilon: float) -> Any:
    """norm(weight, x, y, rows): the root mean square norm of rows of `size` values, kept `stride` apart."""
    code = Code(module, "norm", [POINTER] * 3 + [I64], internal=True)
    weight, x, y, rows = code.arguments
    builder = code.builder

    def row(number: Value) -> None:
        x_row, y_row = (code.at(array, code.times(number, stride)) for array in (x, y))

        def square(index: Value, carried: list[Value]) -> list[Value]:
            value = code.vector(x_row, index)
            return [code.fma(value, value, carried[0])]

        (squares,) = code.loop(0, stride, LANES, [code.splat(0.0)], square)
        mean = builder.fmul(code.reduce(squares, builder.fadd), ir.Constant(F32, 1 / size))
        root = code.unary("llvm.sqrt", builder.fadd(mean, ir.Constant(F32, epsilon)))
        factor = code.splat(builder.fdiv(ir.Constant(F32, 1.0), root))

        def scale(index: Value) -> None:
            scaled = builder.fmul(code.vector(x_row, index), factor)
            code.put(builder.fmul(scaled, code.vector(weight, index)), y_row, index)

        code.for_each(0, stride, scale, step=LANES)

    code.for_each(0, rows, row)
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

        code.for_each(0, size, lanes, step=LANES)

    code.for_each(0, rows, row)
    return code.end()


def softmax(module: Any, *, factor: float, max_norm: float) -> Any:
    """softmax(scores, value scales, shares, scale, length, end)

    scores[:length] times `factor` become weights that sum to 1, times their value's scale, as integers shares[:length]
    * scale[0]; up to `end` follow zeros. The scores are overwritten. `max_norm`: see products.
    """
    code = Code(module, "softmax", [POINTER] * 4 + [I64] * 2, internal=True)
    scores, value_scales, shares, scale, length, end = code.arguments
    builder = code.builder
    lowest, zero = code.splat(-3e38), code.splat(0.0)

    def higher(index: Value, peak: list[Value]) -> list[Value]:
        score = builder.select(code.lanes_below(index, length), code.vector(scores, index), lowest)
        return [code.maximum(score, peak[0])]

    (peaks,) = code.loop(0, length, LANES, [lowest], higher)
    peak = code.splat(code.reduce(peaks, code.maximum))

    def raised(index: Value, carried: list[Value]) -> list[Value]:
        total, largest, squares = carried
        value = code.exp(builder.fmul(builder.fsub(code.vector(scores, index), peak), code.splat(factor)))
        value = builder.select(code.lanes_below(index, length), value, zero)
        weight = builder.fmul(value, code.vector(value_scales, index))
        code.put(weight, scores, index)
        return [builder.fadd(value, total), code.maximum(weight, largest), code.fma(weight, weight, squares)]

    totals, largest, squares = code.loop(0, length, LANES, [zero] * 3, raised)
    unit, factor_to_integers = scale_of(code, largest, squares, max_norm=max_norm)
    code.store(builder.fdiv(unit, code.reduce(totals, builder.fadd)), scale, 0)

    def rounded(index: Value) -> None:
        code.put_shorts(builder.fmul(code.vector(scores, index), factor_to_integers), shares, index)

    code.for_each(0, length, rounded, step=LANES)
    after = builder.and_(code.add(length, LANES - 1), code.integer(-LANES))
    code.for_each(after, end, lambda index: code.put_shorts(zero, shares, index), step=LANES)
    return code.end()


def rotate(module: Any, *, width: int) -> Any:
    """rotate(x, cosine, sine): the rotary embedding in place, of one head of `width` values."""
    code = Code(module, "rotate", [POINTER] * 3, internal=True)
    x, cosine, sine = code.arguments
    builder = code.builder

    def lanes(index: Value) -> None:
        first, second = code.vector(x, index), code.vector(x, code.add(index, width // 2))
        cos, sin = code.vector(cosine, index), code.vector(sine, index)
        code.put(code.fma(first, cos, builder.fneg(builder.fmul(second, sin))), x, index)
        code.put(code.fma(second, cos, builder.fmul(first, sin)), x, code.add(index, width // 2))

    code.for_each(0, width // 2, lanes, step=LANES)
    return code.end()


def store_key_value(module: Any, *, width: int, window: int) -> Any:
    """store_key_value(key, value, keys, values, key scales, value scales, position)

    Writes one head's key and value, (width,), at a position of the head's cache, as 8-bit integers with a scale each:
    keys as a matrix of `window` outputs and `width` inputs, values as one of `width` outputs and `window` inputs, both
    in panels (see products).
    """
    code = Code(module, "store_key_value", [POINTER] * 6 + [I64], internal=True)
    key, value, keys, values, key_scales, value_scales, position = code.arguments
    builder = code.builder

    def small(x: Value, scales: Value) -> Value:
        """Stores the scale and returns the factor to multiply by."""

        def larger(index: Value, peak: list[Value]) -> list[Value]:
            return [code.maximum(code.unary("llvm.fabs", code.vector(x, index)), peak[0])]

        (peaks,) = code.loop(0, width, LANES, [code.splat(1e-30)], larger)
        peak = code.reduce(peaks, code.maximum)
        code.store(builder.fmul(peak, ir.Constant(F32, 1 / INT8_MAX)), scales, position)
        return code.splat(builder.fdiv(ir.Constant(F32, float(INT8_MAX)), peak))

    key_factor, value_factor = small(key, key_scales), small(value, value_scales)
    lane = builder.and_(position, code.integer(PANEL - 1))
    key_panel = code.at(keys, code.times(builder.sub(position, lane), width), I8)

    def put_key(index: Value) -> None:
        """Pairs of inputs stand PANEL pairs apart."""
        integers = builder.trunc(
            code.rounded(builder.fmul(code.vector(key, index), key_factor)), ir.VectorType(I8, LANES)
        )
        for lane_offset in range(0, LANES, 2):
            place = code.add(code.times(code.add(index, lane_offset), PANEL), code.times(lane, 2))
            pair = builder.shuffle_vector(
                integers, integers, ir.Constant(ir.VectorType(I32, 2), [lane_offset, lane_offset + 1])
            )
            builder.store(builder.bitcast(pair, I16), code.at(key_panel, place, I8), align=1)

    odd = builder.and_(position, code.integer(1))
    even_position = builder.sub(position, odd)
    shift = builder.trunc(code.times(odd, 8), I32)

    def put_value(index: Value) -> None:
        """Two positions share 16 bits; those of the other position are kept."""
        panel = builder.and_(index, code.integer(-PANEL))
        place = code.add(code.times(panel, window), code.times(even_position, PANEL))
        address = code.at(values, code.add(place, code.times(builder.sub(index, panel), 2)), I8)
        integers = code.rounded(builder.fmul(code.vector(value, index), value_factor))
        low = ir.Constant(INTEGERS, [255] * LANES)
        shifted = builder.shl(builder.and_(integers, low), code.broadcast(shift))
        other_half = builder.and_(
            builder.zext(builder.load(address, typ=SHORTS, align=1), INTEGERS),
            builder.xor(builder.shl(low, code.broadcast(shift)), ir.Constant(INTEGERS, [-1] * LANES)),
        )
        builder.store(builder.trunc(builder.or_(shifted, other_half), SHORTS), address, align=1)

    code.for_each(0, width, put_key, step=LANES)
    code.for_each(0, width, put_value, step=LANES)
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
        entering, forgetting, leaving = (code.sigmoid(sums[number]) for number in (0, 1, 3))
        moved = code.fma(forgetting, code.vector(memory, index), builder.fmul(entering, code.tanh(sums[2])))
        code.put(moved, memory, index)
        code.put(builder.fmul(leaving, code.tanh(moved)), output, index)

    code.for_each(0, size, lanes, step=LANES)
    return code.end()


def copy(module: Any) -> Any:
    """copy(source, target, size): floats, a multiple of LANES."""
    code = Code(module, "copy", [POINTER] * 2 + [I64], internal=True)
    source, target, size = code.arguments
    code.for_each(0, size, lambda index: code.put(code.vector(source, index), target, index), step=LANES)
    return code.end()
