"""The trainer that runs a process here: the folders it makes, how it stops, how it goes on."""

import importlib.util
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from bandmate_shared.settings import SharedSettings
from bandmate_train.settings import TrainSettings
from bandmate_train.trainers.base import (
    METRIC_DEFINITIONS,
    TrainerInterrupted,
    TrainerMissing,
    TrainingFailed,
    TrainingPlan,
    as_hyperparameters,
    parse_metrics,
)
from bandmate_train.trainers.subprocess import SubprocessTrainer, require_torch
from hypothesis import given
from hypothesis import strategies as st


@pytest.fixture
def plan(tmp_path: Path) -> TrainingPlan:
    dataset = tmp_path / "dataset"
    dataset.mkdir()
    (dataset / "notes.parquet").write_bytes(b"\x64" * 100)
    return TrainingPlan("training_1", dataset, {"architecture": "rnn", "id": "m", "steps": "4"})


def slow(plan: TrainingPlan, **extra: str) -> TrainingPlan:
    hyperparameters = {**plan.hyperparameters, "steps": "1000", "step_seconds": "0.02", **extra}
    return TrainingPlan(plan.job_id, plan.dataset, hyperparameters)


def test_a_training_runs_in_sagemakers_folders_to_its_end(
    trainer: SubprocessTrainer, plan: TrainingPlan, settings: SharedSettings
) -> None:
    run = trainer.start(plan)
    steps = [update.metrics["step"] for update in run.follow() if update.metrics]
    run.stop()
    assert steps == [1, 2, 3, 4]
    root = settings.home / "trainings" / plan.job_id / "ml"
    assert json.loads((root / "input/config/hyperparameters.json").read_text()) == plan.hyperparameters
    assert (root / "input/data/training/notes.parquet").read_bytes() == b"\x64" * 100
    assert run.model == root / "model"
    assert (run.model / "model.safetensors").is_file()
    assert [line["step"] for line in run.history()] == [1, 2, 3, 4]
    assert "valid_loss" not in run.history()[0], "nan is not reported as a metric"
    trainer.discard(plan.job_id)
    assert not (settings.home / "trainings" / plan.job_id).exists()


def test_stopping_saves_and_starting_again_goes_on(trainer: SubprocessTrainer, plan: TrainingPlan) -> None:
    run = trainer.start(slow(plan))
    reached = next(update.metrics["step"] for update in run.follow() if update.metrics.get("step", 0) >= 3)
    run.stop()
    again = trainer.start(TrainingPlan(plan.job_id, plan.dataset, {**plan.hyperparameters, "steps": "60"}))
    steps = [update.metrics["step"] for update in again.follow() if update.metrics]
    assert steps[0] > reached, "it must not begin anew"
    assert steps[-1] == 60
    assert "resuming at step" in again.log.read_text()
    history = [line["step"] for line in again.history()]
    assert history[0] == 1
    assert history == sorted(history), "the history is of all attempts"


def test_a_trainer_that_ignores_the_stop_is_killed_after_the_grace_period(
    plan: TrainingPlan, settings: SharedSettings
) -> None:
    from tests.unit.train.conftest import TINY_COMMAND

    run = SubprocessTrainer(TINY_COMMAND, settings.home, stop_seconds=0.3).start(slow(plan, trouble="deaf"))
    next(update for update in run.follow() if update.metrics)
    run.stop()
    with pytest.raises(TrainerInterrupted, match="SIGKILL"):
        list(run.follow())


def test_an_orphan_of_an_earlier_attempt_is_ended_before_the_next_begins(
    trainer: SubprocessTrainer, plan: TrainingPlan, settings: SharedSettings, wait_until: Callable[..., None]
) -> None:
    lock = settings.home / "trainings" / plan.job_id / "lock"
    orphan = trainer.start(slow(plan))
    next(update for update in orphan.follow() if update.metrics)
    orphan_pid = int(lock.read_text())
    assert orphan_pid != os.getpid()
    second = trainer.start(slow(plan))
    with pytest.raises(TrainerInterrupted, match="stopped before the model was finished"):
        list(orphan.follow())
    next(update for update in second.follow() if update.metrics)
    assert int(lock.read_text()) != orphan_pid
    second.stop()
    orphan.stop()


def test_a_failure_file_is_the_reason(trainer: SubprocessTrainer, plan: TrainingPlan) -> None:
    run = trainer.start(slow(plan, colour="blue"))
    with pytest.raises(TrainingFailed, match="unknown hyperparameter 'colour'"):
        list(run.follow())
    run.stop()


@pytest.mark.parametrize(("trouble", "reason"), [("dies", "SIGKILL"), ("crashes", "status 3: Segmentation fault")])
def test_a_dead_trainer_is_a_retryable_error(
    trainer: SubprocessTrainer, plan: TrainingPlan, trouble: str, reason: str
) -> None:
    run = trainer.start(slow(plan, trouble=trouble))
    with pytest.raises(TrainerInterrupted, match=reason) as raised:
        list(run.follow())
    assert raised.value.retryable
    run.stop()


def test_a_missing_program_is_reported_at_once(settings: SharedSettings, plan: TrainingPlan) -> None:
    with pytest.raises(TrainerMissing, match="no-such-trainer"):
        SubprocessTrainer(["no-such-trainer"], settings.home, 1).start(plan)


def test_metric_expressions_keep_sagemakers_limits() -> None:
    assert len(METRIC_DEFINITIONS) <= 40
    assert all(len(expression) <= 500 for expression in METRIC_DEFINITIONS.values())
    line = "[metrics] step=100 epoch=0.42 train_loss=1.234 valid_loss=1.300 tokens_per_second=5600 eta_seconds=120"
    assert parse_metrics(line) == {
        "step": 100,
        "epoch": 0.42,
        "train_loss": 1.234,
        "valid_loss": 1.3,
        "tokens_per_second": 5600,
        "eta_seconds": 120,
    }
    assert parse_metrics("the train_loss=1.0 is fine") == {}
    assert parse_metrics("[metrics] step=7 valid_loss=nan train_loss=1e-3 eta_seconds=-") == {
        "step": 7,
        "train_loss": 1e-3,
    }


@given(st.text())
def test_no_line_of_output_breaks_the_parser(line: str) -> None:
    parse_metrics("[metrics] step=" + line)
    parse_metrics(line)


def test_hyperparameters_become_strings_within_sagemakers_limits() -> None:
    assert as_hyperparameters({"a": 1, "b": 0.5, "c": True, "d": "x"}) == {"a": "1", "b": "0.5", "c": "true", "d": "x"}
    for bad in ({"a": "x" * 2501}, {"": 1}, {"n" * 257: 1}, {str(i): i for i in range(101)}):
        with pytest.raises(Exception, match="hyperparameter"):
            as_hyperparameters(bad)


def test_the_own_trainer_without_torch_is_refused_with_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    require_torch(["/opt/bin/train"])
    with pytest.raises(TrainerMissing, match=r"pip install 'bandmate-model\[train\]'") as caught:
        require_torch(TrainSettings().trainer_arguments)
    assert not caught.value.retryable
