"""The engine of a model folder."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from bandmate_model.engine.base import Engine
from bandmate_model.engine.rnn import RnnEngine
from bandmate_model.engine.sampling import prepare
from bandmate_model.engine.transformer import TransformerEngine
from bandmate_model.model_files import ModelUnusable

SLOTS = 16
"""Sequences that one engine steps at once; more wait for a free slot."""
_ENGINES: dict[object, Callable[[Path, dict[str, Any], int], Engine]] = {
    "transformer": TransformerEngine.load,
    "rnn": RnnEngine.load,
}


def open_engine(folder: Path, config: dict[str, Any], slots: int = SLOTS) -> Engine:
    """The engine of a model folder with model.safetensors; `config` is its config.json.

    Raises:
        ModelUnusable: an architecture that no engine knows, or weights that are missing, broken or of other shapes.
    """
    architecture = config.get("architecture")
    if architecture not in _ENGINES:
        raise ModelUnusable(f"no engine composes with architecture {architecture!r}; there are transformer and rnn")
    prepare()
    return _ENGINES[architecture](folder, config, slots)
