"""Sampling from a row of logits, in machine code: temperature, top-k and top-p (Holtzman et al., 2020).

The weights become integers, of which the likeliest token's is UNIT, and all that follows is counted exactly: the
smallest set of likeliest tokens whose sum reaches the share asked for is found by halving the range in which its least
weight lies, without sorting. So the same numbers give the same token on every processor. Tokens UNIT times less likely
than the likeliest are not drawn. The same in numpy composes a third slower (docs/benchmarks/speed.md)."""

import math
from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir
from numpy.typing import NDArray

from bandmate_model.engine.code import (
    F32,
    F64,
    I32,
    I64,
    INTEGERS,
    LANES,
    POINTER,
    Code,
    Compiled,
    Machine,
    Value,
)

UNIT = 1 << 30
"""The integer weight of the likeliest token: the largest power of two of 32 bits with a sign."""
_HALVINGS = 31
"""Enough halvings for the range 0..UNIT."""
_WIDE = ir.VectorType(I64, LANES)
_NO_LIMIT = 1 << 62


class Sampler:
    """Room for one draw at a time; each thread, or song, has its own."""

    def __init__(self, max_tokens: int, machine: Machine | None = None) -> None:
        """`max_tokens`: tokens to choose among."""
        room = -(-max_tokens // LANES) * LANES
        self._logits, self._bias = np.zeros(room, np.float32), np.zeros(room, np.float32)
        self._weights, self._result = np.zeros((2, room), np.int32), np.zeros(3)
        self._nothing = np.zeros(room, np.float32)
        used = (self._logits, self._bias, self._weights[0], self._weights[1], self._result)
        self._addresses = [array.ctypes.data for array in used]
        self._plain = [self._addresses[0], self._nothing.ctypes.data, *self._addresses[2:]]
        self._pick = _compiled(machine).function("pick", 7, numbers=3, short=True)

    def pick(
        self,
        logits: NDArray[Any],
        *,
        bias: NDArray[Any] | None = None,
        temperature: float = 1.0,
        top_p: float = 1.0,
        top_k: int = 0,
        point: float,
    ) -> int:
        """Which of `logits` is drawn at `point`, a random number of 0..1, after `bias` is added, with `temperature`.

        Among the `top_k` likeliest (0: all) and of those the fewest whose share of all weights reaches `top_p`; of
        equally likely ones those that stand first. The kept ones lie along 0..1 in their order in `logits`.
        """
        count = len(logits)
        self._logits[:count] = logits
        addresses = self._plain
        if bias is not None:
            self._bias[:count] = bias
            addresses = self._addresses
        self._pick(*addresses, count, top_k or _NO_LIMIT, 1.0 / temperature, top_p, point)
        return int(self._result[0])

    def log_likelihood(self) -> float:
        """Log-likelihood of the last picked token among all tokens, without bias and at temperature 1."""
        _, logit, total = self._result.tolist()
        return float(logit - math.log(total))


def prepare() -> None:
    """Compile the machine code before the first song needs it."""
    _compiled(None)


@cache
def _compiled(machine: Machine | None) -> Compiled:
    return Compiled(_module(), machine or Machine.host())


def _module() -> Any:
    """pick(logits, bias, weights, likely, result, count, top k, 1 / temperature, top p, point)

    result: the chosen index, its logit less the largest one, and the sum of all weights without bias.
    """
    module = ir.Module("sampling")
    code = Code(module, "pick", [POINTER] * 5 + [I64] * 2 + [F64] * 3)
    logits, bias, weights, likely, result, count, top_k, sharpness, top_p, point = code.arguments
    builder = code.builder
    lowest, zero = code.splat(-3e38), code.splat(0.0)
    integer_zero = code.integer(0)
    zeros = ir.Constant(INTEGERS, [0] * LANES)
    wide_zeros = ir.Constant(_WIDE, [0] * LANES)

    def weight_vector(index: Value) -> Value:
        return builder.load(code.at(weights, index, I32), typ=INTEGERS, align=4)

    def larger(index: Value, peaks: list[Value]) -> list[Value]:
        inside, plain = code.lanes_below(index, count), code.vector(logits, index)
        steered = builder.fadd(plain, code.vector(bias, index))
        return [
            code.maximum(builder.select(inside, peaks_by_lane, lowest), peak)
            for peaks_by_lane, peak in zip((plain, steered), peaks, strict=True)
        ]

    plain_peaks, steered_peaks = code.loop(0, count, LANES, [lowest] * 2, larger)
    plain_peak, steered_peak = (
        code.reduce(peaks_by_lane, code.maximum) for peaks_by_lane in (plain_peaks, steered_peaks)
    )
    sharp = code.splat(builder.fptrunc(sharpness, F32))

    def weigh(index: Value, sums: list[Value]) -> list[Value]:
        plain_sum, integer_sum = sums
        inside, plain = code.lanes_below(index, count), code.vector(logits, index)
        weight = code.exp(builder.fsub(plain, code.splat(plain_peak)))
        plain_sum = builder.fadd(plain_sum, builder.select(inside, weight, zero))
        steered = builder.fsub(builder.fadd(plain, code.vector(bias, index)), code.splat(steered_peak))
        share = builder.fmul(code.exp(builder.fmul(steered, sharp)), code.splat(float(UNIT)))
        rounded = builder.select(inside, code.rounded(share), zeros)
        builder.store(rounded, code.at(weights, index, I32), align=4)
        return [plain_sum, builder.add(integer_sum, builder.zext(rounded, _WIDE))]

    plain_sums, integer_sums = code.loop(0, count, LANES, [zero, wide_zeros], weigh)
    total = code.reduce(integer_sums, builder.add)
    needed = _ceiling(code, builder.fmul(top_p, builder.sitofp(total, F64)))
    needed = _between(code, needed, code.integer(1), total)

    tail = builder.fmul(builder.fsub(ir.Constant(F64, 1.0), top_p), builder.sitofp(total, F64))
    tail = builder.fmul(tail, ir.Constant(F64, 0.5))  # So far below that rounding cannot matter.
    floor = builder.fptosi(builder.fdiv(tail, builder.sitofp(count, F64)), I64)
    floor = code.broadcast(builder.trunc(_between(code, floor, integer_zero, code.integer(UNIT - 1)), I32))

    def gather(index: Value, filled: list[Value]) -> list[Value]:
        """Collect the vectors that hold a weight above the floor: all weights up to it add up to less than top_p
        leaves out."""
        vector = weight_vector(index)
        builder.store(vector, code.at(likely, filled[0], I32), align=4)
        matters = builder.icmp_signed(">", code.count(builder.icmp_signed(">", vector, floor)), integer_zero)
        return [builder.select(matters, code.add(filled[0], LANES), filled[0])]

    (filled,) = code.loop(0, count, LANES, [integer_zero], gather)

    def over(threshold: Value) -> tuple[Value, Value]:
        """The sum and the number of the weights from `threshold` on."""
        spread = code.broadcast(builder.trunc(threshold, I32))

        def add(index: Value, carried: list[Value]) -> list[Value]:
            vector = builder.load(code.at(likely, index, I32), typ=INTEGERS, align=4)
            inside = builder.icmp_signed(">=", vector, spread)
            kept_weights = builder.zext(builder.select(inside, vector, zeros), _WIDE)
            return [builder.add(carried[0], kept_weights), builder.add(carried[1], code.count(inside))]

        sums, number = code.loop(0, filled, LANES, [wide_zeros, integer_zero], add)
        return code.reduce(sums, builder.add), number

    def halve(_: Value, bounds: list[Value]) -> list[Value]:
        """The first bound keeps enough, the second too few."""
        low, high = bounds
        middle = builder.ashr(code.add(low, high), code.integer(1))
        share, number = over(middle)
        enough = builder.or_(builder.icmp_signed(">=", share, needed), builder.icmp_signed(">=", number, top_k))
        return [builder.select(enough, middle, low), builder.select(enough, high, middle)]

    smallest_kept, _ = code.loop(0, _HALVINGS, 1, [code.integer(0), code.integer(UNIT + 1)], halve)
    share, number = over(code.add(smallest_kept, 1))
    missing = builder.sdiv(code.add(builder.sub(needed, share), smallest_kept, -1), smallest_kept)
    room = builder.sub(top_k, number)
    ties = builder.select(builder.icmp_signed("<", missing, room), missing, room)
    """How many of the tokens whose weight equals `smallest_kept` are kept."""
    kept_sum = code.add(share, code.times(ties, smallest_kept))
    target = builder.fptosi(builder.fmul(point, builder.sitofp(kept_sum, F64)), I64)
    target = _between(code, target, code.integer(0), builder.sub(kept_sum, code.integer(1)))
    spread = code.broadcast(builder.trunc(smallest_kept, I32))

    def walk(index: Value, carried: list[Value]) -> list[Value]:
        """Find the vector that contains the target, and the sum and the ties before it."""
        before, ties_left, start, start_sum, start_left = carried
        vector = weight_vector(index)
        above = builder.select(builder.icmp_signed(">", vector, spread), vector, zeros)
        alike = code.count(builder.icmp_signed("==", vector, spread))
        ties_taken = builder.select(builder.icmp_signed("<", alike, ties_left), alike, ties_left)
        after = code.add(
            before, code.reduce(builder.zext(above, _WIDE), builder.add), code.times(ties_taken, smallest_kept)
        )
        holds_target = builder.and_(builder.icmp_signed("<=", before, target), builder.icmp_signed(">", after, target))
        chosen = [
            builder.select(holds_target, new, old)
            for new, old in ((index, start), (before, start_sum), (ties_left, start_left))
        ]
        return [after, builder.sub(ties_left, ties_taken), *chosen]

    *_, start, start_sum, start_left = code.loop(
        0, count, LANES, [integer_zero, ties, integer_zero, integer_zero, integer_zero], walk
    )

    def step(lane: Value, carried: list[Value]) -> list[Value]:
        before, ties_left, chosen = carried
        index = code.add(start, lane)
        weight = builder.sext(code.load(weights, index, I32), I64)
        tied = builder.icmp_signed("==", weight, smallest_kept)
        counts = builder.or_(
            builder.icmp_signed(">", weight, smallest_kept),
            builder.and_(tied, builder.icmp_signed(">", ties_left, integer_zero)),
        )
        after = code.add(before, builder.select(counts, weight, integer_zero))
        holds_target = builder.and_(builder.icmp_signed("<=", before, target), builder.icmp_signed(">", after, target))
        ties_left = builder.sub(ties_left, builder.zext(tied, I64))
        return [after, ties_left, builder.select(holds_target, index, chosen)]

    *_, chosen = code.loop(0, LANES, 1, [start_sum, start_left, integer_zero], step)
    logit = builder.fsub(code.load(logits, chosen), plain_peak)
    plain_sum = code.reduce(plain_sums, builder.fadd)
    for place, value in enumerate(
        (builder.sitofp(chosen, F64), builder.fpext(logit, F64), builder.fpext(plain_sum, F64))
    ):
        code.store(value, result, place)
    code.end()
    return module


def _ceiling(code: Code, value: Value) -> Value:
    """A float of 64 bits up to the next integer."""
    below = code.builder.fptosi(value, I64)
    rounded_down = code.builder.fcmp_ordered("<", code.builder.sitofp(below, F64), value)
    return code.add(below, code.builder.zext(rounded_down, I64))


def _between(code: Code, value: Value, minimum: Value, maximum: Value) -> Value:
    builder = code.builder
    value = builder.select(builder.icmp_signed("<", value, minimum), minimum, value)
    return builder.select(builder.icmp_signed(">", value, maximum), maximum, value)
