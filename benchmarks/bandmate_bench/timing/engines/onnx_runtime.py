"""ONNX Runtime."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from bandmate_bench.timing.engines.base import ModelShape
from bandmate_bench.timing.engines.cached import CachedCandidate
from bandmate_bench.timing.engines.onnx_graph import write_onnx


class OnnxRuntime(CachedCandidate):
    note = "GroupQueryAttention, cache in place"

    def __init__(self, folder: Path, shape: ModelShape, bits: int | None = None) -> None:
        super().__init__(shape)
        self.name = "ONNX Runtime, 32-bit floats" if bits is None else "ONNX Runtime, 8-bit blocks"
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / "model.onnx"
            write_onnx(folder, shape, path, bits=bits)
            self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def hold(self, array: Any) -> Any:
        return onnxruntime.OrtValue.ortvalue_from_numpy(array)

    def run(self, tokens: Any) -> Any:
        binding = self._session.io_binding()
        binding.bind_cpu_input("input_ids", tokens)
        binding.bind_cpu_input("attention_mask", np.ones((len(tokens), self.length), np.int64))
        for name, cache in self.caches.items():
            binding.bind_ortvalue_input(f"past_key_values.{name}", cache)
            binding.bind_ortvalue_output(f"present.{name}", cache)
        binding.bind_output("logits")
        self._session.run_with_iobinding(binding)
        return binding.get_outputs()[-1].numpy()


class OnnxRuntime8Bit(OnnxRuntime):
    def __init__(self, folder: Path, shape: ModelShape) -> None:
        super().__init__(folder, shape, bits=8)
