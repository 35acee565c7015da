"""The evaluation gate: checks that a trained model must pass before it is registered.

A training can succeed and still produce a useless model: a loss that never fell, or only noise. Every check is listed
with what it found, so that the report of a refused model says what to change.
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
"""Formats that can run code when loaded, or contain such a file; not allowed in a model."""
VALID_SHARE = "generated_valid_share"
"""In metrics.json: the share of the takes composed after training that were valid music."""
SOUND_SHARE = "generated_sound_share"
"""In metrics.json: the share of the takes that are neither empty nor one bar over and over."""
EVALUATION = "evaluation.json"
"""Written by the model container into the model's folder, and, with the checks, among the job's artifacts."""
_MAX_HEADER_BYTES = 100_000_000


class GateFailed(InvalidRequest):
    """The trained model failed a check and is not registered."""

    type = "evaluation-gate"
    title = "Evaluation gate not passed"


@dataclass(frozen=True)
class Check:
    """The outcome of one check."""

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
    """Check a model folder. `history` is every line of metrics the trainer printed; losses in nats."""
    metrics = read_metrics(model, output)
    first = next((line["valid_loss"] for line in history if "valid_loss" in line), None)
    checks = [
        _check_files(model),
        _check_weights(model),
        _check_loss(metrics.get("valid_loss", math.nan), first, loss_ratio),
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
    """The measures of each style in the model's evaluation.json; empty without one."""
    try:
        styles = json.loads((model / EVALUATION).read_text())["styles"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return styles if isinstance(styles, dict) else {}


def _check_files(model: Path) -> Check:
    missing = [name for name in REQUIRED_FILES if not (model / name).is_file()]
    unsafe = [path.name for path in model.rglob("*") if path.suffix in UNSAFE_SUFFIXES]
    problems = " and ".join(
        part for part in (missing and f"without {', '.join(missing)}", unsafe and f"with {', '.join(unsafe)}") if part
    )
    requirement = f"{', '.join(REQUIRED_FILES)}, and no file that can run code"
    return Check("files", not problems, requirement, problems or "all of them")


def _check_weights(model: Path) -> Check:
    """The format's header is 8 bytes of length, little-endian, and so many bytes of JSON."""
    requirement = "a safetensors file with finite size"
    try:
        with (model / "model.safetensors").open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= _MAX_HEADER_BYTES:
                return Check("weights", False, requirement, "no safetensors header")
            header = json.loads(file.read(length))
    except (OSError, ValueError):
        return Check("weights", False, requirement, "a file that cannot be read as one")
    tensors = len([name for name in header if name != "__metadata__"])
    return Check("weights", tensors > 0, requirement, f"{tensors} tensors")


def _check_loss(loss: float, first: float | None, ratio: float) -> Check:
    if not math.isfinite(loss):
        return Check("validation loss", False, "a finite number in metrics.json", str(loss))
    if first is None:
        return Check("validation loss", True, "a finite number", f"{loss:.4f}")
    limit = first * ratio
    return Check("validation loss", loss <= limit, f"at most {limit:.4f} ({ratio:g} x the first)", f"{loss:.4f}")
