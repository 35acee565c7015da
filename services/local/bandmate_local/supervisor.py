"""Starts processes, restarts what dies, and stops them all.

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

from bandmate_local import leash

_POLL_SECONDS = 0.05
_FIRST_BACKOFF_SECONDS = 0.2
_LONGEST_BACKOFF_SECONDS = 10.0
_STEADY_SECONDS = 20.0
_HOPELESS_DEATHS = 4
_LOG_BYTES = 5_000_000


@dataclass(frozen=True)
class Program:
    """A process to keep running. `on_repeated_failure` is called each time it died young three times in a row."""

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
    young_deaths: int = 0
    restart_at: float | None = None


class Supervisor:
    """Keeps programs alive in a thread of its own. Logs go to `<logs>/<program>.log`, the log before to `….log.1`."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: dict[str, _Running] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._leash = self._start_leash()
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

    def wait_ready(self, names: Sequence[str], deadline: float, given_up: threading.Event) -> None:
        """Return when each of the named programs is ready, or `given_up` is set; `deadline` is on the monotonic clock.

        Raises:
            Unavailable: one keeps dying or was not ready in time; names it, its last log line and its log.
        """
        waiting = list(names)
        while waiting and not given_up.is_set():
            waiting = [name for name in waiting if not self._running[name].program.is_ready()]
            for name in waiting:
                log = self._log_path(name)
                if self._running[name].young_deaths >= _HOPELESS_DEATHS:
                    raise Unavailable(f"{name} does not start: {_last_line(log)} (log: {log})")
                if time.monotonic() > deadline:
                    raise Unavailable(f"{name} did not start in time: {_last_line(log)} (log: {log})")
            if waiting:
                given_up.wait(_POLL_SECONDS)

    def stop(self, stop_seconds: float) -> None:
        """Stop every program with all it started, those that others need (`stops_last`) at the end.

        What has not stopped by itself after `stop_seconds` is killed.
        """
        self._stopping.set()
        self._thread.join()
        for last in (False, True):
            self._stop_these([one for one in self._running.values() if one.program.stops_last is last], stop_seconds)
        self._running.clear()
        assert self._leash.stdin is not None
        self._leash.stdin.close()
        self._leash.wait()

    def _stop_these(self, these: Sequence[_Running], stop_seconds: float) -> None:
        for one in these:
            _signal(one.process, signal.SIGTERM)
        deadline = time.monotonic() + stop_seconds
        while any(one.process.poll() is None for one in these) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        for one in these:
            _signal_group(one.process.pid, signal.SIGKILL)
            one.process.wait()
            self._tell_leash(f"-{one.process.pid}\n")

    def _watch(self) -> None:
        while not self._stopping.wait(_POLL_SECONDS):
            with self._lock:
                for one in self._running.values():
                    self._look_after(one)

    def _look_after(self, one: _Running) -> None:
        now = time.monotonic()
        if one.restart_at is None:
            if one.process.poll() is None:
                return
            _signal_group(one.process.pid, signal.SIGKILL)  # What a dead process started must not work on unseen.
            self._tell_leash(f"-{one.process.pid}\n")
            one.young_deaths = one.young_deaths + 1 if now - one.started < _STEADY_SECONDS else 1
            one.restart_at = now + min(_FIRST_BACKOFF_SECONDS * 2 ** (one.young_deaths - 1), _LONGEST_BACKOFF_SECONDS)
            if one.young_deaths % 3 == 0 and one.program.on_repeated_failure is not None:
                one.program.on_repeated_failure()
        elif now >= one.restart_at:
            try:
                one.process = self._spawn(one.program)
            except OSError:  # No memory or no disk just now.
                one.restart_at = now + _LONGEST_BACKOFF_SECONDS
            else:
                one.started, one.restart_at = now, None

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
        self._tell_leash(f"+{process.pid}\n")
        return process

    def _open_log(self, name: str) -> IO[bytes]:
        path = self._log_path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > _LOG_BYTES:
            path.replace(path.with_name(f"{path.name}.1"))
        return path.open("ab")

    def _log_path(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def _start_leash(self) -> subprocess.Popen[bytes]:
        # -I and -S: the leash needs nothing but the standard library, and is up in a few milliseconds.
        return subprocess.Popen(
            [sys.executable, "-I", "-S", leash.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _tell_leash(self, line: str) -> None:
        assert self._leash.stdin is not None
        try:
            self._leash.stdin.write(line.encode())
            self._leash.stdin.flush()
        except BrokenPipeError:  # Someone killed the leash. It is a safety net; work goes on without it.
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
