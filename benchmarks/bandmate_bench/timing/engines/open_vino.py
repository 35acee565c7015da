"""OpenVINO."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import openvino

from bandmate_bench.timing.engines.base import ModelShape
from bandmate_bench.timing.engines.cached import CachedCandidate
from bandmate_bench.timing.engines.onnx_graph import write_onnx


class OpenVino(CachedCandidate):
    name = "OpenVINO, 32-bit floats"

    def __init__(self, folder: Path, shape: ModelShape) -> None:
        super().__init__(shape)
        core = openvino.Core()
        settings = {"INFERENCE_NUM_THREADS": "1", "INFERENCE_PRECISION_HINT": "f32"}
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / "model.onnx"
            write_onnx(folder, shape, path, bits=None)
            self._request = core.compile_model(core.read_model(path), "CPU", settings).create_infer_request()

    def run(self, tokens: Any) -> Any:
        caches = {f"past_key_values.{name}": cache for name, cache in self.caches.items()}
        mask = np.ones((len(tokens), self.length), np.int64)
        self._request.infer({"input_ids": tokens, "attention_mask": mask, **caches})
        self.caches = {name: np.array(self._request.get_tensor(f"present.{name}").data) for name in self.caches}
        return np.array(self._request.get_tensor("logits").data)
