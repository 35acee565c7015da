"""The peer of the engine's figures: Hugging Face's `generate`. Needs torch and transformers."""

from pathlib import Path
from typing import Any

import torch
import transformers
from bandmate_model.engine.base import Array


class HuggingFace:
    """A Transformer of ours in its own format, loaded by `transformers`, on one core."""

    def __init__(self, folder: Path, top_p: float) -> None:
        transformers.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
        transformers.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        torch.set_num_threads(1)
        self.name = f"transformers {transformers.__version__}, torch {torch.__version__}"
        self._top_p = top_p
        self._model: Any = transformers.LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32)
        self._model.eval()  # type: ignore[no-untyped-call]

    def generate(self, prompt: list[int], length: int, songs: int) -> None:
        """Sample `length` tokens for each of so many songs at once."""
        self._model.generate(
            torch.tensor([prompt] * songs),
            max_new_tokens=length,
            min_new_tokens=length,
            do_sample=True,
            top_p=self._top_p,
            top_k=0,
            eos_token_id=None,
            pad_token_id=0,
        )

    def logits(self, tokens: list[int]) -> Array:
        """After the last token."""
        with torch.inference_mode():
            result: Array = self._model(torch.tensor([tokens]), logits_to_keep=1).logits[0, -1].numpy()
        return result
