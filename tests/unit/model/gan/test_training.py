"""Training: it learns, the penalty works, it resumes exactly after a stop, and it reports errors."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from bandmate_model.checks.validity import violations
from bandmate_model.data.pieces import DatasetUnusable
from bandmate_model.gan.roll import BLOCK_STEPS
from bandmate_model.open_composer import open_composer
from bandmate_model.training.checkpoint import CheckpointUnusable
from bandmate_model.training.environment import MlFolders
from bandmate_model.training.gan.dataset import BlockSet
from bandmate_model.training.gan.device_batch import DeviceBatch
from bandmate_model.training.gan.options import GanOptions
from bandmate_model.training.gan.train import GanTrainer, run
from bandmate_shared.contracts.composition import CompositionRequest, PartSpec

TINY = {
    "architecture": "gan",
    "threads": "1",
    "device": "cpu",
    "batch": "6",
    "step_width": "12",
    "beat_width": "16",
    "mixers": "1",
    "head": "8",
    "noise": "6",
    "bar_noise": "3",
    "log_steps": "2",
    "evaluate_steps": "4",
    "evaluation_blocks": "16",
}


class Never:
    raised = False


class After:
    """A stop flag that is set at its nth check."""

    def __init__(self, looks: int) -> None:
        self._looks = looks

    @property
    def raised(self) -> bool:
        self._looks -= 1
        return self._looks < 0


@pytest.fixture
def trainer(blocks: BlockSet, tmp_path: Path) -> Callable[..., GanTrainer]:
    def make(name: str = "run", **values: str) -> GanTrainer:
        torch.set_num_threads(1)
        options = GanOptions.parse(TINY | values)
        return GanTrainer(MlFolders(tmp_path / name), options, blocks, torch.device("cpu"), "dataset")

    return make


@pytest.fixture
def job(tmp_path: Path, write_dataset: Any, tune: Any) -> Callable[..., Path]:
    """A training job's folder with a small dataset."""
    pieces = []
    for number in range(12):
        piece = tune(number, band=number % 2 == 1)
        parts = [(part.name, part.program, part.is_drum, "harmony", part.instrument) for part in piece.parts]
        notes = [tuple(row) for row in piece.notes.tolist()]
        pieces.append({"name": piece.name, "style": piece.style, "bars": piece.bars, "notes": notes, "parts": parts})
    dataset = write_dataset(tmp_path / "dataset", pieces)

    def make(name: str, **hyperparameters: str) -> Path:
        root = tmp_path / name
        (root / "input" / "config").mkdir(parents=True)
        (root / "input" / "data").mkdir()
        (root / "input" / "data" / "training").symlink_to(dataset)
        (root / "input" / "config" / "hyperparameters.json").write_text(json.dumps(TINY | hyperparameters))
        return root

    return make


def test_a_few_steps_bring_made_blocks_nearer_to_real_ones(trainer: Callable[..., GanTrainer]) -> None:
    learning = trainer(
        max_steps="40", batch="4", learning_rate="0.02", averaging="0.9", evaluate_steps="1000", log_steps="1000"
    )
    before = learning.measure("nothing")[1].total
    assert learning.train(Never())
    assert learning.best_loss < 0.9 * before


def test_the_penalty_bounds_the_critics_slope(trainer: Callable[..., GanTrainer]) -> None:
    """The same critic steps with and without it: without it, the slope moves away from its target."""
    slopes = []
    for penalised in (True, False):
        learning = trainer(f"penalised-{penalised}", critic_learning_rate="0.01", penalty="10")
        random = torch.Generator().manual_seed(1)
        for step in range(14):
            batch = learning._drawing.draw(step, 6)
            learning.learn_critic(batch, random, penalised=penalised)
        batch = learning._drawing.draw(99, 6)
        source = DeviceBatch.of(batch, torch.device("cpu"))
        cells = source.cells.requires_grad_(True)
        score = learning.critic(cells, source.marks, source.condition).sum()
        (slope,) = torch.autograd.grad(score, cells)
        slopes.append(float(slope[:, BLOCK_STEPS:].square().sum(dim=(1, 2)).sqrt().mean()))
    assert slopes[0] < 0.5 * slopes[1]


def test_a_stopped_run_goes_on_as_if_nothing_had_been(
    trainer: Callable[..., GanTrainer], capsys: pytest.CaptureFixture[str]
) -> None:
    whole = trainer("whole", max_steps="10")
    assert whole.train(Never())
    first = trainer("stopped", max_steps="10")
    assert not first.train(After(7))
    assert first.step == 7
    second = trainer("stopped", max_steps="10")
    assert "resuming at step 7" in capsys.readouterr().out
    assert second.train(Never())
    for name, tensor in whole._trained.state_dict().items():
        assert torch.equal(tensor, second._trained.state_dict()[name]), name
    for whole_optimizer, resumed_optimizer in zip(whole._optimizers, second._optimizers, strict=True):
        for key, state in whole_optimizer.state_dict()["state"].items():
            assert all(torch.equal(state[name], resumed_optimizer.state_dict()["state"][key][name]) for name in state)
    assert whole.best_weights().read_bytes() == second.best_weights().read_bytes()
    assert [row["valid_loss"] for row in whole.history if "valid_loss" in row] == [
        row["valid_loss"] for row in second.history if "valid_loss" in row
    ]


def test_a_checkpoint_of_other_options_is_refused(trainer: Callable[..., GanTrainer]) -> None:
    trainer(max_steps="50").train(After(2))
    with pytest.raises(CheckpointUnusable, match="the checkpoint is of another run"):
        trainer(max_steps="51")


def test_a_loss_that_is_no_number_ends_the_run(trainer: Callable[..., GanTrainer]) -> None:
    learning = trainer(max_steps="4", warmup_share="0")
    with torch.no_grad():
        next(learning.critic.parameters()).fill_(float("nan"))
    with pytest.raises(ValueError, match="not a finite number; use a lower learning_rate"):
        learning.train(Never())


def test_a_job_leaves_a_model_that_composes(job: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    root = job("whole", max_steps="6", id="small")
    run(MlFolders(root), Never())
    output = capsys.readouterr().out
    line = next(line for line in output.splitlines() if line.startswith("[metrics] step=6"))
    fields = dict(pair.split("=") for pair in line.removeprefix("[metrics] ").split())
    assert list(fields) == ["step", "epoch", "train_loss", "valid_loss", "tokens_per_second", "eta_seconds"]
    names = {path.name for path in (root / "model").iterdir()}
    assert {"model.safetensors", "config.json", "metrics.json", "loss.png", "MODEL_CARD.md"} <= names
    metrics = json.loads((root / "model" / "metrics.json").read_text())
    assert metrics["generated_valid_share"] == 1.0
    assert 0 < metrics["valid_loss"] < 3
    assert metrics["nothing.melody.polyphony.reference"] == pytest.approx(1.0)
    composer = open_composer(root / "model")
    assert composer.info.id == "small"
    composition_request = CompositionRequest(
        style="band",
        tonic=9,
        mode="minor",
        numerator=3,
        denominator=4,
        bars=5,
        tempo=90,
        seeds=[1],
        parts=[PartSpec(name="flute", role="melody", program=73, monophonic=True, low=60, high=90)],
    )
    take = composer.compose(composer.plan(composition_request), [(1, 0)])[0]
    assert violations(composition_request, take.notes) == []


@pytest.mark.parametrize(
    ("hyperparameters", "reason"),
    [
        ({"hiden": "8"}, "unknown hyperparameter 'hiden'; those of the gan are"),
        ({"batch": "many"}, "hyperparameter batch='many' is no whole number"),
        ({"penalty": "-1"}, "has to lie in"),
        ({"loss": "wgan"}, "unknown hyperparameter 'loss'"),
        ({"device": "tpu"}, "device='tpu'; write auto, cpu or cuda"),
        ({"band": "x"}, "write songs"),
        *([] if torch.cuda.is_available() else [({"device": "cuda"}, "there is no GPU that torch can use")]),
    ],
)
def test_wrong_hyperparameters_are_named(
    job: Callable[..., Path], hyperparameters: dict[str, str], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        run(MlFolders(job("wrong", **hyperparameters)), Never())


def test_a_job_without_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetUnusable, match="no input channel 'training'"):
        run(MlFolders(tmp_path), Never())


def test_several_hosts_are_refused(job: Callable[..., Path]) -> None:
    root = job("hosts")
    (root / "input" / "config" / "resourceconfig.json").write_text(
        json.dumps({"current_host": "algo-1", "hosts": ["algo-1", "algo-2"], "network_interface_name": "lo"})
    )
    with pytest.raises(ValueError, match="trained on one host, and the job has 2"):
        run(MlFolders(root), Never())
