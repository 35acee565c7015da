"""Wrong use of the container's `train`: a failure file with a readable reason, and nothing lost."""

import json
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from bandmate_model.model_files import ModelUnusable
from bandmate_model.serving.loaded import LoadedModel
from bandmate_model.training import checkpoint
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from .conftest import After, failure, write_hyperparameters

Train = Callable[..., int]


def refused(train: Train, root: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The reason why the job fails, which is also on stderr, without a traceback."""
    assert train(root) == 1
    message = capsys.readouterr().err
    assert "Traceback" not in message
    reason = failure(root)
    assert message == f"training failed: {reason}\n"
    return reason


@pytest.mark.parametrize(
    ("pieces", "notes", "reason"),
    [
        (
            2,
            1000,
            "the dataset is too small to split: of its pieces with at least 8 notes 2 are to train on and none to ",
        ),
        (6, 3, "the dataset has no training piece of at least 8 notes"),
    ],
)
def test_too_little_music(
    job: Any,
    train: Train,
    write_dataset: Any,
    tunes: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    pieces: int,
    notes: int,
    reason: str,
) -> None:
    few = [piece | {"notes": piece["notes"][:notes], "parts": piece["parts"][:2]} for piece in tunes[:pieces]]
    for piece in few:
        piece["parts"] = piece["parts"][: 1 + max(row[0] for row in piece["notes"])]
    root = job("small", write_dataset(tmp_path / "few", few))
    assert refused(train, root, capsys).startswith(reason)


def test_more_styles_than_a_model_knows(
    job: Any, train: Train, write_dataset: Any, tunes: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    many = [tunes[0] | {"name": str(number), "style": f"style-{number}"} for number in range(33)]
    root = job("many", write_dataset(tmp_path / "many", many))
    assert refused(train, root, capsys).startswith("the dataset has 33 styles, and a model knows 32 at most")


def test_no_dataset(job: Any, train: Train, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    root = job("empty", tmp_path / "empty")
    reason = "the training channel holds no pieces.parquet: it is not a Bandmate dataset"
    assert refused(train, root, capsys) == reason
    (root / "input" / "data" / "training").unlink()
    assert refused(train, root, capsys) == "the job has no input channel 'training'"


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
@pytest.mark.parametrize("family", ["transformer", "rnn", "gan"])
def test_a_gpu_that_is_not_there(job: Any, train: Train, capsys: pytest.CaptureFixture[str], family: str) -> None:
    root = job("gpu", architecture=family, device="cuda")
    if family == "gan":
        (root / "input" / "config" / "hyperparameters.json").write_text('{"architecture": "gan", "device": "cuda"}')
    assert "device=cuda, and there is no GPU that torch can use" in refused(train, root, capsys)


@pytest.mark.parametrize(("family", "option"), [("gan", "critic_steps"), ("rnn", "streams"), ("transformer", "window")])
def test_a_hyperparameter_of_no_family_names_those_of_this_one(
    job: Any, train: Train, capsys: pytest.CaptureFixture[str], family: str, option: str
) -> None:
    root = job("names")
    values = {"architecture": family, "colour": "blue"}
    (root / "input" / "config" / "hyperparameters.json").write_text(json.dumps(values))
    reason = refused(train, root, capsys)
    assert reason.startswith("unknown hyperparameter 'colour'")
    assert f"of the {family}" in reason
    assert option in reason


def test_memory_that_does_not_suffice(job: Any) -> None:
    """A batch of 8 rows of 8,192 tokens, in a process whose memory is limited to little more than torch needs."""
    root = job("large", streams="8", steps="8192", max_steps="1")

    def confine() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))

    environment = {"BANDMATE_ML_ROOT": str(root), "OMP_NUM_THREADS": "1", "PATH": ""}
    result = subprocess.run(
        [sys.executable, "-m", "bandmate_model", "train"],
        env=environment,
        preexec_fn=confine,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 1, result.stdout + result.stderr
    assert failure(root).startswith("out of memory; lower streams or steps (rows and tokens of a batch), or hidden, ")


def edited(path: Path, **changes: torch.Tensor) -> None:
    """A safetensors file with some tensors replaced."""
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    save_file(load_file(path) | changes, path, metadata)


def test_a_loss_that_is_no_number_ends_the_run_and_the_best_weights_are_kept(
    job: Any, train: Train, capsys: pytest.CaptureFixture[str]
) -> None:
    root = job("overflow", max_steps="100")
    assert train(root, After(6 + 9)) == 0
    path, best = root / "checkpoints" / checkpoint.FILE_NAME, root / "checkpoints" / checkpoint.BEST_NAME
    edited(path, **{"model.model.norm.weight": torch.full((16,), 3e38)})
    before = path.read_bytes(), best.read_bytes()
    capsys.readouterr()
    reason = refused(train, root, capsys)
    assert reason.startswith(
        "the loss is not a finite number at step 10; use a learning_rate lower than 0.004 or a clip "
    )
    assert reason.endswith("; the best weights so far are kept in output/data/last-good")
    assert (path.read_bytes(), best.read_bytes()) == before, "nothing is written over"
    last_good = LoadedModel.load(root / "output" / "data" / "last-good")
    assert last_good.info.styles == ["air", "jig"]
    stored = load_file(last_good.folder / "model.safetensors")
    assert all(torch.equal(stored[name], tensor.bfloat16()) for name, tensor in load_file(best).items())
    assert not (root / "model").exists()


def test_a_checkpoint_of_another_run(
    job: Any, train: Train, write_dataset: Any, tunes: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = job("other", max_steps="100")
    assert train(root, After(10)) == 0
    before = (root / "checkpoints" / checkpoint.FILE_NAME).read_bytes()
    message = "the checkpoint is of another run: "
    end = "; empty the folder of checkpoints to begin anew"
    write_hyperparameters(root, max_steps="100", hidden="24", seed="3")
    assert refused(train, root, capsys) == f"{message}hidden is 16 there and 24 here; seed is 1 there and 3 here{end}"
    write_hyperparameters(root, max_steps="100", architecture="rnn")
    assert refused(train, root, capsys) == f"{message}architecture is transformer there and rnn here{end}"
    (root / "input" / "config" / "hyperparameters.json").write_text('{"architecture": "gan", "max_steps": "1"}')
    assert refused(train, root, capsys) == f"{message}architecture is transformer there and gan here{end}"
    write_hyperparameters(root, max_steps="100")
    (root / "input" / "data" / "training").unlink()
    (root / "input" / "data" / "training").symlink_to(write_dataset(tmp_path / "others", tunes[3:] + tunes[:3]))
    assert refused(train, root, capsys).startswith(f"{message}dataset is ")
    assert (root / "checkpoints" / checkpoint.FILE_NAME).read_bytes() == before, "the checkpoint is as it was"


def test_a_broken_checkpoint(job: Any, train: Train, capsys: pytest.CaptureFixture[str]) -> None:
    root = job("broken", max_steps="6")
    assert train(root, After(12)) == 0
    path, best = root / "checkpoints" / checkpoint.FILE_NAME, root / "checkpoints" / checkpoint.BEST_NAME
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"PK" + bytes(500), b"\x02" + bytes(7) + b"{}"):
        path.write_bytes(content)
        assert refused(train, root, capsys).startswith("the checkpoint cannot be read: "), content[:20]
        assert path.read_bytes() == content
    path.write_bytes(whole)
    edited(path, **{"model.model.norm.weight": torch.ones(5)})
    assert refused(train, root, capsys).startswith("the checkpoint is of another network: ")
    path.write_bytes(whole)
    best.write_bytes(b"broken")
    write_hyperparameters(root, max_steps="6")
    reason = refused(train, root, capsys)
    assert reason.startswith("the weights in best.safetensors cannot be used: ")


def test_best_weights_that_are_missing_are_looked_for_anew(
    job: Any, train: Train, capsys: pytest.CaptureFixture[str]
) -> None:
    root = job("lost", max_steps="8")
    assert train(root, After(6 + 5)) == 0
    (root / "checkpoints" / checkpoint.BEST_NAME).unlink()
    assert train(root) == 0
    assert "the best weights are missing beside the checkpoint" in capsys.readouterr().out
    metrics = json.loads((root / "model" / "metrics.json").read_text())
    rows = [
        row["valid_loss"] for row in checkpoint.history(root / "checkpoints") if row["step"] > 5 and "valid_loss" in row
    ]
    assert metrics["valid_loss"] == pytest.approx(min(rows), rel=0.01)


def test_initial_weights_that_cannot_be_used(
    job: Any, train: Train, make_model: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = job("start", max_steps="1")
    initial = root / "input" / "data" / "initial"

    def reason(folder: Path) -> str:
        shutil.rmtree(initial, ignore_errors=True)
        shutil.copytree(folder, initial)
        return refused(train, root, capsys)

    (tmp_path / "nothing").mkdir()
    assert reason(tmp_path / "nothing").startswith("the channel of initial weights holds no model: ")
    model = tmp_path / "model"
    shutil.copytree(make_model("transformer"), model)
    assert reason(model).startswith("nothing of the initial model fits: it has other sizes")
    assert reason(make_model("rnn")).startswith("the initial model is of architecture rnn, and the training is of ")
    weights = model / "model.safetensors"
    whole = weights.read_bytes()
    edited(weights, **{"model.norm.weight": torch.full((32,), float("nan"))})
    assert reason(model) == "the initial model's weights hold values that are no numbers: model.norm.weight"
    weights.write_bytes(whole[:-100])
    assert reason(model).startswith("the initial model's weights cannot be read: ")
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps(config | {"representation": "events"}))
    assert reason(model).startswith("the initial model was made by an earlier version and writes other tokens")
    (root / "input" / "config" / "hyperparameters.json").write_text('{"architecture": "gan"}')
    assert reason(model) == "a gan starts from nothing: train it without an initial model"


def test_a_model_folder_with_broken_weights_is_not_served(make_model: Any, tmp_path: Path) -> None:
    shutil.copytree(make_model("transformer"), tmp_path / "model")
    path = tmp_path / "model" / "model.safetensors"
    whole = np.frombuffer(path.read_bytes(), np.uint8)
    for content in (whole[: len(whole) // 2].tobytes(), b"", bytes(64)):
        path.write_bytes(content)
        with pytest.raises(ModelUnusable, match="safetensors"):
            LoadedModel.load(tmp_path / "model")
