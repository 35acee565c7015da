"""What the generate service's tests share: a model server as a real process, and the starter model in a registry."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from bandmate_generate.settings import GenerateSettings
from bandmate_shared.contracts.trainings import ModelManifest
from bandmate_shared.runtime import Runtime, open_runtime

from tests.support.spawned import spawning

START_SECONDS = 60.0


@dataclass(frozen=True)
class ModelServer:
    url: str


@pytest.fixture(scope="session")
def model_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServer]:
    """`python -m bandmate_model serve`, empty, on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    root = tmp_path_factory.mktemp("ml")
    environment = {**os.environ, "BANDMATE_ML_ROOT": str(root), "BANDMATE_MODEL_PORT": str(port)}
    url = f"http://127.0.0.1:{port}"
    with spawning() as spawn:
        _wait_for(url, spawn([sys.executable, "-m", "bandmate_model", "serve"], env=environment))
        yield ModelServer(url)


def _wait_for(url: str, process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, "the model server died at its start"
        try:
            if httpx2.get(f"{url}/ping").status_code == 200:
                return
        except httpx2.TransportError:
            time.sleep(0.05)
    raise AssertionError("the model server did not answer /ping in time")


@dataclass(frozen=True)
class Workplace:
    """A runtime with the starter model registered, and settings that point to the model server."""

    runtime: Runtime
    settings: GenerateSettings
    model: ModelManifest


@pytest.fixture
def workplace(tmp_path: Path, model_server: ModelServer) -> Iterator[Workplace]:
    import bandmate_model
    from bandmate_shared.jobs.execution.inprocess import InProcessQueue
    from bandmate_train.promotion.starter import register_starter

    settings = GenerateSettings(home=tmp_path, model_url=model_server.url, candidates=2)
    runtime = open_runtime(settings, InProcessQueue())
    manifest = register_starter(runtime.storage, Path(bandmate_model.__file__).parent / "starter")
    yield Workplace(runtime, settings, manifest)
    runtime.close()
