"""SageMaker's own SDK starts the model image as a local training job: ModelTrainer in LOCAL_CONTAINER mode.

The SDK lays out /opt/ml, writes hyperparameters as JSON strings, joins the containers to a network of its own under the
interface name `ethwe`, starts the image without the word `train`, and collects the model.
"""

import json
import os
import subprocess
import tarfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.images.conftest import REPOSITORY, docker
from tests.unit.model.conftest import chorales, dataset, write_dataset

__all__ = ["chorales", "dataset", "write_dataset"]

pytestmark = pytest.mark.engine

PYTHON = REPOSITORY / ".venv-sagemaker" / "bin" / "python"
IMAGE = os.environ.get("BANDMATE_SAGEMAKER_MODEL_IMAGE", "bandmate/model-sagemaker:dev")
SCRIPT = Path(__file__).parent / "train_locally.py"
TINY = {
    "hidden": 16, "layers": 1, "feedforward": 24, "streams": 4, "steps": 48, "precision": "float32", "threads": 1,
    "log_steps": 2, "evaluate_steps": 4, "evaluation_takes": 1, "warmup_steps": 2, "max_steps": 8,
    "id": "trained-by-the-sdk",
}  # fmt: skip


@pytest.fixture(scope="module")
def image() -> str:
    build = ("build", "-f", "services/model/Dockerfile", "--target", "sagemaker", "-t", IMAGE, str(REPOSITORY))
    docker(*build, seconds=1800)
    return IMAGE


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """The SDK's working folder. Compose names its project after it; the SDK leaves the containers behind."""
    name = f"sdk{uuid.uuid4().hex[:10]}"
    yield tmp_path / name
    containers = docker("ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={name}").split()
    if containers:
        docker("rm", "--force", "--volumes", *containers)
    docker("network", "rm", "sagemaker-local", check=False)


def train(
    image: str, dataset: Path, folder: Path, hosts: int, **hyperparameters: object
) -> "subprocess.CompletedProcess[str]":
    pairs = [f"{name}={json.dumps(value)}" for name, value in (TINY | hyperparameters).items()]
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(folder), "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none", "AWS_EC2_METADATA_DISABLED": "true",
    }  # fmt: skip
    folder.mkdir(exist_ok=True)
    return subprocess.run(
        [str(PYTHON), str(SCRIPT), image, str(dataset), str(folder), str(hosts), *pairs],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


@pytest.mark.parametrize("hosts", [1, 2])
def test_the_sdk_trains_with_the_image(image: str, dataset: Path, folder: Path, hosts: int) -> None:
    result = train(image, dataset, folder, hosts)
    assert result.returncode == 0, result.stdout + result.stderr
    archive = Path(result.stdout.splitlines()[-1])
    with tarfile.open(archive) as tar:
        names = {Path(name).name for name in tar.getnames()}
        config = tar.extractfile(next(name for name in tar.getnames() if name.endswith("config.json")))
        assert config is not None
        assert json.loads(config.read())["id"] == "trained-by-the-sdk"
    assert {"model.safetensors", "config.json", "metrics.json", "MODEL_CARD.md"} <= names
    assert "[metrics] step=8 " in result.stdout + result.stderr


def test_a_failure_reaches_the_sdk(image: str, dataset: Path, folder: Path) -> None:
    result = train(image, dataset, folder, 1, hiden=8)
    assert result.returncode != 0
    assert "unknown hyperparameter 'hiden'" in result.stdout + result.stderr
