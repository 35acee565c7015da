"""The Transformer's step as one function of machine code: all layers, for the rows of several slots."""

from typing import Any

from llvmlite import ir

from bandmate_model.engine import kernels, products
from bandmate_model.engine.code import I8, I16, I64, POINTER, Code, Machine, Value
from bandmate_model.engine.kernels import SMALL
from bandmate_model.engine.layout import Shape
from bandmate_model.engine.products import PANEL, longest_beside, padded

SEGMENT_FIELDS = 3
"""Of a segment, a run of rows of one slot: slot, first position, number of rows."""
TOGETHER = 16
"""So many queries of a prompt, of all heads that share their keys, look at these together, or one row's."""


ARRAYS = (
    "weights", "scales", "norms", "embedding", "cosine", "sine", "cache", "cache scales", "ones", "tokens", "segments",
    "last", "x", "normed", "whole", "whole scales", "projected", "mixed", "gates", "inner", "queries", "query scales",
    "scores", "shares", "looked", "logits",
)  # fmt: skip
"""What the step works on, in order. From `x` on it is room to work in, but for the logits."""


def together(shape: Shape) -> int:
    """How many rows of a prompt look at the cache together."""
    return max(1, TOGETHER * shape.key_heads // shape.heads)


def decoder(shape: Shape, machine: Machine) -> Any:
    """forward(arrays, rows, count, wanted)

    `arrays` holds the addresses of what ARRAYS names. Takes in `rows` tokens, of `count` segments one after the other;
    logits become those of the `wanted` rows whose numbers are in `last`.
    """
    module = ir.Module("transformer")
    product = products.product(module, "product", machine=machine)
    quantise = products.quantise(module, "quantise")
    norm = kernels.norm(module, size=shape.hidden, stride=shape.row, epsilon=shape.epsilon)
    gated = kernels.gated(module, size=shape.inner)
    copy = kernels.copy(module)
    attend = _attend(module, shape, machine, copy)
    code = Code(module, "forward", [POINTER] + [I64] * 3)
    arrays, rows, count, wanted = code.arguments
    (weights, scales, norms, embedding, cosine, sine, cache, cache_scales, ones, tokens, segments, last, x, normed,
     whole, whole_scales, projected, mixed, gates, inner, queries, query_scales, scores, shares, looked, logits
     ) = (code.load(arrays, number, POINTER) for number in range(len(ARRAYS)))  # fmt: skip
    sizes = (
        (shape.projected, shape.row), (shape.row, shape.mixed), (2 * shape.inner, shape.row), (shape.row, shape.inner),
    )  # fmt: skip
    matrix_stride, scale_stride = sum(a * b for a, b in sizes), sum(a for a, _ in sizes)
    cache_stride = 2 * shape.key_heads * shape.places

    def multiply(number: int, matrices: Value, row_scales: Value, source: Value, target: Value, add: int) -> None:
        outputs, inputs = sizes[number]
        own = code.at(matrices, sum(a * b for a, b in sizes[:number]), I16)
        own_scales = code.at(row_scales, sum(a for a, _ in sizes[:number]))
        code.call(quantise, source, whole, whole_scales, rows, inputs, inputs, inputs)
        code.call(
            product, own, own_scales, whole, whole_scales, target, rows, inputs // 2, outputs // PANEL, inputs, outputs,
            inputs * PANEL, add,
        )  # fmt: skip

    def layer(number: Value) -> None:
        matrices = code.at(weights, code.times(number, matrix_stride), I16)
        row_scales = code.at(scales, code.times(number, scale_stride))
        norm_weights = code.at(norms, code.times(number, 2 * shape.row))
        code.call(norm, norm_weights, x, normed, rows)
        multiply(0, matrices, row_scales, normed, projected, 0)
        code.call(
            attend, projected, mixed, cosine, sine, code.at(cache, code.times(number, cache_stride * shape.width), I8),
            code.at(cache_scales, code.times(number, cache_stride)), ones, queries, query_scales, scores, shares,
            looked, segments, count,
        )  # fmt: skip
        multiply(1, matrices, row_scales, mixed, x, 1)
        code.call(norm, code.at(norm_weights, shape.row), x, normed, rows)
        multiply(2, matrices, row_scales, normed, gates, 0)
        code.call(gated, gates, inner, rows)
        multiply(3, matrices, row_scales, inner, x, 1)

    def embed(row: Value) -> None:
        source = code.at(embedding, code.times(code.load(tokens, row, I64), shape.row))
        code.call(copy, source, code.at(x, code.times(row, shape.row)), shape.row)

    code.each(0, rows, embed)
    code.each(0, shape.layers, layer)
    final = code.at(norms, shape.layers * 2 * shape.row)

    def pick(number: Value) -> None:
        row = code.load(last, number, I64)
        target = code.at(normed, code.times(number, shape.row))
        code.call(norm, final, code.at(x, code.times(row, shape.row)), target, 1)

    code.each(0, wanted, pick)
    width = padded(shape.vocabulary)
    code.call(quantise, normed, whole, whole_scales, wanted, shape.row, shape.row, shape.row)
    code.call(
        product, code.at(weights, shape.layers * matrix_stride, I16), code.at(scales, shape.layers * scale_stride),
        whole, whole_scales, logits, wanted, shape.row // 2, width // PANEL, shape.row, width, shape.row * PANEL, 0,
    )  # fmt: skip
    code.end()
    return module


def _attend(module: Any, shape: Shape, machine: Machine, copy: Any) -> Any:
    """attend(projected, mixed, cosine, sine, cache, cache scales, ones, queries, query scales, scores, shares, looked,
    segments, count) of one layer.

    The cache of a slot and layer: for each key head keys, then values, then the next head. The heads that share a key
    head look at it together, as rows of one product, so that what is in the cache is read once.
    """
    width, places = shape.width, shape.places
    look_up = products.product(module, "look_up", machine=machine, kind=I8)
    quantise = products.quantise(module, "quantise_query", longest=longest_beside(SMALL, width))
    softmax = kernels.softmax(module, factor=shape.head**-0.5, longest=longest_beside(SMALL, places))
    turn = kernels.turn(module, width=width)
    remember = kernels.remember(module, width=width, window=places)
    code = Code(module, "attend", [POINTER] * 13 + [I64], internal=True)
    (projected, mixed, cosine, sine, cache, cache_scales, ones, queries, query_scales, scores, shares, looked, segments,
     count) = code.arguments  # fmt: skip
    builder = code.builder
    slot_stride = shape.layers * shape.key_heads * 2 * places
    group, most = shape.heads // shape.key_heads, together(shape)

    def segment(number: Value, first_row: list[Value]) -> list[Value]:
        slot, start, length = (
            code.load(segments, code.add(code.times(number, SEGMENT_FIELDS), field), I64)
            for field in range(SEGMENT_FIELDS)
        )
        slot_cache = code.at(cache, code.times(slot, slot_stride * width), I8)
        slot_scales = code.at(cache_scales, code.times(slot, slot_stride))
        heads = [
            [code.at(slot_cache, (2 * head + part) * places * width, I8) for part in (0, 1)]
            + [code.at(slot_scales, (2 * head + part) * places) for part in (0, 1)]
            for head in range(shape.key_heads)
        ]

        def take_in(row: Value) -> None:
            source = code.at(projected, code.times(code.add(first_row[0], row), shape.projected))
            position = code.add(start, row)
            turning = [code.at(each, code.times(position, width // 2)) for each in (cosine, sine)]
            for head in range(shape.heads + shape.key_heads):
                code.call(turn, code.at(source, head * width), *turning)
            for head, places_of_head in enumerate(heads):
                key = code.at(source, (shape.heads + head) * width)
                value = code.at(source, (shape.heads + shape.key_heads + head) * width)
                code.call(remember, key, value, *places_of_head, position)

        code.each(0, length, take_in)

        def look(row: Value) -> None:
            """Some rows, or the last few, at all positions that any of them may see."""
            left = builder.sub(length, row)
            rows = builder.select(builder.icmp_signed("<", left, code.integer(most)), left, code.integer(most))
            seen = code.add(start, row, rows)
            end = builder.and_(code.add(seen, PANEL - 1), code.integer(-PANEL))
            looking = code.times(rows, group)
            for head, (keys, values, key_scales, value_scales) in enumerate(heads):

                def ask(each: Value, head: int = head) -> None:
                    source = code.add(
                        code.times(code.add(first_row[0], row, each), shape.projected), head * group * width
                    )
                    to = code.times(each, group)
                    code.call(
                        quantise, code.at(projected, source), code.at(queries, code.times(to, width), I16),
                        code.at(query_scales, to), group, width, width, width,
                    )  # fmt: skip

                code.each(0, rows, ask)
                code.call(
                    look_up, keys, key_scales, queries, query_scales, scores, looking, width // 2,
                    builder.sdiv(end, code.integer(PANEL)), width, places, width * PANEL, 0,
                )  # fmt: skip

                def weigh(each: Value, value_scales: Value = value_scales) -> None:
                    length = code.add(start, row, builder.sdiv(each, code.integer(group)), 1)
                    at = code.times(each, places)
                    code.call(
                        softmax, code.at(scores, at), value_scales, code.at(shares, at, I16),
                        code.at(query_scales, each), length, end,
                    )  # fmt: skip

                code.each(0, looking, weigh)
                code.call(
                    look_up, values, ones, shares, query_scales, looked, looking,
                    builder.sdiv(code.add(seen, 1), code.integer(2)), width // PANEL, places, width, places * PANEL, 0,
                )  # fmt: skip

                def answer(each: Value, head: int = head) -> None:
                    target = code.add(code.times(code.add(first_row[0], row, each), shape.mixed), head * group * width)
                    source = code.at(looked, code.times(each, group * width))
                    code.call(copy, source, code.at(mixed, target), group * width)

                code.each(0, rows, answer)

        code.each(0, length, look, step=most)
        return [code.add(first_row[0], length)]

    code.loop(0, count, 1, [code.integer(0)], segment)
    return code.end()
