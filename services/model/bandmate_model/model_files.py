"""The two files that make a model: weights in bfloat16 and config.json."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WEIGHTS, CONFIG = "model.safetensors", "config.json"
REPRESENTATION = "cells-1"
"""Which tokens the token composers of this version read and write (cells/vocabulary.py). Every vocabulary has its own
name; older checkpoints have another name or none."""
TOKEN_ARCHITECTURES = ("transformer", "rnn")
ARCHITECTURES = (*TOKEN_ARCHITECTURES, "gan")


class ModelUnusable(ValueError):
    """A model folder that cannot be served; the message says what is missing or wrong."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """config.json, and the hash of the weights."""

    id: str
    sha256: str
    config: dict[str, Any]

    @property
    def styles(self) -> list[str]:
        return list(self.config["styles"])

    @property
    def architecture(self) -> str:
        return str(self.config["architecture"])


def read_info(folder: Path) -> ModelInfo:
    """config.json of a model folder, checked, with the hash of its weights.

    Raises:
        ModelUnusable: a file is missing or cannot be read, or the architecture or representation is unknown here.
    """
    config_path, weights_path = folder / CONFIG, folder / WEIGHTS
    for path in (config_path, weights_path):
        if not path.is_file():
            raise ModelUnusable(f"the model folder {folder.name} holds no {path.name}")
    try:
        config = json.loads(config_path.read_text())
        architecture, styles = config["architecture"], config["styles"]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelUnusable(f"config.json of {folder.name} cannot be read: {error}") from error
    if architecture not in ARCHITECTURES:
        supported = ", ".join(ARCHITECTURES)
        raise ModelUnusable(f"this container composes with {supported}, not with architecture {architecture!r}")
    if architecture in TOKEN_ARCHITECTURES and config.get("representation") != REPRESENTATION:
        raise ModelUnusable(
            f"the model {folder.name} was made by an earlier version of Bandmate (representation "
            f"{config.get('representation', 'events')!r}, not {REPRESENTATION!r}); train it again"
        )
    if not isinstance(styles, list) or not styles:
        raise ModelUnusable(f"config.json of {folder.name} names no styles")
    digest = hashlib.sha256(weights_path.read_bytes()).hexdigest()
    return ModelInfo(str(config.get("id", folder.name)), digest, config)
