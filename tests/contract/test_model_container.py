"""The serving container over HTTP, as SageMaker and the generate service call it: a real process."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.spawned import Spawn, spawning
from tests.unit.model.engine.networks import composer_folder

REQUEST = {
    "style": "song",
    "tonic": 9,
    "mode": "minor",
    "numerator": 3,
    "denominator": 4,
    "bars": 4,
    "tempo": 88,
    "parts": [
        {"name": "Voice", "role": "melody", "program": 52, "is_voice": True, "low": 57, "high": 74, "monophonic": True},
        {"name": "Piano", "role": "harmony", "program": 0, "low": 36, "high": 84},
    ],
    "seeds": [1, 2],
}
LONG = REQUEST | {"bars": 64, "seeds": [3, 4, 5, 6]}


@dataclass
class Server:
    process: "subprocess.Popen[str]"
    url: str

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                kind = error.headers["content-type"]
                return error.code, json.loads(error.read()) | {"content-type": kind}


def launch(spawn: Spawn, root: Path, **settings: str) -> Server:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {"BANDMATE_ML_ROOT": str(root), "BANDMATE_MODEL_PORT": str(port)} | settings
    process = spawn([sys.executable, "-m", "bandmate_model", "serve"], env=environment)
    server = Server(process, f"http://127.0.0.1:{port}")
    deadline = time.monotonic() + 30
    while True:
        try:
            assert server.call("GET", "/ping")[0] == 200
            return server
        except (urllib.error.URLError, ConnectionError):
            assert process.poll() is None, "the server ended"
            assert time.monotonic() < deadline, "the server did not answer in 30 s"
            time.sleep(0.05)


def end(server: Server) -> int:
    server.process.send_signal(signal.SIGTERM)
    return server.process.wait(timeout=30)


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with random weights."""
    return composer_folder(tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, toy: Path) -> Iterator[Server]:
    """A server with a model at /opt/ml/model."""
    root = tmp_path_factory.mktemp("ml")
    (root / "model").symlink_to(toy)
    with spawning() as spawn:
        running = launch(spawn, root)
        yield running
        assert end(running) in (0, -signal.SIGTERM)


def test_invocations_answer_the_contract(server: Server) -> None:
    from bandmate_shared.contracts.composition import CompositionAnswer

    status, answer = server.call("POST", "/invocations", REQUEST)
    assert status == 200
    parsed = CompositionAnswer.model_validate(answer)
    assert [take.seed for take in parsed.takes] == [1, 2]
    assert parsed.model.keys() == {"id", "sha256", "architecture"}
    assert max(row[1] + row[2] for row in parsed.takes[0].notes) <= 4 * 72


def test_the_same_request_gives_the_same_takes(server: Server) -> None:
    first, second = (server.call("POST", "/invocations", REQUEST)[1]["takes"] for _ in range(2))
    assert first == second


def test_a_later_short_request_is_answered_first_with_the_same_takes(server: Server) -> None:
    """Requests are composed in one batch, and the bytes of a take do not depend on the rest of the batch."""
    answers: dict[str, Any] = {}
    begun, ended = threading.Event(), threading.Event()

    def ask_long() -> None:
        begun.set()
        answers["long"] = server.call("POST", "/invocations", LONG)
        ended.set()

    thread = threading.Thread(target=ask_long)
    thread.start()
    assert begun.wait(20)
    status, short = server.call("POST", "/invocations", REQUEST | {"bars": 1, "seeds": [9]})
    assert not ended.is_set(), "the short one waited for the long one"
    thread.join(60)
    assert (status, answers["long"][0]) == (200, 200)
    assert server.call("POST", "/invocations", LONG)[1]["takes"] == answers["long"][1]["takes"]
    assert server.call("POST", "/invocations", REQUEST | {"bars": 1, "seeds": [9]})[1]["takes"] == short["takes"]


def test_a_take_does_not_depend_on_the_other_seeds(server: Server) -> None:
    takes = server.call("POST", "/invocations", REQUEST | {"seeds": [7, 8, 9]})[1]["takes"]
    for take in takes:
        assert server.call("POST", "/invocations", REQUEST | {"seeds": [take["seed"]]})[1]["takes"] == [take]


def test_models_are_loaded_invoked_and_unloaded(server: Server, toy: Path) -> None:
    load = {"model_name": "second", "url": toy.as_uri()}
    assert server.call("POST", "/models/second/invoke", REQUEST)[0] == 404
    status, loaded = server.call("POST", "/models", load)
    assert status == 200
    assert loaded["styles"]
    assert server.call("POST", "/models", load)[0] == 409
    names = [model["modelName"] for model in server.call("GET", "/models")[1]["models"]]
    assert names == ["default", "second"]
    status, answer = server.call("POST", "/models/second/invoke", REQUEST)
    assert status == 200
    assert answer["takes"] == server.call("POST", "/invocations", REQUEST)[1]["takes"]
    assert server.call("GET", "/models/second")[1]["modelUrl"] == str(toy)
    assert server.call("DELETE", "/models/second")[0] == 200
    assert server.call("DELETE", "/models/second")[0] == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "kind"),
    [
        ("POST", "/invocations", b"{", 422, "invalid-request"),
        ("POST", "/invocations", REQUEST | {"bars": -1}, 422, "invalid-request"),
        ("POST", "/invocations", REQUEST | {"style": "ska"}, 422, "invalid-request"),
        ("POST", "/invocations", REQUEST | {"tempo": 0}, 422, "invalid-request"),
        ("POST", "/invocations", REQUEST | {"surprise": 1}, 422, "invalid-request"),
        ("POST", "/invocations", b"x" * 6_291_457, 413, "limit-exceeded"),
        ("POST", "/models", {"model_name": "m", "url": "s3://bucket/model"}, 422, "invalid-request"),
        ("POST", "/models", {"model_name": "m", "url": "/no/such/folder"}, 422, "invalid-request"),
        ("POST", "/models", {"model_name": "../m", "url": "/"}, 422, "invalid-request"),
        ("GET", "/invocations", None, 405, "method-not-allowed"),
        ("GET", "/nowhere", None, 404, "not-found"),
    ],
)
def test_errors_are_problem_details(server: Server, method: str, path: str, body: Any, status: int, kind: str) -> None:
    actual_status, problem = server.call(method, path, body)
    assert actual_status == status, problem
    assert problem["type"] == f"urn:bandmate:problem:{kind}"
    assert problem["status"] == status
    assert problem["content-type"] == "application/problem+json"
    assert problem["detail"]


def test_a_server_without_a_model_says_so_and_has_limits(tmp_path: Path, toy: Path, spawn: Spawn) -> None:
    (tmp_path / "broken").mkdir()
    server = launch(spawn, tmp_path, BANDMATE_MODEL_MAX_LOADED="1", BANDMATE_MODEL_SECONDS="0.001")
    status, problem = server.call("POST", "/invocations", REQUEST)
    assert (status, problem["type"]) == (503, "urn:bandmate:problem:unavailable")
    broken = {"model_name": "m", "url": str(tmp_path / "broken")}
    status, problem = server.call("POST", "/models", broken)
    assert (status, problem["detail"]) == (422, "the model folder broken holds no config.json")
    assert server.call("POST", "/models", {"model_name": "one", "url": str(toy)})[0] == 200
    status, problem = server.call("POST", "/models", {"model_name": "two", "url": str(toy)})
    assert (status, problem["type"]) == (507, "urn:bandmate:problem:model-memory-full")
    status, problem = server.call("POST", "/models/one/invoke", REQUEST)
    assert (status, problem["type"]) == (413, "urn:bandmate:problem:limit-exceeded")
    assert "BANDMATE_MODEL_SECONDS" in problem["detail"]


def test_serving_needs_no_torch(tmp_path: Path, toy: Path) -> None:
    """The image that serves may come without the training extra."""
    script = (
        "import sys; sys.modules['torch'] = None; sys.modules['matplotlib'] = None; sys.modules['pyarrow'] = None\n"
        "from bandmate_model.serving.serve import create_app; from bandmate_model.settings import ModelSettings\n"
        "from bandmate_model.serving.loaded import LoadedModel; from pathlib import Path\n"
        f"create_app(ModelSettings(ml_root=Path({str(tmp_path)!r}))); LoadedModel.load(Path({str(toy)!r}))\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_a_model_of_an_earlier_version_says_what_to_do(tmp_path: Path, toy: Path, spawn: Spawn) -> None:
    old = tmp_path / "old"
    shutil.copytree(toy, old)
    config = json.loads((old / "config.json").read_text())
    del config["representation"]
    (old / "config.json").write_text(json.dumps(config))
    server = launch(spawn, tmp_path / "ml")
    status, problem = server.call("POST", "/models", {"model_name": "old", "url": str(old)})
    assert status == 422
    assert "train it again" in problem["detail"]


def test_an_unknown_command_prints_the_usage() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "bandmate_model", "sing"], capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 2
    assert result.stderr.startswith("usage: python -m bandmate_model train | serve")
