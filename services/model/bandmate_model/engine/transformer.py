"""The Transformer's engine: Llama's layout, one call of machine code a step, a cache of keys and values a slot."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bandmate_model.engine.base import Array, Feed
from bandmate_model.engine.code import Compiled, Machine
from bandmate_model.engine.decoder import ARRAYS, SEGMENT_FIELDS, decoder, query_rows
from bandmate_model.engine.layout import Shape
from bandmate_model.engine.products import packed, padded, padded_matrix
from bandmate_model.engine.slots import Slots
from bandmate_model.engine.weights import Aligned, Weights

ROWS = 64
"""How many tokens go through the network at once; longer prompts in several rounds."""


class TransformerEngine(Slots):
    """See base.Engine."""

    def __init__(self, shape: Shape, weights: Weights, slots: int, machine: Machine) -> None:
        super().__init__(vocabulary=shape.vocabulary, window=shape.window, slots=slots)
        self._shape = shape
        arena = Aligned()
        self._embedding = padded_matrix(weights.take("model.embed_tokens.weight", shape.vocabulary, shape.hidden))
        self._pack(weights, arena)
        weights.finish(ignored={"lm_head.weight"})
        angles = np.outer(np.arange(shape.places), shape.theta ** (-np.arange(0, shape.head, 2) / shape.head))
        half = np.zeros((2, shape.places, shape.width // 2), np.float32)
        half[0, :, : shape.head // 2], half[1, :, : shape.head // 2] = np.cos(angles), np.sin(angles)
        cache = slots * shape.layers * shape.key_heads * 2 * shape.places
        ones = np.ones(max(shape.places, shape.width), np.float32)
        self._tokens, self._last = np.zeros(ROWS, np.int64), np.zeros(ROWS, np.int64)
        self._segments = np.zeros((ROWS, SEGMENT_FIELDS), np.int64)
        self._logits = arena.zeros((ROWS, padded(shape.vocabulary)))
        looking = query_rows(shape) * (shape.heads // shape.key_heads)
        widest = max(shape.row, shape.mixed, shape.inner)
        arrays: list[NDArray[Any]] = [
            self._weights,
            self._scales,
            self._norms,
            self._embedding,
            arena.copy(half[0]),
            arena.copy(half[1]),
            arena.zeros(cache * shape.width, np.int8),
            arena.zeros(cache),
            arena.copy(ones),
            self._tokens,
            self._segments,
            self._last,
            arena.zeros((ROWS, shape.row)),
            arena.zeros((ROWS, shape.row)),
            arena.zeros((ROWS, widest), np.int16),
            arena.zeros(ROWS),
            arena.zeros((ROWS, shape.projected)),
            arena.zeros((ROWS, shape.mixed)),
            arena.zeros((ROWS, 2 * shape.inner)),
            arena.zeros((ROWS, shape.inner)),
            arena.zeros((looking, shape.width), np.int16),
            arena.zeros(looking),
            arena.zeros((looking, shape.places)),
            arena.zeros((looking, shape.places), np.int16),
            arena.zeros((looking, shape.width)),
            self._logits,
        ]
        assert len(arrays) == len(ARRAYS)
        self._held = arrays
        self._addresses = np.array([array.ctypes.data for array in arrays])
        self._arrays = int(self._addresses.ctypes.data)
        self._compiled = Compiled(decoder(shape, machine), machine)
        self._forward = self._compiled.function("forward", 4)

    @staticmethod
    def load(folder: Path, config: dict[str, Any], slots: int, machine: Machine | None = None) -> "TransformerEngine":
        """Raises ModelUnusable."""
        return TransformerEngine(Shape.read(config), Weights.load(folder), slots, machine or Machine.host())

    def feed(self, feeds: Sequence[tuple[int, Feed]]) -> Array:
        """See base.Engine."""
        starts = self._starts(feeds)
        if sum(len(feed.tokens) for _, feed in feeds) > ROWS:
            return self._feed_long(feeds, starts)
        tokens: list[int] = []
        segments, last_rows = [], []
        for (slot, feed), start in zip(feeds, starts, strict=True):
            length = len(feed.tokens)
            segments.append((slot, start, length))
            tokens += feed.tokens
            last_rows.append(len(tokens) - 1)
            self._lengths[slot] = start + length
        self._run(tokens, segments, last_rows)
        return self._logits[: len(last_rows), : self.vocabulary].copy()

    def _feed_long(self, feeds: Sequence[tuple[int, Feed]], starts: list[int]) -> Array:
        """More tokens than go through at once."""
        result = np.empty((len(feeds), self.vocabulary), np.float32)
        ended: list[int] = []
        tokens: list[int] = []
        segments: list[tuple[int, int, int]] = []
        last_rows: list[int] = []
        for number, ((slot, feed), start) in enumerate(zip(feeds, starts, strict=True)):
            fed = 0
            while fed < len(feed.tokens):
                part = feed.tokens[fed : fed + ROWS - len(tokens)]
                segments.append((slot, start + fed, len(part)))
                tokens += part
                fed += len(part)
                if fed == len(feed.tokens):
                    last_rows.append(len(tokens) - 1)
                    ended.append(number)
                if len(tokens) == ROWS or (number == len(feeds) - 1 and fed == len(feed.tokens)):
                    self._run(tokens, segments, last_rows)
                    result[ended] = self._logits[: len(ended), : self.vocabulary]
                    tokens, segments, last_rows, ended = [], [], [], []
            self._lengths[slot] = start + fed
        return result

    def _run(self, tokens: list[int], segments: list[tuple[int, int, int]], last_rows: list[int]) -> None:
        self._tokens[: len(tokens)] = tokens
        self._segments[: len(segments)] = segments
        self._last[: len(last_rows)] = last_rows
        self._forward(self._arrays, len(tokens), len(segments), len(last_rows))

    def _pack(self, weights: Weights, arena: Aligned) -> None:
        """Matrices of all layers, one after the other, then the embedding; their scales alike; norms."""
        shape = self._shape
        matrices: list[NDArray[np.int16]] = []
        scales: list[Array] = []
        norms: list[Array] = []

        def add(matrix: Array) -> None:
            integers, scale = packed(matrix)
            matrices.append(integers)
            scales.append(scale)

        for layer in range(shape.layers):
            name = f"model.layers.{layer}"
            norms.append(weights.take(f"{name}.input_layernorm.weight", shape.hidden))
            norms.append(weights.take(f"{name}.post_attention_layernorm.weight", shape.hidden))
            parts = [
                _heads_apart(
                    weights.take(f"{name}.self_attn.{kind}_proj.weight", heads * shape.head, shape.hidden), heads
                )
                for kind, heads in (("q", shape.heads), ("k", shape.key_heads), ("v", shape.key_heads))
            ]
            add(padded_matrix(np.concatenate(parts)))
            output = weights.take(f"{name}.self_attn.o_proj.weight", shape.hidden, shape.heads * shape.head)
            add(padded_matrix(_heads_apart(np.ascontiguousarray(output.T), shape.heads).T))
            sizes = (shape.feedforward, shape.hidden)
            gate, up = (
                padded_matrix(weights.take(f"{name}.mlp.{kind}_proj.weight", *sizes)) for kind in ("gate", "up")
            )
            add(np.concatenate([gate, up]))
            add(padded_matrix(weights.take(f"{name}.mlp.down_proj.weight", *sizes[::-1])))
        norms.append(weights.take("model.norm.weight", shape.hidden))
        add(self._embedding)
        self._weights = arena.copy(np.concatenate(matrices))
        self._scales = arena.copy(np.concatenate(scales))
        self._norms = arena.copy(np.stack([np.pad(norm, (0, shape.row - shape.hidden)) for norm in norms]))


def _heads_apart(matrix: Array, heads: int) -> Array:
    """Rows of heads (heads * width, …), the halves of each head padded, so that pairs stay half a padded head apart."""
    halves = matrix.reshape(heads, 2, -1, matrix.shape[1])
    missing = padded(2 * halves.shape[2]) // 2 - halves.shape[2]
    return np.pad(halves, [(0, 0), (0, 0), (0, missing), (0, 0)]).reshape(-1, matrix.shape[1])
