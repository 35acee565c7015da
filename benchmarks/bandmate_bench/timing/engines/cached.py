"""A candidate whose key-value caches the caller holds, as ONNX Runtime and OpenVINO want it."""

from typing import Any

import numpy as np

from bandmate_bench.timing.engines.base import CONTEXT, Candidate, ModelShape


class CachedCandidate(Candidate):
    """Subclasses decode tokens (songs, new) and keep `self.caches` by name, such as '3.key'."""

    def __init__(self, shape: ModelShape) -> None:
        self._shape = shape
        self.caches: dict[str, Any] = {}
        self.length = 0

    def run(self, tokens: Any) -> Any:
        """Logits (songs, new, vocabulary) after tokens at positions self.length - new ... self.length - 1."""
        raise NotImplementedError

    def hold(self, array: Any) -> Any:
        """The form in which the engine keeps a cache."""
        return array

    def restart(self, songs: int) -> None:
        self._empty(songs)
        self._decode(np.full((songs, CONTEXT), 7, np.int64))

    def step(self, songs: int) -> None:
        self._decode(np.full((songs, 1), 7, np.int64))

    def logits(self, prompt: list[int]) -> Any:
        self._empty(1)
        return self._decode(np.array([prompt], np.int64))[0, -1]

    def _decode(self, tokens: Any) -> Any:
        self.length += tokens.shape[1]
        return self.run(tokens)

    def _empty(self, songs: int) -> None:
        shape = self._shape
        zeros = np.zeros((songs, shape.key_heads, shape.window, shape.head), np.float32)
        names = [f"{layer}.{kind}" for layer in range(shape.layers) for kind in ("key", "value")]
        self.caches = {name: self.hold(zeros.copy()) for name in names}
        self.length = 0
