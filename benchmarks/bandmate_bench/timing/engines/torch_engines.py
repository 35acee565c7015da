"""Hugging Face's transformers, eager and compiled."""

from pathlib import Path
from typing import Any

import torch
import transformers

from bandmate_bench.timing.engines.base import CONTEXT, STEPS, Candidate, ModelShape


class _TorchCandidate(Candidate):
    _forward: Any

    def __init__(self, folder: Path, shape: ModelShape) -> None:
        model: Any = transformers.LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32)
        self._model = model.eval()
        self._cache: Any = None
        self._length = 0

    def restart(self, songs: int) -> None:
        self._cache = self._new_cache()
        self._run([[7] * CONTEXT] * songs, 0)
        self._length = CONTEXT

    def step(self, songs: int) -> None:
        self._run([[7]] * songs, self._length)
        self._length += 1

    def logits(self, prompt: list[int]) -> Any:
        self._cache = self._new_cache()
        return self._run([prompt], 0)[0].numpy()

    def _new_cache(self) -> Any:
        raise NotImplementedError

    def _run(self, tokens: list[list[int]], start: int) -> Any:
        positions = torch.arange(start, start + len(tokens[0]))[None].expand(len(tokens), -1)
        options = {"past_key_values": self._cache, "use_cache": True, "logits_to_keep": 1}
        with torch.inference_mode():
            return self._forward(input_ids=torch.tensor(tokens), position_ids=positions, **options).logits[:, -1]


class HuggingFace(_TorchCandidate):
    name = "transformers, eager, forward only"

    def __init__(self, folder: Path, shape: ModelShape) -> None:
        super().__init__(folder, shape)
        self._forward = self._model

    def _new_cache(self) -> Any:
        return transformers.DynamicCache()


class CompiledTorch(_TorchCandidate):
    name = "transformers, torch.compile"
    note = "needs a C++ compiler"

    def __init__(self, folder: Path, shape: ModelShape) -> None:
        super().__init__(folder, shape)
        self._forward = torch.compile(self._model.forward, dynamic=False)

    def _new_cache(self) -> Any:
        return transformers.StaticCache(config=self._model.config, max_cache_len=CONTEXT + STEPS * 2)


def save_random_model(folder: Path) -> None:
    """Save random weights in the starter's shape as bfloat16."""
    torch.manual_seed(1)
    config = transformers.LlamaConfig(
        vocab_size=704,
        hidden_size=256,
        intermediate_size=640,
        num_hidden_layers=6,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        initializer_range=0.05,
    )
    model: Any = transformers.LlamaForCausalLM(config)
    model.to(torch.bfloat16).save_pretrained(folder)
