"""Save and load trained networks, so that valid and test can be scored without training again."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from bandmate_shared.errors import Conflict, UnreadableFile
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from bandmate_bench.poly.frames import Split
from bandmate_bench.poly.network import Network, Shape

FORMAT = "bandmate-poly-1"


def digest(split: Split) -> str:
    """Hash of a training split."""
    return hashlib.sha256(split.starts.tobytes() + split.rows.tobytes()).hexdigest()


def save(folder: Path, name: str, networks: list[Network], trained: dict[str, Any]) -> None:
    """Write a set's networks atomically; `trained` (JSON values) says from what and how."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        f"{number}.{key}": tensor.detach().contiguous()
        for number, network in enumerate(networks)
        for key, tensor in network.state_dict().items()
    }
    shapes = [network.shape.to_json() for network in networks]
    path = folder / f"{name}.safetensors"
    temporary = path.with_suffix(".part")
    save_file(tensors, temporary, {"format": FORMAT, "shapes": json.dumps(shapes), "trained": json.dumps(trained)})
    temporary.replace(path)


def load(folder: Path, name: str, expected: dict[str, Any]) -> tuple[list[Network], dict[str, Any]] | None:
    """A set's networks and how they were trained; None if there are none yet.

    Raises:
        Conflict: they were trained from other data, by another recipe, seed or in other minutes than `expected`.
        UnreadableFile: the file is broken.
    """
    path = folder / f"{name}.safetensors"
    if not path.is_file():
        return None
    try:
        with safe_open(path, "pt") as file:
            about = file.metadata() or {}
            if about.get("format") != FORMAT:
                raise UnreadableFile(f"{path} holds no networks of this benchmark; remove it to train again")
            trained: dict[str, Any] = json.loads(about["trained"])
            networks = []
            for number, values in enumerate(json.loads(about["shapes"])):
                network = Network(Shape(**values))
                tag = f"{number}."
                network.load_state_dict({k[len(tag) :]: file.get_tensor(k) for k in file.keys() if k.startswith(tag)})  # noqa: SIM118
                networks.append(network.eval())
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise UnreadableFile(f"{path} is broken: {error}; remove it to train again") from error
    differing = [key for key, value in expected.items() if trained.get(key) != value]
    if differing:
        raise Conflict(
            f"the networks in {path} differ in {', '.join(differing)} from what was asked; "
            "remove the file to train again, or name another folder"
        )
    return networks, trained
