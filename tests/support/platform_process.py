"""A real `bandmate up` process, for the end-to-end and the chaos tests."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx2
import psutil
import redis

BANDMATE = str(Path(sys.executable).with_name("bandmate"))
FINAL = ("succeeded", "failed", "cancelled")
IMPATIENT = {
    "BANDMATE_LEASE_SECONDS": "8",
    "BANDMATE_HEARTBEAT_SECONDS": "0.5",
    "BANDMATE_SWEEP_SECONDS": "0.3",
    "BANDMATE_CANDIDATES": "1",
}
"""A dead worker is noticed after 8 s instead of 15, and a song has one candidate instead of three.

The lease is not shorter: reading a soundfont holds the interpreter for 1.6 s on an idle core, and several times that
beside other tests.
"""


def environment(home: Path, extra: Mapping[str, str] | None = None, impatient: bool = True) -> dict[str, str]:
    """The environment of a command on this home, without the developer's own settings."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("BANDMATE_", "REDIS_"))}
    hurry = IMPATIENT if impatient else {}
    return {**clean, **hurry, "BANDMATE_HOME": str(home), "BANDMATE_REDIS_PORT": "0", **(extra or {})}


def run_bandmate(
    home: Path,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    timeout: float = 120.0,
    cwd: Path | None = None,
    impatient: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run a `bandmate` command to its end."""
    return subprocess.run(
        [BANDMATE, *arguments],
        env=environment(home, env, impatient),
        capture_output=True,
        text=True,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
        cwd=cwd or home.parent,
        check=False,
    )


class PlatformProcess:
    """`bandmate up` on a home. `url` and `broker_url` are where it listens."""

    def __init__(self, home: Path, extra: Mapping[str, str] | None = None) -> None:
        self.home = home
        self._extra = dict(extra or {})
        self._process: subprocess.Popen[str] | None = None
        self.info: dict[str, Any] = {}

    def start(self, extra: Mapping[str, str] | None = None) -> "PlatformProcess":
        """Start, and return when it is ready. `extra` is added to the environment of this start only."""
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / "up.err").open("ab") as errors:
            self._process = subprocess.Popen(
                [BANDMATE, "up", "--port", "0", "--json"],
                env=environment(self.home, {**self._extra, **(extra or {})}),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
            )
        assert self._process.stdout is not None
        text = ""
        for line in self._process.stdout:
            text += line
            if line.startswith("}"):
                break
        assert text, f"`bandmate up` ended before it was ready: {(self.home / 'up.err').read_text()}"
        self.info = json.loads(text)
        return self

    @property
    def url(self) -> str:
        return str(self.info["url"])

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def processes(self) -> list[psutil.Process]:
        """All processes of this platform: the supervisor and its descendants."""
        supervisor = psutil.Process(self.pid)
        return [supervisor, *supervisor.children(recursive=True)]

    def part(self, name: str) -> psutil.Process:
        """The process of one part: redis, http, model, or a service's worker."""
        programs = {
            "redis": lambda line: "redis-server" in line[0],
            "http": lambda line: "bandmate_local.server" in line,
            "model": lambda line: "bandmate_model" in line,
        }
        matches = programs.get(name, lambda line: "bandmate_local.worker" in line and name in line)
        for process in psutil.Process(self.pid).children():
            try:
                if matches(process.cmdline() or [""]):
                    return process
            except psutil.Error:
                continue
        raise LookupError(f"{name} does not run")

    def kill_part(self, name: str) -> None:
        """`kill -9` a part, with the pool process of a worker, which does the work."""
        part = self.part(name)
        for process in [*part.children(recursive=True), part]:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                pass

    def interrupt(self, timeout: float = 20.0) -> int:
        """Ctrl-C; returns the exit status."""
        return self._end(signal.SIGINT, timeout)

    def kill(self) -> None:
        """`kill -9` of the supervisor."""
        self._end(signal.SIGKILL, 10.0)

    def stop(self) -> None:
        """Clean up after a test, whatever state the platform is in."""
        if self._process is not None and self._process.poll() is None:
            try:
                self.interrupt()
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def submit(self, noun: str, request: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> str:
        """POST a job; returns its id."""
        response = self.http("POST", f"/v1/{noun}", json=dict(request), headers=dict(headers or {}))
        assert response.status_code == 202, response.text
        return str(response.json()["id"])

    def job(self, noun: str, job_id: str) -> dict[str, Any]:
        response = self.http("GET", f"/v1/{noun}/{job_id}")
        assert response.status_code == 200, response.text
        return dict(response.json())

    def finished(self, noun: str, job_id: str, seconds: float = 90.0) -> dict[str, Any]:
        """The job when it has ended. Fails when it does not end in time."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                job = self.job(noun, job_id)
                if job["state"] in FINAL:
                    return job
            except httpx2.TransportError:  # The HTTP process may be among those that a test kills.
                job = {}
            assert time.monotonic() < deadline, f"{job_id} has not ended after {seconds:g} s: {job}"
            time.sleep(0.1)

    def http(self, method: str, path: str, **options: Any) -> httpx2.Response:
        return httpx2.request(method, f"{self.url}{path}", timeout=30, trust_env=False, **options)

    def redis(self) -> redis.Redis:
        """A client of the platform's Redis, which the caller closes."""
        return redis.Redis.from_url(str(self.info["broker_url"]), decode_responses=True)

    def _end(self, number: signal.Signals, timeout: float) -> int:
        assert self._process is not None
        self._process.send_signal(number)
        status = self._process.wait(timeout)
        if self._process.stdout is not None:
            self._process.stdout.close()
        return status


def eventually(condition: Callable[[], bool], description: str, seconds: float = 30.0) -> None:
    """Poll until the condition holds; fails with `description` when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain for {description}"
        time.sleep(0.05)


def is_gone(process: psutil.Process) -> bool:
    """Whether a process has ended (a zombie has)."""
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
