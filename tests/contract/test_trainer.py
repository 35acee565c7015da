"""The conformance suite of `Trainer`: a local process, and SageMaker training jobs over the real wire format.

Both run the same tiny trainer, a real program that follows the container's contract.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from bandmate_train.settings import TrainSettings
from bandmate_train.trainers.base import Trainer, TrainerInterrupted, TrainingFailed, TrainingPlan
from bandmate_train.trainers.subprocess import SubprocessTrainer

from tests.support.moto_server import MotoServer, aws, bucket, moto_server  # noqa: F401 - fixtures
from tests.support.sagemaker_server import SageMakerServer, sagemaker_server
from tests.unit.train.conftest import TINY_COMMAND

ROLE = "arn:aws:iam::123456789012:role/bandmate-training"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/bandmate/model:1.0"


@dataclass
class Place:
    """Makes trainers for the same trainings, also as a worker on another machine."""

    kind: str
    settings: TrainSettings
    server: SageMakerServer | None = None

    def trainer(self, elsewhere: str = "") -> Trainer:
        if self.kind == "subprocess":
            return SubprocessTrainer(TINY_COMMAND, self.settings.home, stop_seconds=5)
        from bandmate_train.trainers.sagemaker import SageMakerTrainer

        return SageMakerTrainer(self.settings.model_copy(update={"home": self.settings.home / elsewhere}))


def sagemaker_settings(home: Path, bucket: str, **changes: object) -> TrainSettings:  # noqa: F811
    values: dict[str, object] = {
        "home": home,
        "trainer": "sagemaker",
        "sagemaker_image": IMAGE,
        "sagemaker_role": ROLE,
        "sagemaker_s3": f"s3://{bucket}/sagemaker",
        "sagemaker_poll_seconds": 0.05,
        "training_seconds": 3600,
    }
    return TrainSettings.model_validate(values | changes)


@pytest.fixture
def server(
    tmp_path: Path,
    aws: MotoServer,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[SageMakerServer]:
    with sagemaker_server(TINY_COMMAND, tmp_path / "instances") as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture(params=["subprocess", "sagemaker"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "subprocess":
        return Place("subprocess", TrainSettings(home=tmp_path / "home"))
    running: SageMakerServer = request.getfixturevalue("server")
    settings = sagemaker_settings(tmp_path / "home", request.getfixturevalue("bucket"), sagemaker_spot=True)
    return Place("sagemaker", settings, running)


@pytest.fixture
def plan(tmp_path: Path) -> TrainingPlan:
    dataset = tmp_path / "dataset"
    dataset.mkdir()
    (dataset / "notes.parquet").write_bytes(b"\x64" * 100)
    return TrainingPlan("training_01", dataset, {"architecture": "rnn", "id": "m", "steps": "4"})


def with_hyperparameters(plan: TrainingPlan, **changes: str) -> TrainingPlan:
    return replace(plan, hyperparameters={**plan.hyperparameters, **changes})


def slow(plan: TrainingPlan, **changes: str) -> TrainingPlan:
    return with_hyperparameters(plan, **{"steps": "1000", "step_seconds": "0.02", **changes})


def test_a_training_runs_to_its_end_and_leaves_its_model(place: Place, plan: TrainingPlan) -> None:
    trainer = place.trainer()
    run = trainer.start(plan)
    updates = list(run.follow())
    run.detach()
    assert [update.metrics["step"] for update in updates if update.metrics] == [1, 2, 3, 4]
    assert [line["step"] for line in run.history()] == [1, 2, 3, 4]
    assert "valid_loss" not in run.history()[0], "nan is no metric"
    files = {"model.safetensors", "config.json", "metrics.json", "MODEL_CARD.md", "loss.png"}
    assert {path.name for path in run.model.iterdir()} == files
    assert b'"id": "m"' in (run.model / "config.json").read_bytes()
    assert "[metrics] step=4" in run.log.read_text()
    trainer.discard(plan.job_id)
    assert not run.model.exists()


def test_a_stopped_training_resumes_at_the_next_start(place: Place, plan: TrainingPlan) -> None:
    run = place.trainer().start(slow(plan))
    reached = next(update.metrics["step"] for update in run.follow() if update.metrics.get("step", 0) >= 3)
    run.stop()
    run.stop()  # A second call does nothing.
    again = place.trainer("elsewhere").start(with_hyperparameters(plan, steps="60"))
    steps = [update.metrics["step"] for update in again.follow() if update.metrics]
    assert steps[0] > reached, "it must not begin anew"
    assert steps[-1] == 60
    history = [line["step"] for line in again.history()]
    assert history[0] == 1
    assert history == sorted(set(history)), "the history is of all attempts"


def test_a_training_stopped_from_outside_is_retryable(place: Place, plan: TrainingPlan) -> None:
    run = place.trainer().start(slow(plan))
    updates = run.follow()
    next(update for update in updates if update.metrics)
    run.stop()
    with pytest.raises(TrainerInterrupted, match="stopped before the model was finished"):
        list(updates)


def test_a_failure_with_a_reason_is_final(place: Place, plan: TrainingPlan) -> None:
    run = place.trainer().start(with_hyperparameters(plan, colour="blue"))
    with pytest.raises(TrainingFailed) as caught:
        list(run.follow())
    assert caught.value.detail == "unknown hyperparameter 'colour'"
    run.detach()


def test_a_training_that_failed_leaves_its_best_weights(place: Place, plan: TrainingPlan) -> None:
    trainer = place.trainer()
    run = trainer.start(with_hyperparameters(plan, trouble="overflows"))
    with pytest.raises(TrainingFailed, match="the best weights are kept in last-good"):
        list(run.follow())
    last_good = run.output / "data" / "last-good"
    assert {path.name for path in last_good.iterdir()} == {"model.safetensors", "config.json"}
    run.detach()
    trainer.discard(plan.job_id)
    assert not last_good.exists()


@pytest.mark.parametrize("trouble", ["dies", "crashes"])
def test_a_trainer_that_dies_without_a_reason_is_retryable(place: Place, plan: TrainingPlan, trouble: str) -> None:
    run = place.trainer().start(with_hyperparameters(plan, trouble=trouble))
    with pytest.raises(TrainerInterrupted) as caught:
        list(run.follow())
    assert caught.value.retryable
    again = place.trainer().start(plan)
    assert [update.metrics["step"] for update in again.follow() if update.metrics] == [3, 4]
    again.detach()


def test_empty_updates_come_while_nothing_is_printed(place: Place, plan: TrainingPlan) -> None:
    run = place.trainer().start(with_hyperparameters(plan, steps="1", step_seconds="1.2"))
    assert sum(not update.metrics and not update.message for update in run.follow()) >= 1


def test_an_initial_model_is_a_separate_channel(place: Place, plan: TrainingPlan, tmp_path: Path) -> None:
    initial = tmp_path / "initial-model"
    initial.mkdir()
    (initial / "config.json").write_text("{}")
    run = place.trainer().start(replace(plan, initial=initial))
    assert any(update.message == "starting from initial" for update in run.follow())
    run.detach()


# SageMaker only.


@pytest.fixture
def remote(tmp_path: Path, server: SageMakerServer, bucket: str) -> Place:  # noqa: F811
    settings = sagemaker_settings(tmp_path / "home", bucket, sagemaker_spot=True)
    return Place("sagemaker", settings, server)


def test_a_second_worker_follows_the_training_of_a_killed_one(
    remote: Place, server: SageMakerServer, plan: TrainingPlan
) -> None:
    first = remote.trainer().start(with_hyperparameters(plan, steps="30", step_seconds="0.02"))
    next(update for update in first.follow() if update.metrics)
    first.detach()  # As when the worker is killed.
    second = remote.trainer("elsewhere").start(plan)
    steps = [update.metrics["step"] for update in second.follow() if update.metrics]
    assert steps == list(range(1, 31)), "nothing of what was printed is missing"
    assert server.calls["CreateTrainingJob"] == 1
    assert list(server.jobs) == ["bandmate-training-01-1"]
    third = remote.trainer("again").start(plan)
    list(third.follow())
    assert server.calls["CreateTrainingJob"] == 1, "a model that is there is not trained again"
    assert (third.model / "model.safetensors").is_file()


def test_a_spot_interruption_loses_no_steps(remote: Place, server: SageMakerServer, plan: TrainingPlan) -> None:
    run = remote.trainer().start(with_hyperparameters(plan, steps="40", step_seconds="0.02"))
    messages, interrupted = [], False
    for update in run.follow():
        messages.append(update.message)
        if update.metrics.get("step", 0) >= 5 and not interrupted:
            interrupted = True
            server.interrupt("bandmate-training-01-1")
    assert [line["step"] for line in run.history()] == list(range(1, 41))
    assert server.jobs["bandmate-training-01-1"].starts == 2
    assert "SageMaker: Training job interrupted" in messages
    assert any(message.startswith("resuming at step") for message in messages)


def test_the_job_after_a_failed_one_has_a_new_name_and_the_same_checkpoints(
    remote: Place, server: SageMakerServer, plan: TrainingPlan
) -> None:
    run = remote.trainer().start(slow(plan))
    updates = run.follow()
    next(update for update in updates if update.metrics.get("step", 0) >= 3)
    server.fail("bandmate-training-01-1", "CapacityError: Unable to provision requested ML compute capacity")
    with pytest.raises(TrainerInterrupted, match="CapacityError: Unable to provision"):
        list(updates)
    again = remote.trainer().start(with_hyperparameters(plan, steps="20"))
    steps = [update.metrics["step"] for update in again.follow() if update.metrics]
    assert list(server.jobs) == ["bandmate-training-01-1", "bandmate-training-01-2"]
    assert steps[0] > 3
    assert steps[-1] == 20


def test_unreadable_output_does_not_hide_why_the_job_failed(remote: Place, plan: TrainingPlan, tmp_path: Path) -> None:
    small = Place("sagemaker", remote.settings.model_copy(update={"model_archive_bytes": 10}), remote.server)
    run = small.trainer().start(with_hyperparameters(plan, trouble="overflows"))
    with pytest.raises(TrainingFailed, match="no number any more"):
        list(run.follow())


def test_throttling_is_waited_out(remote: Place, server: SageMakerServer, plan: TrainingPlan) -> None:
    server.throttle = 2
    run = remote.trainer().start(plan)
    assert [update.metrics["step"] for update in run.follow() if update.metrics] == [1, 2, 3, 4]
    assert server.calls["CreateTrainingJob"] == 3


def test_discarding_a_training_empties_its_folder_in_the_bucket(
    remote: Place,
    plan: TrainingPlan,
    bucket: str,  # noqa: F811
) -> None:
    import boto3

    trainer = remote.trainer()
    list(trainer.start(plan).follow())
    keys = [entry["Key"] for entry in boto3.client("s3").list_objects_v2(Bucket=bucket)["Contents"]]
    assert "sagemaker/trainings/training_01/checkpoints/state.json" in keys
    trainer.discard(plan.job_id)
    assert "Contents" not in boto3.client("s3").list_objects_v2(Bucket=bucket)
