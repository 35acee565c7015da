"""Checkpoints of a training run: safetensors and JSON, written whole or not at all. No pickle."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

FILE_NAME = "checkpoint.safetensors"
BEST_NAME = "best.safetensors"


class CheckpointUnusable(ValueError):
    """A checkpoint that is broken or belongs to another run."""


@dataclass(slots=True)
class Progress:
    """Where a run stands, beside its tensors. JSON values throughout."""

    step: int
    seconds: float
    streams: dict[str, Any]
    history: list[dict[str, float]]
    best_loss: float
    run: dict[str, Any]
    """What must agree for a checkpoint to be resumed: options and dataset."""


def save_weights(module: nn.Module, path: Path) -> None:
    from safetensors.torch import save_file

    temporary = path.with_suffix(".part")
    save_file({name: tensor.detach().contiguous() for name, tensor in module.state_dict().items()}, temporary)
    temporary.replace(path)


def save(
    folder: Path, module: nn.Module, optimizer: torch.optim.Optimizer, state: tuple[Tensor, ...] | None,
    random: list[Tensor], progress: Progress,
) -> None:  # fmt: skip
    """Replace the folder's checkpoint atomically. `random`: the states of all hosts' generators, by rank."""
    from safetensors.torch import save_file

    tensors: dict[str, Tensor] = {f"model.{name}": value for name, value in module.state_dict().items()}
    for number, values in optimizer.state_dict()["state"].items():
        for name, value in values.items():
            tensors[f"optimizer.{number}.{name}"] = torch.as_tensor(value)
    for number, value in enumerate(state or ()):
        tensors[f"state.{number}"] = value
    tensors["random"] = random[0]
    tensors |= {f"random.{rank}": value for rank, value in enumerate(random[1:], 1)}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE_NAME
    temporary = path.with_suffix(".part")
    metadata = {"progress": json.dumps({name: getattr(progress, name) for name in Progress.__slots__})}
    save_file({name: value.detach().cpu().contiguous() for name, value in tensors.items()}, temporary, metadata)
    temporary.replace(path)


def load(
    path: Path, module: nn.Module, optimizer: torch.optim.Optimizer, run: dict[str, Any], rank: int = 0
) -> tuple[Progress, tuple[Tensor, ...] | None] | None:
    """Put a checkpoint's values into module, optimizer and torch's generator. None if there is no such file.

    With it come the progress, and the state of all lanes. A host that was not there before keeps its own generator.

    Raises:
        CheckpointUnusable: the file is broken, or is of a run with other options or another dataset.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        return None
    device = next(module.parameters()).device
    try:
        with safe_open(path, "pt") as file:
            progress = Progress(**json.loads(file.metadata()["progress"]))
            tensors = {name: file.get_tensor(name) for name in list(file.keys())}
    except (SafetensorError, KeyError, TypeError, ValueError, OSError) as error:
        raise CheckpointUnusable(f"the checkpoint cannot be read: {error}") from error
    if progress.run != run:
        other = sorted(name for name in {*run, *progress.run} if run.get(name) != progress.run.get(name))
        raise CheckpointUnusable(f"the checkpoint is of another run: {', '.join(other)} differ; empty the folder")
    module.load_state_dict({name[6:]: value for name, value in tensors.items() if name.startswith("model.")})
    states: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("optimizer."):
            _, number, key = name.split(".", 2)
            states.setdefault(int(number), {})[key] = value
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": states, "param_groups": groups})
    own = "random" if rank == 0 else f"random.{rank}"
    if own in tensors:
        torch.set_rng_state(tensors[own])
    carried = tuple(tensors[f"state.{number}"].to(device) for number in range(2) if f"state.{number}" in tensors)
    return progress, carried or None


def history(folder: Path) -> list[dict[str, float]]:
    """The loss history of the folder's checkpoint."""
    from safetensors import safe_open

    with safe_open(folder / FILE_NAME, "pt") as file:
        rows: list[dict[str, float]] = json.loads(file.metadata()["progress"])["history"]
    return rows
