"""`python -m bandmate_shared.service` as a container starts it: real processes, a real Redis, a real store."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import httpx2
import pytest

from tests.conftest import RedisServer, wait_until

PEPPER = "p" * 32


class Service:
    """Runs commands with the settings of one container."""

    def __init__(self, home: Path, redis_url: str) -> None:
        self.health_file = home / "health.json"
        self.environment = {
            **os.environ,
            "REDIS_URL": redis_url,
            "BANDMATE_HOME": str(home),
            "BANDMATE_MODE": "service",
            "BANDMATE_SERVICE": "train",
            "BANDMATE_KEY_PEPPER": PEPPER,
            "BANDMATE_PORT": str(_free_port()),
            "BANDMATE_HEALTH_FILE": str(self.health_file),
        }
        self._started: list[subprocess.Popen[bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.environment['BANDMATE_PORT']}"

    def run(self, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", *arguments],
            env={**self.environment, **(env or {})},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def start(self, command: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen([sys.executable, "-m", "bandmate_shared.service", command], env=self.environment)
        self._started.append(process)
        wait_until(self.is_healthy, f"{command} to be healthy")
        return process

    def is_healthy(self) -> bool:
        return self.run("bandmate_shared.service", "healthcheck").returncode == 0

    def next_heartbeat(self) -> Callable[[], bool]:
        """A condition: the health file was touched after this call."""
        before = self.health_file.stat().st_mtime_ns
        return lambda: self.health_file.stat().st_mtime_ns > before

    def stop(self) -> None:
        for process in self._started:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
                process.wait()


@pytest.fixture
def service(tmp_path: Path, redis_server: RedisServer) -> Iterator[Service]:
    service = Service(tmp_path, redis_server.url)
    yield service
    service.stop()


def test_an_api_requires_a_key_and_stops_on_sigterm(service: Service) -> None:
    key = service.run("bandmate_shared.auth", "create", "alice").stdout.strip()
    process = service.start("api")
    headers = {"Authorization": f"Bearer {key}"}
    assert httpx2.get(f"{service.url}/v1/trainings", headers=headers, trust_env=False).status_code == 200
    assert httpx2.get(f"{service.url}/v1/trainings", trust_env=False).status_code == 401
    assert httpx2.get(f"{service.url}/readyz", trust_env=False).json()["status"] == "ready"
    process.terminate()
    assert process.wait(20) == 0
    assert not service.is_healthy()


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"BANDMATE_KEY_PEPPER": ""}, "BANDMATE_KEY_PEPPER"),
        ({}, "at least one API key"),
        ({"BANDMATE_SERVICE": ""}, "BANDMATE_SERVICE"),
        ({"BANDMATE_SERVICE": "sing"}, "service"),
        ({"BANDMATE_LEASE_SECONDS": "1"}, "BANDMATE_LEASE_SECONDS"),
    ],
)
def test_an_api_does_not_start_with_unsafe_or_invalid_settings(
    service: Service, settings: dict[str, str], reason: str
) -> None:
    result = service.run("bandmate_shared.service", "api", env=settings)
    assert result.returncode == 1
    assert reason in result.stderr
    assert "Traceback" not in result.stderr


def test_an_embedded_api_listens_on_loopback_only(service: Service) -> None:
    result = service.run(
        "bandmate_shared.service", "api", env={"BANDMATE_MODE": "embedded", "BANDMATE_HOST": "0.0.0.0"}
    )
    assert result.returncode == 1
    assert "embedded mode" in result.stderr


def test_a_worker_survives_a_broker_outage_and_stops_on_sigterm(service: Service, redis_server: RedisServer) -> None:
    process = service.start("worker")
    wait_until(service.next_heartbeat(), "the worker's next beat")
    redis_server.kill()
    for _ in range(2):
        wait_until(service.next_heartbeat(), "a beat while the broker is away")
    assert service.is_healthy()
    redis_server.start()
    wait_until(service.next_heartbeat(), "a beat after the broker is back")
    process.terminate()
    assert process.wait(30) == 0


def test_a_worker_whose_loop_hangs_stops_touching_the_file(service: Service) -> None:
    process = service.start("worker")
    process.send_signal(signal.SIGSTOP)
    before = service.health_file.stat().st_mtime_ns
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(5)  # More than two beats.
    assert service.health_file.stat().st_mtime_ns == before


def test_an_unknown_command_prints_the_known_ones(service: Service) -> None:
    result = service.run("bandmate_shared.service", "dance")
    assert result.returncode == 2
    assert "api | worker | intake" in result.stderr


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
