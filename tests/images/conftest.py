"""The model image in a container, with /opt/ml as SageMaker lays it out. It is built when the engine has none."""

import json
import os
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.unit.model.conftest import chorales, dataset, write_dataset

__all__ = ["chorales", "dataset", "write_dataset"]

IMAGE = os.environ.get("BANDMATE_MODEL_IMAGE", "bandmate/model:dev")
REPOSITORY = Path(__file__).parents[2]
BUILD_SECONDS = 1800
TINY = {
    "hidden": "16", "layers": "1", "feedforward": "24", "streams": "4", "steps": "48", "precision": "float32",
    "threads": "1", "log_steps": "2", "evaluate_steps": "4", "evaluation_takes": "1", "warmup_steps": "2",
}  # fmt: skip
READ_ONLY = ("--read-only", "--tmpfs", "/tmp")
CONFINED = (*READ_ONLY, "--cap-drop", "ALL", "--security-opt", "no-new-privileges")


def docker(*arguments: str, check: bool = True, seconds: float = 120) -> str:
    result = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=seconds, check=False)
    assert not check or result.returncode == 0, f"docker {' '.join(arguments)}: {result.stderr}"
    return (result.stdout + result.stderr).strip()


class Container:
    """A container that may still run."""

    def __init__(self, name: str) -> None:
        self.name = name

    def wait(self, seconds: float = 240) -> int:
        return int(docker("wait", self.name, seconds=seconds))

    def logs(self) -> str:
        return docker("logs", self.name)

    def signal(self, name: str) -> None:
        docker("kill", "--signal", name, self.name)

    def inspect(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads(docker("inspect", self.name))[0]
        return state

    def wait_for_log(self, text: str, seconds: float = 120) -> None:
        """Wait until it has printed the text."""
        deadline = time.monotonic() + seconds
        while text not in self.logs():
            assert self.inspect()["State"]["Running"], self.logs()
            assert time.monotonic() < deadline, f"{text!r} did not come: {self.logs()}"
            time.sleep(0.1)

    def url(self, port: int = 8080) -> str:
        """Where a port of the container is published."""
        return "http://" + docker("port", self.name, f"{port}/tcp").splitlines()[0]


Run = Callable[..., Container]


@pytest.fixture(scope="session")
def image() -> str:
    if docker("image", "inspect", IMAGE, check=False).startswith("[]"):
        docker("build", "-f", "services/model/Dockerfile", "-t", IMAGE, str(REPOSITORY), seconds=BUILD_SECONDS)
    return IMAGE


@pytest.fixture
def run(image: str) -> Iterator[Run]:
    """`run(*arguments, root=…, options=…)` starts a container; it is removed at the end."""
    containers: list[Container] = []

    def start(*arguments: str, root: Path | None = None, options: Sequence[str] = ()) -> Container:
        name = f"bandmate-image-test-{uuid.uuid4().hex[:10]}"
        mount = ["--volume", f"{root}:/opt/ml"] if root is not None else []
        containers.append(Container(name))
        docker("run", "--detach", "--name", name, *mount, *options, image, *arguments)
        return containers[-1]

    yield start
    for container in containers:
        docker("rm", "--force", "--volumes", container.name, check=False)


@pytest.fixture
def network() -> Iterator[str]:
    name = f"bandmate-image-test-{uuid.uuid4().hex[:10]}"
    docker("network", "create", name)
    yield name
    docker("network", "rm", name, check=False)


@pytest.fixture
def make_job(tmp_path: Path, dataset: Path) -> Callable[..., Path]:
    """A training job's /opt/ml, as SageMaker lays it out, writable by anyone."""

    def make(name: str, hosts: Sequence[str] = ("algo-1",), current: str = "algo-1", **hyperparameters: str) -> Path:
        root = tmp_path / name
        config, data = root / "input" / "config", root / "input" / "data" / "training"
        for folder in (config, data, root / "model", root / "output" / "data", root / "checkpoints"):
            folder.mkdir(parents=True)
        for path in dataset.iterdir():
            (data / path.name).write_bytes(path.read_bytes())
        files = {
            "hyperparameters": TINY | hyperparameters,
            "resourceconfig": {"current_host": current, "hosts": list(hosts), "network_interface_name": "eth0"},
            "inputdataconfig": {
                "training": {
                    "TrainingInputMode": "File",
                    "S3DistributionType": "FullyReplicated",
                    "RecordWrapperType": "None",
                }
            },
        }
        for file, content in files.items():
            (config / f"{file}.json").write_text(json.dumps(content))
        for path in (root, *root.rglob("*")):
            path.chmod(0o777 if path.is_dir() else 0o666)
        return root

    return make
