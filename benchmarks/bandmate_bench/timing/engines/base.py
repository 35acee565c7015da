"""The interface of the compared inference engines, and the shape of the model they decode."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

CONTEXT = 256
"""Tokens in the cache of each song before the clock starts."""
STEPS = 40
"""Tokens decoded per song and round."""


@dataclass(frozen=True)
class ModelShape:
    """The sizes in a checkpoint's config.json."""

    hidden: int
    inner: int
    vocabulary: int
    layers: int
    heads: int
    key_heads: int
    window: int
    norm_epsilon: float

    @property
    def head(self) -> int:
        """Width of one attention head."""
        return self.hidden // self.heads

    @classmethod
    def load(cls, folder: Path) -> Self:
        config = json.loads((folder / "config.json").read_text())
        return cls(
            hidden=config["hidden_size"],
            inner=config["intermediate_size"],
            vocabulary=config["vocab_size"],
            layers=config["num_hidden_layers"],
            heads=config["num_attention_heads"],
            key_heads=config["num_key_value_heads"],
            window=config["max_position_embeddings"],
            norm_epsilon=config["rms_norm_eps"],
        )


class Candidate:
    """An engine with the model loaded. Songs are rows of a batch, numbered from 0."""

    name: str
    note = ""
    steps_per_call = 1
    seconds_to_load = 0.0

    def restart(self, songs: int) -> None:
        """Bring each song back to CONTEXT tokens."""

    def step(self, songs: int) -> None:
        """Decode `steps_per_call` tokens of each song."""
        raise NotImplementedError

    def logits(self, prompt: list[int]) -> Any | None:
        """Logits after the last token of a prompt, (vocabulary,); None where the engine does not give them."""
        return None
