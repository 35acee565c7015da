"""Write the files of a model folder: weights in bfloat16 and config.json."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import Tensor

from bandmate_model.model_files import CONFIG, WEIGHTS


def write_model(folder: Path, config: dict[str, Any], weights: Mapping[str, Tensor]) -> None:
    """Write a folder that can be served; of a transformer, also one that transformers.LlamaForCausalLM loads."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.detach().cpu().bfloat16().contiguous() for name, tensor in weights.items()}
    save_file(tensors, folder / WEIGHTS, {"format": "pt"})
    write_json(folder / CONFIG, config)


def write_json(path: Path, value: object) -> None:
    """Write JSON atomically."""
    temporary = path.with_suffix(".part")
    temporary.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n")
    temporary.replace(path)


def move_into_place(staged: Path, folder: Path) -> None:
    """Move the files of a complete model folder to its final place, config.json last, readable by everyone.

    The server may run as another user, and safetensors writes files that only their owner can read."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(staged.iterdir(), key=lambda path: path.name == CONFIG):  # CONFIG marks the folder as a model.
        temporary = folder / f".{path.name}.part"
        shutil.copyfile(path, temporary)
        temporary.chmod(0o644)
        temporary.replace(folder / path.name)
    shutil.rmtree(staged)
