"""A dataset in the store, and a train service whose trainer is the tiny one beside this file."""

import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from bandmate_shared.http.app import create_app
from bandmate_shared.jobs.execution.inprocess import InProcessQueue
from bandmate_shared.jobs.model import Job, NewJob
from bandmate_shared.objects.base import Storage
from bandmate_shared.runtime import Runtime
from bandmate_shared.settings import SharedSettings
from bandmate_train.api import routers
from bandmate_train.settings import TrainSettings
from bandmate_train.trainers.subprocess import SubprocessTrainer
from bandmate_train.training import TrainingHandler
from fastapi import FastAPI
from starlette.testclient import TestClient

TINY = Path(__file__).parent / "tiny_trainer.py"
TINY_COMMAND = [sys.executable, str(TINY)]


def write_dataset(
    storage: Storage, name: str, version: str = "v1", notes: bytes = b"\x64" * 50, space: str = ""
) -> None:
    """A dataset as the ingest service leaves it: tables, manifest, and `latest.json` last."""
    files = {"notes.parquet": b"\x64" * 50, "pieces.parquet": b"\x66" * 50}
    entries = {file: {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)} for file, data in files.items()}
    manifest = {"kind": "dataset", "name": name, "version": version, "files": entries}
    for file, data in files.items():
        storage.put(f"{space}datasets/{name}/{version}/{file}", data)
    storage.put(f"{space}datasets/{name}/{version}/manifest.json", json.dumps(manifest).encode())
    storage.put(f"{space}datasets/{name}/latest.json", json.dumps({"version": version}).encode())


@pytest.fixture
def trainer(settings: SharedSettings) -> SubprocessTrainer:
    return SubprocessTrainer(TINY_COMMAND, settings.home, stop_seconds=5)


@pytest.fixture
def handler(settings: SharedSettings, trainer: SubprocessTrainer) -> TrainingHandler:
    return TrainingHandler(TrainSettings(home=settings.home), trainer)


@pytest.fixture
def toy(runtime: Runtime) -> str:
    write_dataset(runtime.storage, "toy")
    return "toy"


@pytest.fixture
def train(runtime: Runtime, queue: InProcessQueue, handler: TrainingHandler, toy: str) -> Callable[..., Job]:
    """`train(steps="3", …)`: run one training job to its end; returns it."""

    def run(request: dict[str, Any] | None = None, **hyperparameters: Any) -> Job:
        content = {"dataset": toy, "hyperparameters": hyperparameters, **(request or {})}
        job = runtime.store.submit(NewJob("training", content)).job
        queue.run_all(runtime, {"training": handler})
        return runtime.store.get(job.id)

    return run


@pytest.fixture
def app(runtime: Runtime) -> FastAPI:
    return create_app(runtime, "Train", routers(runtime))


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, base_url="http://127.0.0.1:8000") as opened:
        yield opened
