"""The LSTM's engine: torch.nn.LSTM's cell over tied embeddings, a state a slot, in the same machine code."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from llvmlite import ir
from numpy.typing import NDArray

from bandmate_model.engine import kernels, products
from bandmate_model.engine.base import Array, Feed
from bandmate_model.engine.code import I16, I64, POINTER, Code, Compiled, Machine, Value
from bandmate_model.engine.products import PANEL, packed, padded, padded_matrix
from bandmate_model.engine.slots import Slots
from bandmate_model.engine.weights import Aligned, Weights
from bandmate_model.model_files import ModelUnusable

ENDLESS = 1 << 30
"""A state holds any number of tokens."""
_GATES = 4


class RnnEngine(Slots):
    """See base.Engine. A state cannot forget a part of its tokens: `keep` is None, 0 or the whole length."""

    def __init__(
        self, vocabulary: int, hidden: int, layers: int, weights: Weights, slots: int, machine: Machine
    ) -> None:
        super().__init__(vocabulary=vocabulary, window=ENDLESS, slots=slots)
        arena, size = Aligned(), padded(hidden)
        embedding = weights.take("embed.weight", vocabulary, hidden)
        matrices: list[NDArray[np.int16]] = []
        scales: list[Array] = []
        biases: list[Array] = []
        for layer in range(layers):
            parts, bias = [], np.zeros(_GATES * hidden, np.float32)
            for kind in ("ih", "hh"):
                matrix = weights.take(f"lstm.weight_{kind}_l{layer}", _GATES * hidden, hidden)
                parts.append(padded_matrix(matrix.reshape(_GATES, hidden, hidden)).reshape(-1, size))
                bias = bias + weights.take(f"lstm.bias_{kind}_l{layer}", _GATES * hidden)
            integers, scale = packed(np.concatenate(parts, axis=1))
            matrices.append(integers)
            scales.append(scale)
            biases.append(padded_matrix(bias.reshape(_GATES, 1, hidden))[:, 0].reshape(-1))
        integers, scale = packed(padded_matrix(embedding))
        out_bias = weights.optional("out_bias", vocabulary)
        weights.finish()
        self._out_bias = np.zeros(vocabulary, np.float32) if out_bias is None else out_bias
        self._embedding = padded_matrix(embedding)
        self._states = arena.zeros((slots, layers, 2, size))
        self._rows = arena.zeros((slots, size))
        self._logits = arena.zeros((slots, padded(vocabulary)))
        self._places = np.zeros(slots, np.int64)
        arrays: list[NDArray[Any]] = [
            arena.copy(np.concatenate([*matrices, integers])),
            arena.copy(np.concatenate([*scales, scale])),
            arena.copy(np.concatenate(biases)),
            self._states,
            self._places,
            self._rows,
            arena.zeros((slots, 2 * size)),
            arena.zeros((slots, 2 * size), np.int16),
            arena.zeros(slots),
            arena.zeros((slots, _GATES * size)),
            self._logits,
        ]
        self._held = arrays
        self._addresses = [array.ctypes.data for array in arrays]
        self._compiled = Compiled(_module(size, layers, padded(vocabulary), machine), machine)
        self._step = self._compiled.function("step", len(arrays) + 1)
        self._project = self._compiled.function("logits", len(arrays) + 1)

    @staticmethod
    def load(folder: Path, config: dict[str, Any], slots: int, machine: Machine | None = None) -> "RnnEngine":
        """Raises ModelUnusable."""
        try:
            network = config["network"]
            sizes = (
                int(config.get("vocab_size") or network["vocabulary"]),
                int(network["hidden"]),
                int(network["layers"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelUnusable(f"config.json does not describe an LSTM over cells: {error}") from error
        if min(sizes) < 1:
            raise ModelUnusable("config.json gives a size below 1")
        return RnnEngine(*sizes, Weights.load(folder), slots, machine or Machine.host())

    def feed(self, feeds: Sequence[tuple[int, Feed]]) -> Array:
        """See base.Engine. Also raises ValueError where `keep` would forget a part of the tokens."""
        starts = self._starts(feeds)
        for (slot, _), start in zip(feeds, starts, strict=True):
            if start not in (0, self._lengths[slot]):
                raise ValueError(f"an LSTM forgets all or nothing, not what follows its first {start} tokens")
        for (slot, feed), start in zip(feeds, starts, strict=True):
            if start == 0:
                self._states[slot] = 0
            self._lengths[slot] = start + len(feed.tokens)
        for place in range(max(len(feed.tokens) for _, feed in feeds)):
            rows = [(slot, feed.tokens[place]) for slot, feed in feeds if place < len(feed.tokens)]
            self._places[: len(rows)] = [slot for slot, _ in rows]
            np.take(self._embedding, [token for _, token in rows], axis=0, out=self._rows[: len(rows)])
            self._step(*self._addresses, len(rows))
        self._rows[: len(feeds)] = self._states[[slot for slot, _ in feeds], -1, 0]
        self._project(*self._addresses, len(feeds))
        result: Array = self._logits[: len(feeds), : self.vocabulary] + self._out_bias
        return result


def _module(size: int, layers: int, outputs: int, machine: Machine) -> Any:
    """step(weights, scales, biases, states, places, x, joined, integers, integer scales, gates, logits, rows): x holds
    embeddings; the states of the slots in `places` move on. logits(…, rows): of the top layer's output in x."""
    module = ir.Module("lstm")
    product, quantise = products.product(module, "product", machine=machine), products.quantise(module, "quantise")
    cell, copy = kernels.cell(module, size=size), kernels.copy(module)
    inputs, gate_row = 2 * size, _GATES * size
    code = Code(module, "step", [POINTER] * 11 + [I64])
    weights, scales, biases, states, places, x, joined, integers, integer_scales, gates, _, rows = code.arguments

    def layer(number: Value) -> None:
        def state(row: Value) -> Value:
            """Output, then memory."""
            return code.at(
                states, code.times(code.add(code.times(code.load(places, row, I64), layers), number), 2 * size)
            )

        def gather(row: Value) -> None:
            target = code.at(joined, code.times(row, inputs))
            code.call(copy, code.at(x, code.times(row, size)), target, size)
            code.call(copy, state(row), code.at(target, size), size)

        def move(row: Value) -> None:
            output = state(row)
            bias = code.at(biases, code.times(number, gate_row))
            code.call(cell, code.at(gates, code.times(row, gate_row)), bias, code.at(output, size), output)
            code.call(copy, output, code.at(x, code.times(row, size)), size)

        code.for_each(0, rows, gather)
        matrix = code.at(weights, code.times(number, gate_row * inputs), I16)
        code.call(quantise, joined, integers, integer_scales, rows, inputs, inputs, inputs)
        code.call(
            product,
            matrix,
            code.at(scales, code.times(number, gate_row)),
            integers,
            integer_scales,
            gates,
            rows,
            size,
            gate_row // PANEL,
            inputs,
            gate_row,
            inputs * PANEL,
            0,
        )
        code.for_each(0, rows, move)

    code.for_each(0, layers, layer)
    code.end()
    code = Code(module, "logits", [POINTER] * 11 + [I64])
    weights, scales, _, _, _, x, _, integers, integer_scales, _, logits, rows = code.arguments
    code.call(quantise, x, integers, integer_scales, rows, size, size, size)
    code.call(
        product,
        code.at(weights, layers * gate_row * inputs, I16),
        code.at(scales, layers * gate_row),
        integers,
        integer_scales,
        logits,
        rows,
        size // 2,
        outputs // PANEL,
        size,
        outputs,
        size * PANEL,
        0,
    )
    code.end()
    return module
