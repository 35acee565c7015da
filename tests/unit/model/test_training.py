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

import pytest
from bandmate_model.environment import MlFolders
from bandmate_model.evaluate import describe, overlap
from bandmate_model.loaded import LoadedModel
from bandmate_model.options import TrainingOptions

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


def start(root: Path) -> subprocess.Popen[str]:
    environment = os.environ | {"BANDMATE_ML_ROOT": str(root), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "bandmate_model", "train"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(root: Path) -> tuple[int, str]:
    process = start(root)
    output, _ = process.communicate(timeout=120)
    return process.returncode, output


def stop_after(root: Path, line_start: str) -> str:
    """Start a job, send SIGTERM once a line begins like that, and give the output."""
    process = start(root)
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith(line_start):
            process.send_signal(signal.SIGTERM)
            break
    sent = time.monotonic()
    rest, _ = process.communicate(timeout=60)
    output = "".join(lines) + rest
    assert process.returncode == 0, output
    assert time.monotonic() - sent < 20, "SIGTERM has to end training within seconds"
    return output


def test_a_job_trains_and_leaves_a_model(job: Any) -> None:
    root = job("whole", max_steps="8")
    status, output = finish(root)
    assert status == 0, output
    assert "[metrics] step=8 epoch=" in output
    line = next(line for line in output.splitlines() if line.startswith("[metrics] step=8"))
    fields = dict(pair.split("=") for pair in line.removeprefix("[metrics] ").split())
    names = ["step", "epoch", "train_loss", "valid_loss", "tokens_per_second", "eta_seconds"]
    assert list(fields) == names, "one line, one pattern"
    assert all(float(fields[name]) >= 0 for name in names)
    model = root / "model"
    expected = {
        "model.safetensors",
        "config.json",
        "originality.safetensors",
        "metrics.json",
        "loss.png",
        "MODEL_CARD.md",
    }
    assert {path.name for path in model.iterdir()} == expected
    assert (model / "loss.png").read_bytes().startswith(b"\x89PNG")
    metrics = json.loads((model / "metrics.json").read_text())
    assert metrics["generated_valid_share"] == 1.0
    assert 0 < metrics["valid_loss"] < 30
    assert all(isinstance(value, int | float) for value in metrics.values())
    loaded = LoadedModel.load(model)
    assert loaded.network.info.styles == ["chorale"]
    assert (root / "output" / "data" / "metrics.json").is_file()
    assert not (root / "output" / "failure").exists()


def test_a_stopped_run_goes_on_as_if_nothing_had_been(job: Any) -> None:
    """The weights after SIGTERM and resumption are those of a run that was never stopped."""
    straight = job("straight", max_steps="24")
    status, output = finish(straight)
    assert status == 0, output
    stopped = job("stopped", max_steps="24")
    output = stop_after(stopped, "[metrics] step=4 ")
    assert "the checkpoint is written" in output
    assert (stopped / "checkpoints" / "checkpoint.safetensors").is_file()
    assert not (stopped / "model").exists(), "a stopped job has no model"
    status, output = finish(stopped)
    assert status == 0, output
    assert "resuming at step" in output
    ours, theirs = ((root / "model" / "model.safetensors").read_bytes() for root in (straight, stopped))
    assert ours == theirs


def test_a_checkpoint_of_another_run_is_refused(job: Any) -> None:
    root = job("other", max_steps="100000", epochs="10000")
    stop_after(root, "[metrics] step=2 ")
    write_hyperparameters(root, max_steps="100000", epochs="10000", hidden="24")
    status, output = finish(root)
    assert status == 1
    failure = (root / "output" / "failure").read_text()
    assert failure == "the checkpoint is of another run: options differ; empty the folder", output


def test_weights_of_another_model_can_be_the_start(job: Any) -> None:
    first = job("first", max_steps="4")
    assert finish(first)[0] == 0
    second = job("second", max_steps="2")
    (second / "input" / "data" / "initial").symlink_to(first / "model")
    status, output = finish(second)
    assert status == 0, output
    assert "starting from the weights of a model" in output
    taken = int(output.split("starting from the weights of a model: ")[1].split()[0])
    assert taken == int(len(json.loads(json.dumps(list(load_names(first))))))


def load_names(root: Path) -> list[str]:
    from safetensors.numpy import load_file

    return list(load_file(root / "model" / "model.safetensors"))


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


def test_a_channel_without_a_dataset_fails_readably(tmp_path: Path) -> None:
    (tmp_path / "input" / "data" / "training").mkdir(parents=True)
    status, output = finish(tmp_path)
    assert status == 1
    reason = (tmp_path / "output" / "failure").read_text()
    assert reason == "the training channel holds no pieces.parquet: it is not a Bandmate dataset"
    assert "Traceback" not in output


def test_hyperparameters_have_to_be_strings(tmp_path: Path) -> None:
    (tmp_path / "input" / "config").mkdir(parents=True)
    (tmp_path / "input" / "config" / "hyperparameters.json").write_text('{"hidden": 8}')
    with pytest.raises(ValueError, match="values are all strings"):
        MlFolders(tmp_path).hyperparameters()


def test_the_failure_reason_is_cut(tmp_path: Path) -> None:
    MlFolders(tmp_path).write_failure("x" * 5000)
    assert len((tmp_path / "output" / "failure").read_text()) == 1024


def test_measures_of_a_scale(dataset: Path) -> None:
    import numpy as np
    from bandmate_model.data import NoteTable

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
