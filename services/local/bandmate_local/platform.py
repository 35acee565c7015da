"""The embedded platform: Redis, one HTTP process, the model server and the workers on one machine, in one home.

A home has at most one platform: whoever holds the lock on `<home>/run/platform.lock`, which the kernel drops when its
holder dies, so there is no stale lock to clear. `<home>/run/platform.json` says where the running one is.
"""

import fcntl
import json
import os
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from bandmate_shared.contracts.jobs import ServiceName
from bandmate_shared.errors import Conflict, StorageFull

from bandmate_local.process_plan import plan_processes, ready_file
from bandmate_local.settings import SERVICES, LocalSettings
from bandmate_local.supervisor import Supervisor

_BACKLOG = 128
_IDLE_STOP_SECONDS = 0.3
_LOCK_WAIT_SECONDS = 0.5
"""A command that checks for a running platform holds the lock briefly, which must not prevent a start."""


class AlreadyRunning(Conflict):
    """Another platform holds this home."""

    type = "already-running"
    title = "Already running"


class PortTaken(Conflict):
    """Another program listens on the port."""

    type = "port-taken"
    title = "Port taken"


class HomeNotWritable(StorageFull):
    """The home cannot be written: no room, or no permission."""

    type = "home-not-writable"
    title = "Home not writable"


@dataclass(frozen=True)
class PlatformInfo:
    """`<home>/run/platform.json`: where the running platform is, and the process ids of its parts at the start."""

    url: str
    pid: int
    broker_url: str
    model_url: str
    services: list[ServiceName]
    processes: dict[str, int]


class Platform:
    """Everything `bandmate up` runs. As a context manager it is started on entry and stopped on exit."""

    def __init__(self, settings: LocalSettings, services: Sequence[ServiceName] = SERVICES) -> None:
        self._settings = settings
        self._services = services
        self._run = settings.home / "run"
        self._lock: IO[bytes] | None = None
        self._socket: socket.socket | None = None
        self._supervisor: Supervisor | None = None
        self.info: PlatformInfo | None = None

    def start(self) -> PlatformInfo:
        """Start every process, all at once, without waiting for any.

        Raises:
            AlreadyRunning, PortTaken, HomeNotWritable, Unavailable: before any process was started.
        """
        home = self._settings.home
        try:
            for folder in (self._run, home / "logs", home / "redis"):
                folder.mkdir(parents=True, exist_ok=True)
            self._lock = _lock_home(self._run, _LOCK_WAIT_SECONDS)
            (self._run / "platform.json").unlink(missing_ok=True)  # Left by a platform that was killed.
            self._socket = _listen(self._settings.host, self._settings.port)
            planned = plan_processes(self._settings, self._services, self._socket)
            for service in SERVICES:
                ready_file(home, service).unlink(missing_ok=True)
            self._supervisor = Supervisor(home / "logs")
            for program in planned.programs:
                self._supervisor.start(program)
            self.info = PlatformInfo(
                planned.url,
                os.getpid(),
                planned.broker_url,
                planned.model_url,
                list(self._services),
                self._supervisor.pids(),
            )
            _write(self._run / "platform.json", json.dumps(asdict(self.info), indent=1))
        except OSError as error:
            self.stop()
            raise HomeNotWritable(f"{home}: {error.strerror or error}; set BANDMATE_HOME to another folder") from error
        except BaseException:
            self.stop()
            raise
        return self.info

    def wait_ready(self, cancelled: threading.Event | None = None) -> None:
        """Return when every part answers, or when `cancelled` is set.

        Raises:
            Unavailable: a part did not start in time; names it, its last log line and its log.
        """
        assert self._supervisor is not None
        assert self.info is not None
        deadline = time.monotonic() + self._settings.start_seconds
        self._supervisor.wait_ready(list(self.info.processes), deadline, cancelled or threading.Event())

    def stop(self, *, idle: bool = False) -> None:
        """Stop every process and release the lock on the home. Unfinished jobs continue after the next start.

        A busy worker gets time to return its job to the queue; with `idle` the caller states that no worker is busy.
        """
        if self._supervisor is not None:
            self._supervisor.stop(_IDLE_STOP_SECONDS if idle else self._settings.stop_seconds)
            (self._run / "platform.json").unlink(missing_ok=True)
        if self._socket is not None:
            self._socket.close()
        if self._lock is not None:
            self._lock.close()
        self._supervisor = self._socket = self._lock = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def running_platform(home: Path, wait_seconds: float = 5.0) -> PlatformInfo | None:
    """Where the platform on this home is, or None when none runs. Waits for one that is just starting or stopping."""
    run = home / "run"
    deadline = time.monotonic() + wait_seconds
    while run.is_dir():
        try:
            _lock_home(run, 0.0).close()
            return None
        except AlreadyRunning:
            pass
        try:
            return PlatformInfo(**json.loads((run / "platform.json").read_text()))
        except (OSError, ValueError, TypeError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
    return None


def _lock_home(run: Path, wait_seconds: float) -> IO[bytes]:
    lock = (run / "platform.lock").open("ab")
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                lock.close()
                raise AlreadyRunning(
                    f"a platform is running on {run.parent} already; stop it, or set BANDMATE_HOME to another folder"
                ) from error
            time.sleep(0.02)


def _listen(host: str, port: int) -> socket.socket:
    """Listen before the HTTP process runs, so that clients queue, also during its restart, and are not refused."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise PortTaken(f"another program listens on {host}:{port}; choose another with --port") from error


def _write(path: Path, text: str) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(text)
    partial.replace(path)
