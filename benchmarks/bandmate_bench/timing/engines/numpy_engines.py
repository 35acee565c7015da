"""Our own kernels, and the matrix products alone in numpy."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from bandmate_model.engine.base import Feed
from bandmate_model.engine.open import open_engine

from bandmate_bench.timing.engines.base import CONTEXT, Candidate, ModelShape


class OwnKernels(Candidate):
    name = "own kernels (llvmlite)"

    def __init__(self, folder: Path, shape: ModelShape) -> None:
        config = json.loads((folder / "config.json").read_text())
        self._engine = open_engine(folder, config | {"architecture": "transformer"})
        self._slots = [self._engine.open() for _ in range(16)]

    def restart(self, songs: int) -> None:
        self._engine.feed([(slot, Feed([7] * CONTEXT, 0)) for slot in self._slots[:songs]])

    def step(self, songs: int) -> None:
        self._engine.feed([(slot, Feed([7])) for slot in self._slots[:songs]])

    def logits(self, prompt: list[int]) -> Any:
        return self._engine.feed([(self._slots[0], Feed(prompt, 0))])[0]


class NumpyProducts(Candidate):
    """Only the matrix products, in 32-bit floats: what numpy could do at most."""

    name = "numpy, matrix products alone"
    note = "an upper bound; no attention"

    def __init__(self, folder: Path, shape: ModelShape) -> None:
        random = np.random.default_rng(1)
        hidden, inner = shape.hidden, shape.inner
        layer = [(3 * hidden, hidden), (hidden, hidden), (2 * inner, hidden), (hidden, inner)]
        shapes = [*layer * shape.layers, (shape.vocabulary, hidden)]
        self._matrices = [random.standard_normal(size, dtype=np.float32) for size in shapes]
        self._batches = {size: random.standard_normal((size, 16), dtype=np.float32) for size in (hidden, inner)}
        self._vectors = {size: np.ascontiguousarray(batch[:, 0]) for size, batch in self._batches.items()}

    def step(self, songs: int) -> None:
        inputs = self._vectors if songs == 1 else self._batches
        for matrix in self._matrices:
            _ = matrix @ inputs[matrix.shape[1]]
