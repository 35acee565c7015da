"""Starts processes, restarts those that exit, and stops them all.

Each process leads a session and process group of its own, so that a Ctrl-C in the terminal reaches the supervisor
alone, and a process is stopped together with whatever it started.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bandmate_shared.errors import Unavailable

from bandmate_local import orphan_guard

_POLL_SECONDS = 0.05
_MIN_BACKOFF_SECONDS = 0.2
_MAX_BACKOFF_SECONDS = 10.0
_STABLE_SECONDS = 20.0
"""A process that exits sooner than this after its start counts as failing early."""
_MAX_EARLY_EXITS = 4
_LOG_BYTES = 5_000_000


@dataclass(frozen=True)
class Program:
    """A process to keep running. `on_repeated_failure` is called after every third early exit in a row.

    `stops_last`: other programs need it until they have stopped.
    """

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    is_ready: Callable[[], bool]
    pass_fds: tuple[int, ...] = ()
    stops_last: bool = False
    on_repeated_failure: Callable[[], None] | None = None


@dataclass
class _Running:
    program: Program
    process: subprocess.Popen[bytes]
    started: float
    early_exits: int = 0
    restart_at: float | None = None


class Supervisor:
    """Restarts programs from a thread of its own. Logs go to `<logs>/<program>.log`, the previous one to `….log.1`."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: dict[str, _Running] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._guard = self._start_guard()
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self._thread.start()

    def start(self, program: Program) -> None:
        """Start a program and keep it running from now on."""
        with self._lock:
            self._running[program.name] = _Running(program, self._spawn(program), time.monotonic())

    def pid(self, name: str) -> int:
        return self._running[name].process.pid

    def pids(self) -> dict[str, int]:
        """The process id of each program, as of now."""
        with self._lock:
            return {name: running.process.pid for name, running in self._running.items()}

    def wait_ready(self, names: Sequence[str], deadline: float, cancelled: threading.Event) -> None:
        """Return when each of the named programs is ready, or `cancelled` is set; `deadline` is on the monotonic clock.

        Raises:
            Unavailable: one keeps exiting or was not ready in time; names it, its last log line and its log.
        """
        waiting = list(names)
        while waiting and not cancelled.is_set():
            waiting = [name for name in waiting if not self._running[name].program.is_ready()]
            for name in waiting:
                log = self._log_path(name)
                if self._running[name].early_exits >= _MAX_EARLY_EXITS:
                    raise Unavailable(f"{name} does not start: {_last_line(log)} (log: {log})")
                if time.monotonic() > deadline:
                    raise Unavailable(f"{name} did not start in time: {_last_line(log)} (log: {log})")
            if waiting:
                cancelled.wait(_POLL_SECONDS)

    def stop(self, stop_seconds: float) -> None:
        """Stop every program and its descendants, those with `stops_last` at the end.

        A process that has not ended `stop_seconds` after SIGTERM is killed.
        """
        self._stopping.set()
        self._thread.join()
        for last in (False, True):
            self._stop_all(
                [running for running in self._running.values() if running.program.stops_last is last], stop_seconds
            )
        self._running.clear()
        assert self._guard.stdin is not None
        self._guard.stdin.close()
        self._guard.wait()

    def _stop_all(self, group: Sequence[_Running], stop_seconds: float) -> None:
        for running in group:
            _signal(running.process, signal.SIGTERM)
        deadline = time.monotonic() + stop_seconds
        while any(running.process.poll() is None for running in group) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        for running in group:
            _signal_group(running.process.pid, signal.SIGKILL)
            running.process.wait()
            self._tell_guard(f"-{running.process.pid}\n")

    def _watch(self) -> None:
        while not self._stopping.wait(_POLL_SECONDS):
            with self._lock:
                for running in self._running.values():
                    self._restart_if_exited(running)

    def _restart_if_exited(self, running: _Running) -> None:
        now = time.monotonic()
        if running.restart_at is None:
            if running.process.poll() is None:
                return
            _signal_group(running.process.pid, signal.SIGKILL)  # Its descendants must not go on unsupervised.
            self._tell_guard(f"-{running.process.pid}\n")
            running.early_exits = running.early_exits + 1 if now - running.started < _STABLE_SECONDS else 1
            running.restart_at = now + min(_MIN_BACKOFF_SECONDS * 2 ** (running.early_exits - 1), _MAX_BACKOFF_SECONDS)
            if running.early_exits % 3 == 0 and running.program.on_repeated_failure is not None:
                running.program.on_repeated_failure()
        elif now >= running.restart_at:
            try:
                running.process = self._spawn(running.program)
            except OSError:  # No memory or no disk just now.
                running.restart_at = now + _MAX_BACKOFF_SECONDS
            else:
                running.started, running.restart_at = now, None

    def _spawn(self, program: Program) -> subprocess.Popen[bytes]:
        with self._open_log(program.name) as log:
            process = subprocess.Popen(
                list(program.command),
                env=dict(program.env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=program.pass_fds,
            )
        self._tell_guard(f"+{process.pid}\n")
        return process

    def _open_log(self, name: str) -> IO[bytes]:
        path = self._log_path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > _LOG_BYTES:
            path.replace(path.with_name(f"{path.name}.1"))
        return path.open("ab")

    def _log_path(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def _start_guard(self) -> subprocess.Popen[bytes]:
        # -I and -S: the guard needs only the standard library, and so starts in a few milliseconds.
        return subprocess.Popen(
            [sys.executable, "-I", "-S", orphan_guard.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _tell_guard(self, line: str) -> None:
        assert self._guard.stdin is not None
        try:
            self._guard.stdin.write(line.encode())
            self._guard.stdin.flush()
        except BrokenPipeError:  # The guard was killed. It is only a safety net.
            pass


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    if process.poll() is None:
        process.send_signal(number)


def _signal_group(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        pass


def _last_line(log: Path) -> str:
    try:
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    except OSError:
        return "it wrote no log"
    return lines[-1] if lines else "it wrote nothing to its log"
