"""The model image as SageMaker starts a model: `image serve`, /opt/ml/model, port 8080, /ping and /invocations."""

import json
import shutil
import tarfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import bandmate_model
import pytest

from tests.images.conftest import CONFINED, READ_ONLY, Container, Run

pytestmark = pytest.mark.engine

STARTER = Path(bandmate_model.__file__).parent / "starter"
PORT = ("--publish", "127.0.0.1::8080")
MAX_BODY_BYTES = 6_291_456
REQUEST = {
    "style": "song", "tonic": 9, "mode": "minor", "numerator": 3, "denominator": 4, "bars": 2, "tempo": 88,
    "parts": [
        {"name": "Voice", "role": "melody", "program": 52, "is_voice": True, "low": 57, "high": 74, "monophonic": True},
    ],
    "seeds": [1],
}  # fmt: skip


@pytest.fixture(scope="module")
def model_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The starter model as `model.tar.gz`, as a training leaves it in S3."""
    archive = tmp_path_factory.mktemp("archive") / "model.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for path in sorted(path for path in STARTER.iterdir() if path.is_file()):
            tar.add(path, arcname=path.name)
    return archive


@pytest.fixture
def root(tmp_path: Path, model_archive: Path) -> Path:
    """/opt/ml with the archive unpacked in model/, as SageMaker does before it starts the container."""
    folder = tmp_path / "ml"
    with tarfile.open(model_archive) as tar:
        tar.extractall(folder / "model", filter="data")
    return folder


def call(container: Container, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any, float]:
    """Status, JSON, and the seconds it took."""
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    request = urllib.request.Request(container.url() + path, data=data, method=method, headers=headers)
    started = time.monotonic()
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            content, status = answer.read(), answer.status
            assert answer.headers["content-length"], "SageMaker does not take an answer without its length"
    except urllib.error.HTTPError as error:
        with error:
            content, status = error.read(), error.code
    return status, json.loads(content), time.monotonic() - started


def wait_for_ping(container: Container, seconds: float = 60) -> float:
    """Wait for the first good /ping; seconds since the start."""
    started = time.monotonic()
    while True:
        try:
            if call(container, "GET", "/ping")[0] == 200:
                return time.monotonic() - started
        except (OSError, AssertionError):
            assert container.inspect()["State"]["Running"], container.logs()
        assert time.monotonic() - started < seconds, container.logs()
        time.sleep(0.05)


@pytest.mark.parametrize("options", [(*READ_ONLY, "--user", "0:0"), CONFINED], ids=["as-root", "as-10001"])
def test_the_image_serves_the_model_in_its_folder(run: Run, root: Path, options: tuple[str, ...]) -> None:
    container = run("serve", root=root, options=(*PORT, *options))
    print(f"in service after {wait_for_ping(container):.1f} s")
    assert call(container, "GET", "/ping")[2] < 2
    status, answer, _ = call(container, "POST", "/invocations", REQUEST)
    assert (status, [take["seed"] for take in answer["takes"]]) == (200, [1])
    again = call(container, "POST", "/invocations", REQUEST)[1]
    assert again["takes"] == answer["takes"]
    started = time.monotonic()
    container.signal("TERM")
    assert container.wait() in (0, 143)
    assert time.monotonic() - started < 30, "SageMaker kills it after 30 s"


def test_ping_answers_while_a_request_is_being_composed(run: Run, root: Path) -> None:
    import threading

    container = run("serve", root=root, options=(*PORT, *CONFINED))
    wait_for_ping(container)
    long_request = REQUEST | {"bars": 64, "seeds": [1, 2]}
    thread = threading.Thread(target=call, args=(container, "POST", "/invocations", long_request))
    thread.start()
    slowest = 0.0
    while thread.is_alive():
        slowest = max(slowest, call(container, "GET", "/ping")[2])
    assert slowest < 2


def test_the_payload_limit_is_that_of_sagemaker(run: Run, root: Path) -> None:
    container = run("serve", root=root, options=(*PORT, *CONFINED))
    wait_for_ping(container)
    full = json.dumps(REQUEST).encode().ljust(MAX_BODY_BYTES)
    assert call(container, "POST", "/invocations", full)[0] == 200, "a body of just the limit is read"
    status, problem, _ = call(container, "POST", "/invocations", full + b" ")
    assert (status, problem["type"]) == (413, "urn:bandmate:problem:limit-exceeded")


def test_a_request_for_another_model_is_refused(run: Run, root: Path) -> None:
    container = run("serve", root=root, options=(*PORT, *CONFINED))
    wait_for_ping(container)
    header = "X-Amzn-SageMaker-Custom-Attributes"
    status, problem, _ = call(container, "POST", "/invocations", REQUEST, **{header: "model-sha256=" + "0" * 64})
    assert (status, problem["type"]) == (409, "urn:bandmate:problem:wrong-model")
    own = call(container, "POST", "/invocations", REQUEST)[1]["model"]["sha256"]
    assert call(container, "POST", "/invocations", REQUEST, **{header: f"model-sha256={own}"})[0] == 200


def test_models_are_loaded_and_unloaded_as_by_a_multi_model_endpoint(
    run: Run, tmp_path: Path, model_archive: Path
) -> None:
    """Names are hashes of SageMaker, the folder is /opt/ml/models/<name>/model, and 507 means that memory is full."""
    names = ["ab" * 16, "cd" * 16]
    for name in names:
        with tarfile.open(model_archive) as tar:
            tar.extractall(tmp_path / "ml" / "models" / name / "model", filter="data")
    options = (*PORT, *CONFINED, "--env", "BANDMATE_MODEL_MAX_LOADED=1")
    container = run("serve", root=tmp_path / "ml", options=options)
    wait_for_ping(container)
    load = [{"model_name": name, "url": f"/opt/ml/models/{name}/model"} for name in names]
    target = {"X-Amzn-SageMaker-Target-Model": "bach-1.tar.gz"}
    assert call(container, "POST", f"/models/{names[0]}/invoke", REQUEST, **target)[0] == 404
    assert call(container, "POST", "/models", load[0], **target)[0] == 200
    assert call(container, "POST", "/models", load[0])[0] == 409
    assert call(container, "POST", "/models", load[1])[0] == 507
    status, answer, _ = call(container, "POST", f"/models/{names[0]}/invoke", REQUEST, **target)
    assert (status, len(answer["takes"])) == (200, 1)
    listed = call(container, "GET", "/models")[1]["models"]
    assert [(model["modelName"], model["modelUrl"]) for model in listed] == [(names[0], load[0]["url"])]
    assert call(container, "GET", f"/models/{names[0]}")[1]["modelUrl"] == load[0]["url"]
    assert call(container, "DELETE", f"/models/{names[0]}")[0] == 200
    assert call(container, "POST", "/models", load[1])[0] == 200


def test_the_health_check_follows_the_server(run: Run, root: Path) -> None:
    container = run("serve", root=root, options=(*CONFINED, "--health-interval", "1s"))
    deadline = time.monotonic() + 60
    while container.inspect()["State"]["Health"]["Status"] != "healthy":
        assert time.monotonic() < deadline, container.inspect()["State"]["Health"]
        time.sleep(0.2)


def test_a_broken_model_ends_the_server_with_a_reason(run: Run, root: Path) -> None:
    shutil.copy(STARTER / "config.json", root / "model" / "model.safetensors")
    container = run("serve", root=root, options=CONFINED)
    assert container.wait(60) != 0
    assert "model.safetensors" in container.logs()
