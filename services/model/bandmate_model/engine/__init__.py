"""The engines that answer for the networks of the token composers, without torch."""

from pathlib import Path
from typing import Any

from bandmate_model.engine.base import Engine, Feed, ModelUnusable
from bandmate_model.engine.batcher import Batcher, Task

__all__ = ["Batcher", "Engine", "Feed", "ModelUnusable", "Task", "open_engine"]

SLOTS = 16


def open_engine(folder: Path, config: dict[str, Any], slots: int = SLOTS) -> Engine:
    """The engine of a model folder with model.safetensors; `config` is its config.json.

    Raises:
        ModelUnusable: an architecture that no engine knows, or weights that are missing, broken or of other shapes.
    """
    architecture = config.get("architecture")
    if architecture == "transformer":
        from bandmate_model.engine.sampling import prepare
        from bandmate_model.engine.transformer import TransformerEngine

        prepare()
        return TransformerEngine.load(folder, config, slots)
    if architecture == "rnn":
        from bandmate_model.engine.rnn import RnnEngine
        from bandmate_model.engine.sampling import prepare

        prepare()
        return RnnEngine.load(folder, config, slots)
    raise ModelUnusable(f"no engine composes with architecture {architecture!r}; there are transformer and rnn")
