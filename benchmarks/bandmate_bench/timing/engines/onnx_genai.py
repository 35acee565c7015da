"""ONNX Runtime GenAI, which samples itself."""

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime_genai as genai

from bandmate_bench.timing.engines.base import CONTEXT, STEPS, Candidate, ModelShape
from bandmate_bench.timing.engines.onnx_graph import write_onnx


class OnnxGenAI(Candidate):
    name = "ONNX Runtime GenAI, 32-bit floats"
    note = "with its own top-p sampling"

    def __init__(self, folder: Path, shape: ModelShape) -> None:
        self._scratch = tempfile.TemporaryDirectory()
        scratch = Path(self._scratch.name)
        write_onnx(folder, shape, scratch / "model.onnx", bits=None)
        (scratch / "genai_config.json").write_text(json.dumps(_configuration(shape)))
        self._model = genai.Model(str(scratch))
        self._generator: Any = None

    def restart(self, songs: int) -> None:
        self._start([[7] * CONTEXT] * songs)

    def step(self, songs: int) -> None:
        self._generator.generate_next_token()

    def logits(self, prompt: list[int]) -> Any:
        self._start([prompt])
        return self._generator.get_logits()[0, -1]

    def _start(self, tokens: list[list[int]]) -> None:
        options = genai.GeneratorParams(self._model)
        size = {"max_length": CONTEXT + 3 * STEPS, "batch_size": len(tokens)}
        options.set_search_options(**size, do_sample=True, top_p=0.95, past_present_share_buffer=True)
        self._generator = genai.Generator(self._model, options)
        self._generator.append_tokens(np.array(tokens, np.int32))


def _configuration(shape: ModelShape) -> dict[str, Any]:
    """What genai_config.json says of the graph."""
    caches = {f"past_{kind}_names": f"past_key_values.%d.{kind}" for kind in ("key", "value")}
    results = {f"present_{kind}_names": f"present.%d.{kind}" for kind in ("key", "value")}
    decoder = {
        "filename": "model.onnx",
        "head_size": shape.head,
        "hidden_size": shape.hidden,
        "num_attention_heads": shape.heads,
        "num_hidden_layers": shape.layers,
        "num_key_value_heads": shape.key_heads,
        "session_options": {"provider_options": [], "intra_op_num_threads": 1, "inter_op_num_threads": 1},
        "inputs": {"input_ids": "input_ids", "attention_mask": "attention_mask"} | caches,
        "outputs": {"logits": "logits"} | results,
    }
    model = {"type": "llama", "bos_token_id": 1, "eos_token_id": 703, "pad_token_id": 0, "decoder": decoder}
    model |= {"vocab_size": shape.vocabulary, "context_length": shape.window}
    return {"model": model, "search": {"max_length": shape.window, "past_present_share_buffer": True}}
