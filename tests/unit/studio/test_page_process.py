"""The page in a process of its own, as its image runs it."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
from bandmate_studio.__main__ import create_page_app
from starlette.testclient import TestClient

from tests.support.spawned import Spawn


def test_it_serves_the_page_and_its_health_and_nothing_else() -> None:
    client = TestClient(create_page_app())
    page = client.get("/")
    assert page.status_code == 200
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert client.get("/studio/app/main.js").headers["content-type"].startswith("text/javascript")
    assert client.get("/healthz").json() == {"status": "alive"}
    for path in ("/v1/songs", "/metrics", "/openapi.json", "/docs", "/studio/../settings.py"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json"), path


@pytest.mark.process
def test_the_process_answers_is_healthy_and_stops(
    tmp_path: Path, spawn: Spawn, wait_until: Callable[..., None]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = os.environ | {
        "BANDMATE_PORT": str(port),
        "BANDMATE_HOME": str(tmp_path / "none"),
        "BANDMATE_HEALTH_FILE": str(tmp_path / "health.json"),
    }
    process = spawn([sys.executable, "-m", "bandmate_studio"], env=environment, stderr=subprocess.PIPE)

    def healthy() -> bool:
        check = [sys.executable, "-m", "bandmate_shared.service", "healthcheck"]
        return subprocess.run(check, env=environment, capture_output=True, check=False).returncode == 0

    wait_until(healthy, "the page to be healthy")
    assert httpx2.get(f"http://127.0.0.1:{port}/").status_code == 200
    assert not (tmp_path / "none").exists(), "it keeps nothing"
    process.terminate()
    assert process.wait(60) == 0
