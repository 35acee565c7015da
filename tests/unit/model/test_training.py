"""Training as the container runs it: real processes in a folder laid out like /opt/ml."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bandmate_model.checkpoint import CheckpointUnusable
from bandmate_model.data import NoteTable
from bandmate_model.environment import MlFolders
from bandmate_model.evaluate import describe, overlap
from bandmate_model.loaded import LoadedModel
from bandmate_model.options import TrainingOptions
from bandmate_model.train import main, run
from safetensors.numpy import load_file

TINY = {
    "hidden": "16", "head": "8", "streams": "2", "steps": "16", "precision": "float32", "threads": "1",
    "log_steps": "2", "evaluate_steps": "4", "evaluation_takes": "1", "warmup_steps": "2",
}  # fmt: skip


@pytest.fixture
def job(tmp_path: Path, dataset: Path) -> Callable[..., Path]:
    """A training job's folder."""

    def make(name: str, **hyperparameters: str) -> Path:
        root = tmp_path / name
        (root / "input" / "config").mkdir(parents=True)
        (root / "input" / "data").mkdir()
        (root / "input" / "data" / "training").symlink_to(dataset)
        write_hyperparameters(root, **hyperparameters)
        return root

    return make


def write_hyperparameters(root: Path, **hyperparameters: str) -> None:
    values = TINY | hyperparameters
    (root / "input" / "config" / "hyperparameters.json").write_text(json.dumps(values))


class Never:
    """A stop flag that stays down."""

    raised = False


class After:
    """A stop flag that is up at its nth look."""

    def __init__(self, looks: int) -> None:
        self._looks = looks

    @property
    def raised(self) -> bool:
        self._looks -= 1
        return self._looks < 0


def start(root: Path) -> subprocess.Popen[str]:
    environment = os.environ | {"BANDMATE_ML_ROOT": str(root), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "bandmate_model", "train"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_a_job_trains_and_leaves_a_model(job: Any) -> None:
    root = job("whole", max_steps="8")
    process = start(root)
    output, _ = process.communicate(timeout=240)
    assert process.returncode == 0, output
    line = next(line for line in output.splitlines() if line.startswith("[metrics] step=8"))
    fields = dict(pair.split("=") for pair in line.removeprefix("[metrics] ").split())
    names = ["step", "epoch", "train_loss", "valid_loss", "tokens_per_second", "eta_seconds"]
    assert list(fields) == names, "one line, one pattern"
    assert all(float(fields[name]) >= 0 for name in names)
    model = root / "model"
    files = {"model.safetensors", "config.json", "originality.safetensors", "metrics.json", "loss.png", "MODEL_CARD.md"}
    assert {path.name for path in model.iterdir()} == files
    assert (model / "loss.png").read_bytes().startswith(b"\x89PNG")
    metrics = json.loads((model / "metrics.json").read_text())
    assert metrics["generated_valid_share"] == 1.0
    assert 0 < metrics["valid_loss"] < 30
    assert all(isinstance(value, int | float) for value in metrics.values())
    loaded = LoadedModel.load(model)
    assert loaded.network.info.styles == ["chorale"]
    assert (root / "output" / "data" / "metrics.json").is_file()
    assert not (root / "output" / "failure").exists()


def test_a_stopped_run_goes_on_as_if_nothing_had_been(job: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The weights after SIGTERM to a real process and resumption are those of a run that was never stopped."""
    straight = job("straight", max_steps="24")
    run(MlFolders(straight), Never())
    stopped = job("stopped", max_steps="24")
    process = start(stopped)
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("[metrics] step=4 "):
            process.send_signal(signal.SIGTERM)
            break
    sent = time.monotonic()
    output = "".join(lines) + process.communicate(timeout=60)[0]
    assert process.returncode == 0, output
    assert time.monotonic() - sent < 30, "SIGTERM has to end training within seconds"
    assert "the checkpoint is written" in output
    assert not (stopped / "model").exists(), "a stopped job has no model"
    run(MlFolders(stopped), Never())
    assert "resuming at step" in capsys.readouterr().out
    ours, theirs = ((root / "model" / "model.safetensors").read_bytes() for root in (straight, stopped))
    assert ours == theirs


def test_a_checkpoint_of_another_run_is_refused(job: Any) -> None:
    root = job("other", max_steps="100")
    run(MlFolders(root), After(20))
    assert (root / "checkpoints" / "checkpoint.safetensors").is_file()
    write_hyperparameters(root, max_steps="100", hidden="24")
    with pytest.raises(CheckpointUnusable, match="the checkpoint is of another run: options differ; empty the folder"):
        run(MlFolders(root), Never())


def test_weights_of_another_model_can_be_the_start(job: Any, capsys: pytest.CaptureFixture[str]) -> None:
    first = job("first", max_steps="2")
    run(MlFolders(first), Never())
    second = job("second", max_steps="2")
    (second / "input" / "data" / "initial").symlink_to(first / "model")
    capsys.readouterr()
    run(MlFolders(second), Never())
    weights = load_file(first / "model" / "model.safetensors")
    assert f"starting from the weights of a model: {len(weights)} tensors taken over" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("hyperparameters", "reason"),
    [
        ({"hiden": "8"}, "unknown hyperparameter 'hiden'"),
        ({"hidden": "many"}, "hyperparameter hidden='many' is no whole number"),
        ({"dropout": "1.5"}, r"dropout=1.5: it has to lie in 0.0..0.9"),
        ({"architecture": "oracle"}, "unknown architecture 'oracle'; there is rnn"),
        ({"band": "song"}, "write songs+drums=band"),
        ({"precision": "int4"}, "write auto, float32 or bfloat16"),
    ],
)
def test_bad_hyperparameters_are_explained(hyperparameters: dict[str, str], reason: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        TrainingOptions.parse(hyperparameters)
    assert reason in str(caught.value)


def test_sdk_spellings_are_understood() -> None:
    options = TrainingOptions.parse({"architecture": '"rnn"', "hidden": "32", "sagemaker_program": "x"})
    assert (options.architecture, options.hidden) == ("rnn", 32)


def test_a_channel_without_a_dataset_fails_readably(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "input" / "data" / "training").mkdir(parents=True)
    monkeypatch.setenv("BANDMATE_ML_ROOT", str(tmp_path))
    assert main(Never()) == 1
    reason = (tmp_path / "output" / "failure").read_text()
    assert reason == "the training channel holds no pieces.parquet: it is not a Bandmate dataset"
    assert "Traceback" not in capsys.readouterr().err


def test_hyperparameters_have_to_be_strings(tmp_path: Path) -> None:
    (tmp_path / "input" / "config").mkdir(parents=True)
    (tmp_path / "input" / "config" / "hyperparameters.json").write_text('{"hidden": 8}')
    with pytest.raises(ValueError, match="values are all strings"):
        MlFolders(tmp_path).hyperparameters()


def test_the_failure_reason_is_cut(tmp_path: Path) -> None:
    MlFolders(tmp_path).write_failure("x" * 5000)
    assert len((tmp_path / "output" / "failure").read_text()) == 1024


def test_measures_of_a_scale(dataset: Path) -> None:
    scale = np.array([60, 62, 64, 65, 67, 69, 71, 72])
    onsets = np.arange(8) * 12
    notes = NoteTable(np.zeros(8), onsets, np.full(8, 12), scale, np.zeros(8, dtype=bool))
    found = describe(notes, 48, 4)
    assert found["scale_consistency"] == pytest.approx(1.0)
    assert found["empty_bars"] == 0.5
    assert found["polyphony"] == 1.0
    assert found["density"] == 2.0
    assert found["range"] == 12
    assert found["pitch_class_entropy"] == pytest.approx(2.75)
    assert overlap(np.array([0.0, 1.0]), np.array([0.0, 1.0])) == 1.0
    assert overlap(np.array([0.0, 0.1]), np.array([5.0, 5.1])) == 0.0
