"""The two files that make a model: weights in bfloat16 and config.json."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

WEIGHTS, CONFIG = "model.safetensors", "config.json"


def write_model(folder: Path, config: dict[str, Any], weights: Mapping[str, Tensor]) -> None:
    """A folder that can be served, and for the transformer one that transformers.LlamaForCausalLM loads."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.detach().cpu().bfloat16().contiguous() for name, tensor in weights.items()}
    save_file(tensors, folder / WEIGHTS, {"format": "pt"})
    write_json(folder / CONFIG, config)


def write_json(path: Path, value: object) -> None:
    """Whole or not at all."""
    temporary = path.with_suffix(".part")
    temporary.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n")
    temporary.replace(path)


def place(staged: Path, folder: Path) -> None:
    """Move the files of a folder that is complete to where they are looked for. The server may be another user, and
    safetensors writes files that only their owner can read."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(staged.iterdir(), key=lambda path: path.name == CONFIG):  # It makes a folder a model: last.
        temporary = folder / f".{path.name}.part"
        shutil.copyfile(path, temporary)
        temporary.chmod(0o644)
        temporary.replace(folder / path.name)
    shutil.rmtree(staged)
