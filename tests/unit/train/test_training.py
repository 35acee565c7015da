"""The training job from request to registered model, with a real trainer process."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from bandmate_shared.contracts.jobs import JobState
from bandmate_shared.jobs.execution.inprocess import InProcessQueue
from bandmate_shared.jobs.model import Job, NewJob
from bandmate_shared.registry.models import fetch_model, read_alias, read_model, resolve_model
from bandmate_shared.runtime import Runtime
from bandmate_shared.settings import SharedSettings
from bandmate_train.promotion.starter import register_starter
from bandmate_train.training import TrainingHandler, notes_on

from tests.support.spawned import Spawn
from tests.unit.train.conftest import TINY, write_dataset


def test_a_training_ends_in_a_registered_model_with_its_lineage(
    runtime: Runtime, train: Callable[..., Job], tmp_path: Path
) -> None:
    job = train({"name": "first"}, steps=5)
    assert job.state == JobState.SUCCEEDED, job.error
    assert job.result is not None
    assert job.result["model"] == "first"
    manifest = read_model(runtime.storage, "first")
    assert manifest is not None
    assert manifest.dataset["name"] == "toy"
    assert manifest.dataset["version"] == "v1"
    assert len(manifest.dataset["sha256"]) == 64
    assert (manifest.hyperparameters, manifest.code_version, manifest.job_id) == ({"steps": 5}, "tiny 1", job.id)
    assert list(manifest.metrics) == ["valid_loss"]
    folder = fetch_model(runtime.storage, manifest, tmp_path / "models")
    assert {path.name for path in folder.iterdir()} >= {"model.safetensors", "config.json", "MODEL_CARD.md"}
    names = {artifact.name for artifact in job.artifacts}
    written = {"loss.png", "config.json", "metrics.json", "MODEL_CARD.md"}
    assert names == {"evaluation.json", "history.json", "train.log"} | written
    assert read_alias(runtime.storage, "production") is None, "nothing is promoted unasked"
    assert not (runtime.settings.home / "trainings" / job.id).exists()


def test_events_tell_stages_progress_and_the_time_left(runtime: Runtime, train: Callable[..., Job]) -> None:
    job = train(steps=30, step_seconds=0.03)
    events = runtime.store.events(job.id)
    stages = [event.data["stage"] for event in events if event.type == "stage"]
    assert stages == ["prepare", "train", "evaluate", "register"]
    progress = [event.data for event in events if event.type == "progress"]
    fractions = [event["fraction"] for event in progress]
    assert fractions == sorted(fractions)
    assert any(0 < fraction < 1 for fraction in fractions)
    assert any(event.get("eta_seconds") is not None and "loss" in event["message"] for event in progress)
    assert "bandmate.model.trained" in [event.type for event in events]


def test_promoting_on_request(runtime: Runtime, train: Callable[..., Job]) -> None:
    job = train({"promote": True})
    assert job.result is not None
    assert job.result["promoted_to"] == "production"
    assert resolve_model(runtime.storage).id == job.result["model"]


def test_a_worse_model_is_registered_and_not_promoted(runtime: Runtime, train: Callable[..., Job]) -> None:
    good = train({"promote": True, "name": "good"}, steps=40)
    worse = train({"promote": True, "name": "worse"}, steps=4)
    assert good.result is not None
    assert worse.result is not None
    assert worse.result["promoted_to"] is None
    assert "worse is worse than good: held-out loss" in worse.result["not_promoted"]
    assert resolve_model(runtime.storage).id == "good"
    assert read_model(runtime.storage, "worse") is not None


def test_a_first_model_that_cannot_be_compared_with_the_starter_is_not_promoted(
    runtime: Runtime, train: Callable[..., Job], tmp_path: Path
) -> None:
    starter = tmp_path / "starter"
    starter.mkdir()
    (starter / "model.safetensors").write_bytes(b"weights")
    (starter / "config.json").write_text('{"architecture": "transformer", "dataset_sha256": "of-another-dataset"}')
    (starter / "metrics.json").write_text('{"valid_loss": 2.0, "overlap_share": 0.97}')
    register_starter(runtime.storage, starter)
    job = train({"promote": True, "name": "tiny"}, steps=4)
    assert job.state == JobState.SUCCEEDED, job.error
    assert job.result is not None
    assert job.result["promoted_to"] is None
    assert "tiny (transformer) cannot be compared with starter-" in job.result["not_promoted"]
    assert resolve_model(runtime.storage).id.startswith("starter-")


def test_a_killed_trainer_goes_on_from_its_checkpoint(
    runtime: Runtime,
    train: Callable[..., Job],
    queue: InProcessQueue,
    handler: TrainingHandler,
    wait_until: Callable[..., None],
) -> None:
    job = train(steps=6, trouble="dies")
    assert job.state == JobState.QUEUED, "it waits for its next attempt"

    def next_attempt() -> bool:
        queue.run_all(runtime, {"training": handler})
        return runtime.store.get(job.id).state.is_final

    wait_until(next_attempt, "the second attempt")
    finished = runtime.store.get(job.id)
    assert (finished.state, finished.attempt) == (JobState.SUCCEEDED, 2), finished.error
    history = next(artifact for artifact in finished.artifacts if artifact.name == "history.json")
    lines = json.loads(runtime.storage.get(f"blobs/{history.sha256[:2]}/{history.sha256}"))
    assert [line["step"] for line in lines] == [1, 2, 3, 4, 5, 6], "no step twice"


def test_a_training_can_start_from_a_model(runtime: Runtime, train: Callable[..., Job]) -> None:
    train({"name": "first", "promote": True})
    job = train({"name": "second", "initial": "production"})
    assert job.state == JobState.SUCCEEDED, job.error
    log = next(artifact for artifact in job.artifacts if artifact.name == "train.log")
    assert b"starting from initial" in runtime.storage.get(f"blobs/{log.sha256[:2]}/{log.sha256}")
    second = read_model(runtime.storage, "second")
    assert second is not None
    assert second.initial == "first"
    unknown = train({"initial": "nobody"})
    assert unknown.error is not None
    assert unknown.error.type == "unknown-model"


def test_the_best_weights_of_a_training_that_fails_become_a_model(
    runtime: Runtime, train: Callable[..., Job], tmp_path: Path
) -> None:
    job = train({"name": "first"}, steps=5, trouble="overflows")
    assert job.state == JobState.FAILED
    assert job.error is not None
    model_id = f"first-last-good-{job.id[-10:]}"
    detail = f"no number any more; the best weights are kept in last-good, and are the model {model_id}"
    assert (job.error.type, job.error.detail) == ("training-failed", detail)
    assert read_model(runtime.storage, "first") is None
    model = read_model(runtime.storage, model_id)
    assert model is not None
    assert (model.job_id, model.metrics) == (job.id, {})
    assert train({"name": "second", "initial": model_id}).state == JobState.SUCCEEDED


WORKER = """
import sys
from bandmate_shared.jobs.execution.inprocess import InProcessQueue
from bandmate_shared.jobs.execution.worker import run_job
from bandmate_shared.runtime import open_runtime
from bandmate_train.settings import TrainSettings
from bandmate_train.trainers.subprocess import SubprocessTrainer
from bandmate_train.promotion.starter import register_starter
from bandmate_train.training import TrainingHandler, notes_on

settings = TrainSettings()
trainer = SubprocessTrainer(settings.trainer_arguments, settings.home, settings.trainer_stop_seconds)
run_job(open_runtime(settings, InProcessQueue()), sys.argv[1], {"training": TrainingHandler(settings, trainer)})
"""


@pytest.mark.chaos
def test_a_killed_worker_takes_its_trainer_along_and_the_next_one_resumes(
    settings: SharedSettings, runtime: Runtime, toy: str, wait_until: Callable[..., None], spawn: Spawn
) -> None:
    request = {"dataset": toy, "hyperparameters": {"steps": 120, "step_seconds": 0.02}}
    job = runtime.store.submit(NewJob("training", request)).job
    env = {
        **os.environ,
        "BANDMATE_HOME": str(settings.home),
        "BANDMATE_LEASE_SECONDS": "1.0",
        "BANDMATE_HEARTBEAT_SECONDS": "0.2",
        "BANDMATE_TRAINER_COMMAND": f"{sys.executable} {TINY}",
    }

    def work() -> "subprocess.Popen[str]":
        return spawn([sys.executable, "-c", WORKER, job.id], env=env)

    folder = settings.home / "trainings" / job.id
    metrics = folder / "metrics.jsonl"
    worker = work()
    wait_until(lambda: metrics.exists() and metrics.read_text().count("\n") >= 5, "some steps")
    trainer_pid = int((folder / "lock").read_text())
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    if sys.platform == "linux":
        wait_until(lambda: not _lives(trainer_pid), "the trainer to follow its worker")
    wait_until(lambda: runtime.store.sweep()["requeued"] == 1, "the lease to run out")
    assert work().wait(60) == 0
    finished = runtime.store.get(job.id)
    assert (finished.state, finished.attempt) == (JobState.SUCCEEDED, 2), finished.error
    log = next(artifact for artifact in finished.artifacts if artifact.name == "train.log")
    assert b"resuming at step" in runtime.storage.get(f"blobs/{log.sha256[:2]}/{log.sha256}")


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.process
def test_cancelling_stops_the_trainer(
    runtime: Runtime, queue: InProcessQueue, handler: TrainingHandler, toy: str, wait_until: Callable[..., None]
) -> None:
    import threading

    request = {"dataset": toy, "hyperparameters": {"steps": 100_000, "step_seconds": 0.01}}
    job = runtime.store.submit(NewJob("training", request)).job
    worker = threading.Thread(target=queue.run_all, args=(runtime, {"training": handler}))
    worker.start()
    lock = runtime.settings.home / "trainings" / job.id / "lock"
    wait_until(lambda: lock.exists() and lock.read_text().isdigit(), "the trainer to start")
    pid = int(lock.read_text())
    wait_until(lambda: any(event.type == "progress" for event in runtime.store.events(job.id)), "progress")
    runtime.store.cancel(job.id, "local")
    worker.join(30)
    assert runtime.store.get(job.id).state == JobState.CANCELLED
    assert not _lives(pid)
    assert not lock.exists(), "nothing is kept for a job that will not go on"


@pytest.mark.parametrize(
    ("hyperparameters", "error", "words"),
    [
        ({"colour": "blue"}, "training-failed", "unknown hyperparameter 'colour'"),
        ({"trouble": "worse"}, "evaluation-gate", "validation loss: wanted at most"),
        ({"trouble": "pickles"}, "evaluation-gate", "extra.pkl"),
    ],
)
def test_a_bad_training_fails_once_with_its_reason_and_registers_nothing(
    runtime: Runtime, train: Callable[..., Job], hyperparameters: dict[str, str], error: str, words: str
) -> None:
    job = train({"name": "bad"}, **hyperparameters)
    assert (job.state, job.attempt) == (JobState.FAILED, 1)
    assert job.error is not None
    assert job.error.type == error
    assert words in job.error.detail
    assert read_model(runtime.storage, "bad") is None


def test_unknown_and_damaged_datasets(runtime: Runtime, train: Callable[..., Job]) -> None:
    missing = train({"dataset": "nope"})
    assert missing.error is not None
    assert missing.error.type == "unknown-dataset"
    assert "there are: toy" in missing.error.detail
    runtime.storage.put("datasets/toy/v1/notes.parquet", b"other bytes")
    damaged = train()
    assert damaged.error is not None
    assert damaged.error.type == "corrupt-dataset"


def test_a_tenant_trains_on_its_own_and_shared_datasets_only(
    runtime: Runtime, queue: InProcessQueue, handler: TrainingHandler, toy: str
) -> None:
    write_dataset(runtime.storage, "secret", space="tenants/acme/")
    outcome = {}
    for tenant, dataset in (("acme", "secret"), ("acme", toy), ("zenith", "secret")):
        request = {"dataset": dataset, "name": f"{tenant}-{dataset}", "promote": True}
        job = runtime.store.submit(NewJob("training", request, tenant)).job
        queue.run_all(runtime, {"training": handler})
        outcome[tenant, dataset] = runtime.store.get(job.id)
    assert outcome["acme", "secret"].state == outcome["acme", toy].state == JobState.SUCCEEDED
    refused = outcome["zenith", "secret"].error
    assert refused is not None
    assert refused.type == "unknown-dataset"
    assert resolve_model(runtime.storage, tenant="acme").id == "acme-secret", "of another dataset, so not comparable"
    assert read_model(runtime.storage, "acme-toy", "acme") is not None
    assert read_model(runtime.storage, "acme-toy", "zenith") is None
    assert read_model(runtime.storage, "acme-toy") is None


def test_a_training_too_short_to_learn_says_so() -> None:
    losses = [{"step": 0.0, "valid_loss": 3.0}, {"step": 50.0, "valid_loss": 2.5}]
    assert notes_on(losses) == []
    assert "too short" in notes_on(losses[:1])[0]
    assert "did not learn: after 50 steps" in notes_on([losses[0], {"step": 50.0, "valid_loss": 3.1}])[0]
