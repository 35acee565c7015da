"""Training jobs' folders, laid out like /opt/ml, with a network of the size of a toy."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.spawned import Spawn
from tests.support.tunes import tune

TINY = {
    "hidden": "16",
    "layers": "1",
    "streams": "4",
    "steps": "48",
    "precision": "float32",
    "threads": "1",
    "device": "cpu",
    "log_steps": "2",
    "evaluate_steps": "4",
    "evaluation_takes": "0",
    "samples": "0",
    "warmup_steps": "2",
}
TINY_TRANSFORMER = {"heads": "2", "feedforward": "24", "window": "256"}


class Never:
    """A stop flag that is never set."""

    raised = False


class After:
    """A stop flag that is set at its nth check."""

    def __init__(self, looks: int) -> None:
        self._looks = looks

    @property
    def raised(self) -> bool:
        self._looks -= 1
        return self._looks < 0


def write_hyperparameters(root: Path, **hyperparameters: str) -> None:
    defaults = TINY_TRANSFORMER if hyperparameters.get("architecture", "transformer") == "transformer" else {}
    values = TINY | defaults | hyperparameters
    (root / "input" / "config" / "hyperparameters.json").write_text(json.dumps(values))


@pytest.fixture
def start(spawn: Spawn) -> "Callable[..., subprocess.Popen[str]]":
    """`start(root, NAME=value)`: the container's `train` in a process of its own, with those settings."""

    def run(root: Path, **settings: str) -> "subprocess.Popen[str]":
        environment = os.environ | {"BANDMATE_ML_ROOT": str(root), "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "bandmate_model", "train"]
        return spawn(command, env=environment | settings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    return run


def failure(root: Path) -> str:
    return (root / "output" / "failure").read_text()


@pytest.fixture(scope="session")
def tunes() -> list[dict[str, Any]]:
    """Six tunes of two styles, for write_dataset: which also puts the third and the sixth into the validation split."""
    pieces = []
    for number in range(6):
        score = tune(number, bars=12)
        rows = [
            (part, *(int(value) for value in (row[0] // 20, row[1] // 20, row[2], row[3])))
            for part, score_part in enumerate(score.parts)
            for row in np.stack(
                [score_part.notes.onset, score_part.notes.duration, score_part.notes.pitch, score_part.notes.velocity],
                1,
            )
        ]
        pieces.append(
            {
                "name": f"tune-{number}",
                "style": ("air", "jig")[number % 2],
                "tonic": score.keys[0].key.tonic,
                "bars": [(96, 4, 4)] * 12,
                "notes": sorted(rows),
                "parts": [("Fiddle", 40, False, "melody", "strings"), ("Bass", 32, False, "bass", "bass")],
            }
        )
    return pieces


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory, tunes: Any, write_dataset: Callable[..., Path]) -> Path:
    return write_dataset(tmp_path_factory.mktemp("tunes"), tunes)


@pytest.fixture
def job(tmp_path: Path, dataset: Path) -> Callable[..., Path]:
    """`job(name, data=…, hyperparameter=…)`: a training job's folder."""

    def make(name: str, data: Path = dataset, **hyperparameters: str) -> Path:
        root = tmp_path / name
        (root / "input" / "config").mkdir(parents=True)
        (root / "input" / "data").mkdir()
        (root / "input" / "data" / "training").symlink_to(data)
        write_hyperparameters(root, **hyperparameters)
        return root

    return make


@pytest.fixture
def train(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """`train(root)`: what the container's `train` does, in this process; its exit status."""

    def run(root: Path, stop: Any = None) -> int:
        from bandmate_model.training.train import main

        monkeypatch.setenv("BANDMATE_ML_ROOT", str(root))
        return main(stop or Never())

    return run
