"""The evaluation gate: what a trained model must show before it is registered.

A training can end well and leave a useless model: a loss that never fell, or only noise. Every check is listed with
what was found, so that the report of a refused model says what to change.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bandmate_shared.errors import InvalidRequest

REQUIRED_FILES = ("model.safetensors", "config.json", "MODEL_CARD.md")
UNSAFE_SUFFIXES = frozenset({".pkl", ".pickle", ".pt", ".pth", ".bin", ".ckpt", ".joblib", ".npy"})
"""Formats that can run code when they are loaded, or that hide such a file: no model may hold one."""
VALID_SHARE = "generated_valid_share"
"""In metrics.json: the share of the takes composed after training that were valid music."""
SOUND_SHARE = "generated_sound_share"
"""In metrics.json: the share of the takes that are neither empty nor one bar over and over."""
EVALUATION = "evaluation.json"
"""Written by the model container into the model's folder, and, with the checks, among the job's artifacts."""
_MOST_HEADER_BYTES = 100_000_000


class GateFailed(InvalidRequest):
    """The model was trained, and is not good enough to be registered."""

    type = "evaluation-gate"
    title = "The model did not pass its evaluation"


@dataclass(frozen=True)
class Check:
    """One thing looked at: what was wanted, what was found."""

    name: str
    passed: bool
    wanted: str
    found: str


@dataclass(frozen=True)
class Evaluation:
    """`evaluation.json`: the checks, the model's own metrics, and style by style how its music compares with held-out
    music (empty for a container that does not measure that)."""

    passed: bool
    checks: list[Check]
    metrics: dict[str, float]
    styles: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> bytes:
        return json.dumps(asdict(self), indent=1).encode()

    def require(self) -> None:
        """Raise GateFailed, naming every check that failed."""
        if not self.passed:
            failed = [
                f"{check.name}: wanted {check.wanted}, found {check.found}" for check in self.checks if not check.passed
            ]
            raise GateFailed("; ".join(failed))


def evaluate(
    model: Path, output: Path, history: Sequence[dict[str, float]], loss_ratio: float, valid_share: float
) -> Evaluation:
    """Judge a model folder. `history` is every line of metrics the trainer printed; losses in nats."""
    metrics = read_metrics(model, output)
    first = next((line["valid_loss"] for line in history if "valid_loss" in line), None)
    checks = [
        _files_are_there(model),
        _weights_are_safetensors(model),
        _loss_fell(metrics.get("valid_loss", math.nan), first, loss_ratio),
    ]
    for name, number in (("valid music", VALID_SHARE), ("music that goes on", SOUND_SHARE)):
        if number in metrics:
            share = metrics[number]
            checks.append(Check(name, share >= valid_share, f"at least {valid_share:.0%} of takes", f"{share:.0%}"))
    return Evaluation(all(check.passed for check in checks), checks, metrics, _styles(model))


def read_metrics(model: Path, output: Path) -> dict[str, float]:
    """The numbers in the model's own metrics.json, from its folder or the training's output; empty without one."""
    for path in (model / "metrics.json", output / "data" / "metrics.json"):
        if path.is_file():
            try:
                values: Any = json.loads(path.read_text())
            except ValueError:
                return {}
            return {name: float(value) for name, value in values.items() if isinstance(value, int | float)}
    return {}


def _styles(model: Path) -> dict[str, Any]:
    """What the model's own evaluation.json says of each style."""
    try:
        styles = json.loads((model / EVALUATION).read_text())["styles"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return styles if isinstance(styles, dict) else {}


def _files_are_there(model: Path) -> Check:
    missing = [name for name in REQUIRED_FILES if not (model / name).is_file()]
    unsafe = [path.name for path in model.rglob("*") if path.suffix in UNSAFE_SUFFIXES]
    found = " and ".join(
        part for part in (missing and f"without {', '.join(missing)}", unsafe and f"with {', '.join(unsafe)}") if part
    )
    wanted = f"{', '.join(REQUIRED_FILES)}, and no file that can run code"
    return Check("files", not found, wanted, found or "all of them")


def _weights_are_safetensors(model: Path) -> Check:
    """The format's header is 8 bytes of length, little-endian, and so many bytes of JSON."""
    wanted = "a safetensors file with finite size"
    try:
        with (model / "model.safetensors").open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= _MOST_HEADER_BYTES:
                return Check("weights", False, wanted, "no safetensors header")
            header = json.loads(file.read(length))
    except (OSError, ValueError):
        return Check("weights", False, wanted, "a file that cannot be read as one")
    tensors = len([name for name in header if name != "__metadata__"])
    return Check("weights", tensors > 0, wanted, f"{tensors} tensors")


def _loss_fell(loss: float, first: float | None, ratio: float) -> Check:
    if not math.isfinite(loss):
        return Check("validation loss", False, "a finite number in metrics.json", str(loss))
    if first is None:
        return Check("validation loss", True, "a finite number", f"{loss:.4f}")
    limit = first * ratio
    return Check("validation loss", loss <= limit, f"at most {limit:.4f} ({ratio:g} x the first)", f"{loss:.4f}")
