"""Checkpoints of a training run: safetensors and JSON, written atomically. No pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

FILE_NAME = "checkpoint.safetensors"
BEST_NAME = "best.safetensors"


class CheckpointUnusable(ValueError):
    """A checkpoint that is broken or belongs to another run."""


@dataclass(slots=True)
class Progress:
    """The progress of a run, without its tensors. All values are JSON values."""

    step: int
    seconds: float
    streams: dict[str, Any]
    history: list[dict[str, float]]
    best_loss: float
    since_best: int
    """Evaluations since the best loss."""
    run: dict[str, Any]
    """What must be equal for a checkpoint to be resumed: options, dataset, representation."""
    tally: list[float] = field(default_factory=list)
    """Sums of the losses since they were last reported."""


def save_weights(module: nn.Module, path: Path) -> None:
    temporary = path.with_suffix(".part")
    save_file({name: tensor.detach().contiguous() for name, tensor in module.state_dict().items()}, temporary)
    temporary.replace(path)


def load_weights(module: nn.Module, path: Path) -> None:
    """Load a file of save_weights.

    Raises:
        CheckpointUnusable: the file is broken, or of another network.
    """
    try:
        module.load_state_dict(load_file(path))
    except (SafetensorError, OSError, RuntimeError) as error:
        raise CheckpointUnusable(f"the weights in {path.name} cannot be used: {_first_line(error)}") from error


def save(folder: Path, module: nn.Module, optimizers: Sequence[torch.optim.Optimizer], progress: Progress) -> None:
    """Replace the folder's checkpoint atomically."""
    tensors: dict[str, Tensor] = {f"model.{name}": value for name, value in module.state_dict().items()}
    for order, optimizer in enumerate(optimizers):
        for number, values in optimizer.state_dict()["state"].items():
            for name, value in values.items():
                tensors[f"optimizer.{order}.{number}.{name}"] = torch.as_tensor(value)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE_NAME
    temporary = path.with_suffix(".part")
    metadata = {"progress": json.dumps({name: getattr(progress, name) for name in Progress.__slots__})}
    save_file({name: value.detach().cpu().contiguous() for name, value in tensors.items()}, temporary, metadata)
    temporary.replace(path)


def load(
    path: Path,
    module: nn.Module,
    optimizers: Sequence[torch.optim.Optimizer],
    run: dict[str, Any],
    defaults: Mapping[str, Any] | None = None,
) -> Progress | None:
    """Put a checkpoint's values into module and optimizers. None if there is no such file.

    `run` has to agree with the checkpoint's. `defaults`: the values of options that are newer than the checkpoint.

    Raises:
        CheckpointUnusable: the file is broken, or is of a run with other options, another network or another dataset.
    """
    if not path.is_file():
        return None
    try:
        with safe_open(path, "pt") as file:
            progress = Progress(**json.loads(file.metadata()["progress"]))
            tensors = {name: file.get_tensor(name) for name in list(file.keys())}
    except (SafetensorError, KeyError, TypeError, ValueError, OSError) as error:
        raise CheckpointUnusable(
            f"the checkpoint cannot be read: {_first_line(error)}; empty the folder of checkpoints to begin anew"
        ) from error
    differing = _differences(run, progress.run, defaults or {})
    if differing:
        raise CheckpointUnusable(
            f"the checkpoint is of another run: {'; '.join(differing)}; empty the folder of checkpoints to begin anew"
        )
    try:
        module.load_state_dict({name[6:]: value for name, value in tensors.items() if name.startswith("model.")})
        for order, optimizer in enumerate(optimizers):
            _restore(optimizer, f"optimizer.{order}.", tensors)
    except (RuntimeError, ValueError) as error:
        raise CheckpointUnusable(f"the checkpoint is of another network: {_first_line(error)}") from error
    return progress


def history(folder: Path) -> list[dict[str, float]]:
    """The loss history of the folder's checkpoint."""
    with safe_open(folder / FILE_NAME, "pt") as file:
        rows: list[dict[str, float]] = json.loads(file.metadata()["progress"])["history"]
    return rows


def _restore(optimizer: torch.optim.Optimizer, prefix: str, tensors: dict[str, Tensor]) -> None:
    states: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith(prefix):
            number, key = name.removeprefix(prefix).split(".", 1)
            states.setdefault(int(number), {})[key] = value
    optimizer.load_state_dict({"state": states, "param_groups": optimizer.state_dict()["param_groups"]})


def _differences(run: dict[str, Any], stored: dict[str, Any], defaults: Mapping[str, Any]) -> list[str]:
    """In words, by name; options one by one. `options` may say more than `run` asks for: that has no effect."""
    current, previous = {**run, **run.get("options", {})}, {**stored, **stored.get("options", {})}
    names = current.keys() - {"options"}
    if previous.get("architecture") != current.get("architecture"):
        names = {"architecture"}  # Options of different architectures cannot be compared.
    messages = []
    for name in sorted(names):
        previous_value = previous.get(name, defaults.get(name))
        if previous_value != current[name]:
            messages.append(f"{name} is {_short(previous_value)} there and {_short(current[name])} here")
    return messages


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 24 else f"{text[:12]}…"


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
