"""The forward pass of the Transformer as one function of machine code: all layers, for rows of several slots."""

from types import SimpleNamespace
from typing import Any

from llvmlite import ir

from bandmate_model.engine import kernels, products
from bandmate_model.engine.code import I8, I16, I64, POINTER, Code, Machine, Value
from bandmate_model.engine.kernels import INT8_MAX
from bandmate_model.engine.layout import Shape
from bandmate_model.engine.products import PANEL, max_row_norm_beside, padded

SEGMENT_FIELDS = 3
"""Of a segment (consecutive rows of one slot): slot, first position, number of rows."""
QUERY_TILE = 16
"""Queries of a prompt, over all heads that share their keys, that attend in one matrix product."""


_NETWORK = ("weights", "scales", "norms", "embedding", "cosine", "sine")
_INPUT = ("cache", "cache_scales", "ones", "tokens", "segments", "last")
_ROWS = ("x", "normed", "integers", "integer_scales", "projected", "mixed", "gates", "inner")
_ATTENTION = ("queries", "query_scales", "scores", "shares", "looked")
ARRAYS = (*_NETWORK, *_INPUT, *_ROWS, *_ATTENTION, "logits")
"""The buffers of a step, in order. From `x` on they are scratch space, except for the logits."""


_ATTENTION_ARRAYS = ("projected", "mixed", "cosine", "sine", "cache", "cache_scales", "ones", *_ATTENTION, "segments")


def query_rows(shape: Shape) -> int:
    """How many rows of a prompt attend in one matrix product."""
    return max(1, QUERY_TILE * shape.key_heads // shape.heads)


def decoder(shape: Shape, machine: Machine) -> Any:
    """forward(arrays, rows, count, last_count)

    `arrays` holds the addresses of what ARRAYS names. Takes in `rows` tokens, of `count` segments one after the other;
    logits become those of the `last_count` rows whose numbers are in `last`.
    """
    module = ir.Module("transformer")
    product = products.product(module, "product", machine=machine)
    quantise = products.quantise(module, "quantise")
    norm = kernels.norm(module, size=shape.hidden, stride=shape.row, epsilon=shape.epsilon)
    gated = kernels.gated(module, size=shape.inner)
    copy = kernels.copy(module)
    attend = _attend(module, shape, machine, copy)
    code = Code(module, "forward", [POINTER] + [I64] * 3)
    arrays, rows, count, last_count = code.arguments
    array = SimpleNamespace(**{name: code.load(arrays, number, POINTER) for number, name in enumerate(ARRAYS)})
    sizes = (
        (shape.projected, shape.row),
        (shape.row, shape.mixed),
        (2 * shape.inner, shape.row),
        (shape.row, shape.inner),
    )
    matrix_stride, scale_stride = sum(a * b for a, b in sizes), sum(a for a, _ in sizes)
    cache_stride = 2 * shape.key_heads * shape.places

    def multiply(number: int, matrices: Value, row_scales: Value, source: Value, target: Value, add: int) -> None:
        outputs, inputs = sizes[number]
        weights = code.at(matrices, sum(a * b for a, b in sizes[:number]), I16)
        weight_scales = code.at(row_scales, sum(a for a, _ in sizes[:number]))
        code.call(quantise, source, array.integers, array.integer_scales, rows, inputs, inputs, inputs)
        pointers = (weights, weight_scales, array.integers, array.integer_scales, target)
        code.call(product, *pointers, rows, inputs // 2, outputs // PANEL, inputs, outputs, inputs * PANEL, add)

    def layer(number: Value) -> None:
        matrices = code.at(array.weights, code.times(number, matrix_stride), I16)
        row_scales = code.at(array.scales, code.times(number, scale_stride))
        norm_weights = code.at(array.norms, code.times(number, 2 * shape.row))
        code.call(norm, norm_weights, array.x, array.normed, rows)
        multiply(0, matrices, row_scales, array.normed, array.projected, 0)
        buffers = vars(array) | {
            "cache": code.at(array.cache, code.times(number, cache_stride * shape.width), I8),
            "cache_scales": code.at(array.cache_scales, code.times(number, cache_stride)),
        }
        code.call(attend, *(buffers[name] for name in _ATTENTION_ARRAYS), count)
        multiply(1, matrices, row_scales, array.mixed, array.x, 1)
        code.call(norm, code.at(norm_weights, shape.row), array.x, array.normed, rows)
        multiply(2, matrices, row_scales, array.normed, array.gates, 0)
        code.call(gated, array.gates, array.inner, rows)
        multiply(3, matrices, row_scales, array.inner, array.x, 1)

    def embed(row: Value) -> None:
        source = code.at(array.embedding, code.times(code.load(array.tokens, row, I64), shape.row))
        code.call(copy, source, code.at(array.x, code.times(row, shape.row)), shape.row)

    code.for_each(0, rows, embed)
    code.for_each(0, shape.layers, layer)
    final = code.at(array.norms, shape.layers * 2 * shape.row)

    def pick(number: Value) -> None:
        row = code.load(array.last, number, I64)
        target = code.at(array.normed, code.times(number, shape.row))
        code.call(norm, final, code.at(array.x, code.times(row, shape.row)), target, 1)

    code.for_each(0, last_count, pick)
    width = padded(shape.vocabulary)
    code.call(quantise, array.normed, array.integers, array.integer_scales, last_count, shape.row, shape.row, shape.row)
    final_weights = code.at(array.weights, shape.layers * matrix_stride, I16)
    final_scales = code.at(array.scales, shape.layers * scale_stride)
    pointers = (final_weights, final_scales, array.integers, array.integer_scales, array.logits)
    row = shape.row
    code.call(product, *pointers, last_count, row // 2, width // PANEL, row, width, row * PANEL, 0)
    code.end()
    return module


def _attend(module: Any, shape: Shape, machine: Machine, copy: Any) -> Any:
    """attend(projected, mixed, cosine, sine, cache, cache scales, ones, queries, query scales, scores, shares, looked,
    segments, count) of one layer.

    The cache of a slot and layer: for each key head keys, then values, then the next head. The heads that share a key
    head attend as rows of one product, so that the cache is read once.
    """
    width, places = shape.width, shape.places
    product8 = products.product(module, "product8", machine=machine, kind=I8)
    quantise = products.quantise(module, "quantise_query", max_norm=max_row_norm_beside(INT8_MAX, width))
    softmax = kernels.softmax(module, factor=shape.head**-0.5, max_norm=max_row_norm_beside(INT8_MAX, places))
    rotate = kernels.rotate(module, width=width)
    store_key_value = kernels.store_key_value(module, width=width, window=places)
    code = Code(module, "attend", [POINTER] * 13 + [I64], internal=True)
    *pointers, count = code.arguments
    array = SimpleNamespace(**dict(zip(_ATTENTION_ARRAYS, pointers, strict=True)))
    builder = code.builder
    slot_stride = shape.layers * shape.key_heads * 2 * places
    group, tile = shape.heads // shape.key_heads, query_rows(shape)

    def segment(number: Value, first_row: list[Value]) -> list[Value]:
        slot, start, length = (
            code.load(array.segments, code.add(code.times(number, SEGMENT_FIELDS), field), I64)
            for field in range(SEGMENT_FIELDS)
        )
        slot_cache = code.at(array.cache, code.times(slot, slot_stride * width), I8)
        slot_scales = code.at(array.cache_scales, code.times(slot, slot_stride))
        heads = [
            [code.at(slot_cache, (2 * head + part) * places * width, I8) for part in (0, 1)]
            + [code.at(slot_scales, (2 * head + part) * places) for part in (0, 1)]
            for head in range(shape.key_heads)
        ]

        def write_cache(row: Value) -> None:
            source = code.at(array.projected, code.times(code.add(first_row[0], row), shape.projected))
            position = code.add(start, row)
            angles = [code.at(table, code.times(position, width // 2)) for table in (array.cosine, array.sine)]
            for head in range(shape.heads + shape.key_heads):
                code.call(rotate, code.at(source, head * width), *angles)
            for head, places_of_head in enumerate(heads):
                key = code.at(source, (shape.heads + head) * width)
                value = code.at(source, (shape.heads + shape.key_heads + head) * width)
                code.call(store_key_value, key, value, *places_of_head, position)

        code.for_each(0, length, write_cache)

        def attend_rows(row: Value) -> None:
            """A tile of rows over all positions that any of them may attend to."""
            remaining = builder.sub(length, row)
            rows = builder.select(
                builder.icmp_signed("<", remaining, code.integer(tile)), remaining, code.integer(tile)
            )
            visible = code.add(start, row, rows)
            end = builder.and_(code.add(visible, PANEL - 1), code.integer(-PANEL))
            queries_in_tile = code.times(rows, group)
            for head, (keys, values, key_scales, value_scales) in enumerate(heads):

                def quantise_queries(index: Value, head: int = head) -> None:
                    source = code.add(
                        code.times(code.add(first_row[0], row, index), shape.projected), head * group * width
                    )
                    to = code.times(index, group)
                    targets = (code.at(array.queries, code.times(to, width), I16), code.at(array.query_scales, to))
                    code.call(quantise, code.at(array.projected, source), *targets, group, width, width, width)

                code.for_each(0, rows, quantise_queries)
                pointers = (keys, key_scales, array.queries, array.query_scales, array.scores)
                panels = builder.sdiv(end, code.integer(PANEL))
                code.call(product8, *pointers, queries_in_tile, width // 2, panels, width, places, width * PANEL, 0)

                def normalise(index: Value, value_scales: Value = value_scales) -> None:
                    length = code.add(start, row, builder.sdiv(index, code.integer(group)), 1)
                    at = code.times(index, places)
                    targets = (code.at(array.shares, at, I16), code.at(array.query_scales, index))
                    code.call(softmax, code.at(array.scores, at), value_scales, *targets, length, end)

                code.for_each(0, queries_in_tile, normalise)
                pointers = (values, array.ones, array.shares, array.query_scales, array.looked)
                pairs = builder.sdiv(code.add(visible, 1), code.integer(2))
                code.call(product8, *pointers, queries_in_tile, pairs, width // PANEL, places, width, places * PANEL, 0)

                def copy_result(index: Value, head: int = head) -> None:
                    target = code.add(code.times(code.add(first_row[0], row, index), shape.mixed), head * group * width)
                    source = code.at(array.looked, code.times(index, group * width))
                    code.call(copy, source, code.at(array.mixed, target), group * width)

                code.for_each(0, rows, copy_result)

        code.for_each(0, length, attend_rows, step=tile)
        return [code.add(first_row[0], length)]

    code.loop(0, count, 1, [code.integer(0)], segment)
    return code.end()
