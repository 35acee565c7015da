"""The Transformer's step as one function of machine code: all layers, for the rows of several slots."""

from typing import Any

from llvmlite import ir

from bandmate_model.engine import kernels
from bandmate_model.engine.code import I16, I64, POINTER, Code, Value
from bandmate_model.engine.kernels import PANEL, padded
from bandmate_model.engine.layout import Shape

SEGMENT_FIELDS = 3
"""Of a segment, a run of rows of one slot: slot, first position, number of rows."""
TOGETHER = 16
"""So many rows of a prompt look at the cache together."""


def decoder(shape: Shape, *, kind: str, wide: bool) -> Any:
    """forward(weights, scales, norms, cosine, sine, cache, cache scales, ones, x, normed, projected, mixed, gates,
    inner, scores, logits, segments, last, rows, count, wanted)

    x holds the embeddings of `rows` tokens, of `count` segments one after the other; logits become those of the
    `wanted` rows whose numbers are in `last`.
    """
    module = ir.Module("transformer")
    look_up = kernels.project(module, "look_up", kind="I16", wide=wide)
    project = kernels.project(module, "project", kind=kind, wide=wide)
    norm = kernels.norm(module, size=shape.hidden, stride=shape.row, epsilon=shape.epsilon)
    gated = kernels.gated(module, size=shape.inner)
    attend = _attend(module, shape, look_up)
    code = Code(module, "forward", [POINTER] * 18 + [I64] * 3)
    (weights, scales, norms, cosine, sine, cache, cache_scales, ones, x, normed, projected, mixed, gates, inner, scores,
     logits, segments, last, rows, count, wanted) = code.arguments  # fmt: skip
    sizes = (
        (shape.projected, shape.row), (shape.row, shape.mixed), (2 * shape.inner, shape.row), (shape.row, shape.inner),
    )  # fmt: skip
    matrix_stride, scale_stride = sum(a * b for a, b in sizes), sum(a for a, _ in sizes)
    cache_stride = 2 * shape.key_heads * shape.places

    def product(number: int, matrices: Value, row_scales: Value, source: Value, target: Value, add: int) -> None:
        outputs, inputs = sizes[number]
        own = code.at(matrices, sum(a * b for a, b in sizes[:number]), I16)
        own_scales = code.at(row_scales, sum(a for a, _ in sizes[:number]))
        code.call(
            project, own, own_scales, source, target, rows, inputs, outputs // PANEL, inputs, outputs, inputs * PANEL,
            add,
        )  # fmt: skip

    def layer(number: Value) -> None:
        matrices = code.at(weights, code.times(number, matrix_stride), I16)
        row_scales = code.at(scales, code.times(number, scale_stride))
        norm_weights = code.at(norms, code.times(number, 2 * shape.row))
        code.call(norm, norm_weights, x, normed, rows)
        product(0, matrices, row_scales, normed, projected, 0)
        code.call(
            attend, projected, mixed, cosine, sine, code.at(cache, code.times(number, cache_stride * shape.width), I16),
            code.at(cache_scales, code.times(number, cache_stride)), ones, scores, segments, count,
        )  # fmt: skip
        product(1, matrices, row_scales, mixed, x, 1)
        code.call(norm, code.at(norm_weights, shape.row), x, normed, rows)
        product(2, matrices, row_scales, normed, gates, 0)
        code.call(gated, gates, inner, rows)
        product(3, matrices, row_scales, inner, x, 1)

    code.each(0, shape.layers, layer)
    final = code.at(norms, shape.layers * 2 * shape.row)

    def pick(number: Value) -> None:
        row = code.load(last, number, I64)
        target = code.at(normed, code.times(number, shape.row))
        code.call(norm, final, code.at(x, code.times(row, shape.row)), target, 1)

    code.each(0, wanted, pick)
    width = padded(shape.vocabulary)
    code.call(
        project, code.at(weights, shape.layers * matrix_stride, I16), code.at(scales, shape.layers * scale_stride),
        normed, logits, wanted, shape.row, width // PANEL, shape.row, width, shape.row * PANEL, 0,
    )  # fmt: skip
    code.end()
    return module


def _attend(module: Any, shape: Shape, look_up: Any) -> Any:
    """attend(projected, mixed, cosine, sine, cache, cache scales, ones, scores, segments, count) of one layer.

    The cache of a slot and layer: for each key head keys, then values, then the next head.
    """
    width, places = shape.width, shape.places
    softmax = kernels.softmax(module, factor=shape.head**-0.5)
    turn = kernels.turn(module, width=width)
    remember = kernels.remember(module, width=width, window=places)
    code = Code(module, "attend", [POINTER] * 9 + [I64], internal=True)
    projected, mixed, cosine, sine, cache, cache_scales, ones, scores, segments, count = code.arguments
    builder = code.builder
    slot_stride = shape.layers * shape.key_heads * 2 * places
    group = shape.heads // shape.key_heads

    def segment(number: Value, first_row: list[Value]) -> list[Value]:
        slot, start, length = (
            code.load(segments, code.add(code.times(number, SEGMENT_FIELDS), field), I64)
            for field in range(SEGMENT_FIELDS)
        )
        slot_cache = code.at(cache, code.times(slot, slot_stride * width), I16)
        slot_scales = code.at(cache_scales, code.times(slot, slot_stride))
        heads = [
            [code.at(slot_cache, (2 * head + part) * places * width, I16) for part in (0, 1)]
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
            """TOGETHER rows, or the last few, at all positions that any of them may see."""
            left = builder.sub(length, row)
            many = builder.icmp_signed("<", left, code.integer(TOGETHER))
            together = builder.select(many, left, code.integer(TOGETHER))
            from_row = code.add(first_row[0], row)
            seen = code.add(start, row, together)
            end = builder.and_(code.add(seen, PANEL - 1), code.integer(-PANEL))
            panels = builder.sdiv(end, code.integer(PANEL))
            for head in range(shape.heads):
                keys, values, key_scales, value_scales = heads[head // group]
                query = code.at(projected, code.add(code.times(from_row, shape.projected), head * width))
                target = code.at(mixed, code.add(code.times(from_row, shape.mixed), head * width))
                code.call(
                    look_up, keys, ones, query, scores, together, width, panels, shape.projected, places,
                    width * PANEL, 0,
                )  # fmt: skip

                def weigh(each: Value, key_scales: Value = key_scales, value_scales: Value = value_scales) -> None:
                    length = code.add(start, row, each, 1)
                    row_scores = code.at(scores, code.times(each, places))
                    code.call(softmax, row_scores, key_scales, value_scales, length, end)

                code.each(0, together, weigh)
                code.call(
                    look_up, values, ones, scores, target, together, seen, width // PANEL, places, shape.mixed,
                    places * PANEL, 0,
                )  # fmt: skip

        code.each(0, length, look, step=TOGETHER)
        return [code.add(first_row[0], length)]

    code.loop(0, count, 1, [code.integer(0)], segment)
    return code.end()
