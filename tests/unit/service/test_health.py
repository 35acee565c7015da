"""`healthcheck` as the container engine runs it, for a process that works, hangs, or has not started."""

import http.server
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from bandmate_shared.service import health
from bandmate_shared.service.stop_flag import StopFlag


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(health.VARIABLE, str(tmp_path / "health.json"))
    return tmp_path / "health.json"


@pytest.fixture
def server() -> Iterator[http.server.HTTPServer]:
    """Answers /healthz with the status in `server.status`."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(self.server.status if self.path == "/healthz" else 404)  # type: ignore[attr-defined]
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.status = 200  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def stand_still(file: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(file, (then, then))


def test_a_process_that_has_not_started_is_not_healthy(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert health.check() == 1
    assert "not started" in capsys.readouterr().err


def test_a_main_loop_is_healthy_until_it_stops_touching_the_file(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    liveness = health.LivenessFile()
    assert health.check() == 0
    stand_still(file, health.MAX_SILENT_SECONDS + 5)
    assert health.check() == 1
    assert "has not run" in capsys.readouterr().err
    liveness.touch()
    assert health.check() == 0


def test_an_intended_wait_touches_the_file_in_the_background(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "TOUCH_SECONDS", 0.02)
    liveness = health.LivenessFile()
    with liveness.touching_in_background():
        stand_still(file, 1000)
        deadline = time.monotonic() + 10
        while health.check() != 0:
            assert time.monotonic() < deadline
    stand_still(file, 1000)
    assert health.check() == 1, "it still beats after the wait"


def test_an_intake_touches_the_file_whenever_it_checks_for_a_stop(file: Path) -> None:
    flag = StopFlag(health.LivenessFile())
    stand_still(file, 1000)
    assert not flag.is_set()
    assert health.check() == 0


def test_an_api_is_healthy_while_it_answers_well(file: Path, server: http.server.HTTPServer) -> None:
    health.announce_api("0.0.0.0", server.server_port)
    assert health.check() == 0
    server.status = 500  # type: ignore[attr-defined]
    assert health.check() == 1


def test_an_api_that_does_not_listen_is_not_healthy(file: Path, server: http.server.HTTPServer) -> None:
    health.announce_api("127.0.0.1", server.server_port)
    server.shutdown()
    server.server_close()
    assert health.check() == 1


def test_the_check_imports_only_the_standard_library(file: Path) -> None:
    health.LivenessFile()
    code = (
        "import sys; from bandmate_shared.service.__main__ import main; status = main(['healthcheck']);"
        "heavy = {'pydantic', 'sqlalchemy', 'celery', 'fastapi', 'numpy'} & set(sys.modules);"
        "sys.exit(f'imported: {heavy}' if heavy else status)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
