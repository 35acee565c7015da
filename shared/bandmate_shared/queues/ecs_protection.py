"""Scale-in protection: while a job runs, ECS does not stop the task that runs it to make the service smaller.

A task asks for it itself, at the agent's address that every ECS container finds in ECS_AGENT_URI; elsewhere nothing
happens. Protection runs out by itself, so a worker that dies does not keep its task alive: while jobs run it is
renewed. A failure is logged, no more; without protection a job may be interrupted, and goes on elsewhere.

Request and answers: "Task scale-in protection endpoint", Amazon ECS Developer Guide.
"""

import fcntl
import http.client
import json
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

log = logging.getLogger(__name__)

EXPIRES_MINUTES = 10
RENEW_SECONDS = EXPIRES_MINUTES * 60 / 3
RELEASE_DELAY_SECONDS = 10.0
"""A task stays protected this long after a job. ECS takes only so many requests a second, for the whole cluster."""

TIMEOUT_SECONDS = 2.0
PATH = "/task-protection/v1/state"


class TaskProtection:
    """Protects the task while any of its worker processes is `at_work`.

    Each process has its own; they know of each other by a lock on a file in `folder`, which every process at work
    shares, and which whoever ends the protection must have alone.
    """

    def __init__(
        self,
        folder: Path,
        agent: str | None = None,
        *,
        release_delay_seconds: float = RELEASE_DELAY_SECONDS,
        renew_seconds: float = RENEW_SECONDS,
    ) -> None:
        self._agent = os.environ.get("ECS_AGENT_URI", "") if agent is None else agent
        self._path = folder / "ecs-protection.lock"
        self._release_delay_seconds = release_delay_seconds
        self._renew_seconds = renew_seconds
        self._lock: int | None = None
        self._changed = threading.Condition()
        self._at_work = False
        self._renew_at = 0.0
        self._idle_since = 0.0
        self._thread: threading.Thread | None = None

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Protect the task from before the block until some seconds after it."""
        if not self._agent:
            yield
            return
        with self._changed:
            self._share()
            self._at_work = True
            if time.monotonic() >= self._renew_at:
                self._protect()
            if self._thread is None:
                self._thread = threading.Thread(target=self._keep, name="ecs-protection", daemon=True)
                self._thread.start()
            self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                self._at_work = False
                self._idle_since = time.monotonic()
                self._changed.notify()

    def _keep(self) -> None:
        """Renew while there is work; give up the protection when there has been none for a while."""
        with self._changed:
            while True:
                now = time.monotonic()
                if self._at_work:
                    if now >= self._renew_at:
                        self._protect()
                    self._changed.wait(max(self._renew_at - time.monotonic(), 0.01))
                elif self._lock is None:
                    self._changed.wait()
                elif now < self._idle_since + self._release_delay_seconds:
                    self._changed.wait(self._idle_since + self._release_delay_seconds - now)
                else:
                    self._unprotect_if_last()

    def _share(self) -> None:
        if self._lock is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_SH)

    def _protect(self) -> None:
        self._renew_at = time.monotonic() + self._renew_seconds
        self._put({"ProtectionEnabled": True, "ExpiresInMinutes": EXPIRES_MINUTES})

    def _unprotect_if_last(self) -> None:
        assert self._lock is not None
        lock, self._lock = self._lock, None
        self._renew_at = 0.0
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._put({"ProtectionEnabled": False})
        except BlockingIOError:
            pass  # Another process runs a job, or did a moment ago, and will end it.
        finally:
            os.close(lock)

    def _put(self, body: dict[str, object]) -> None:
        try:
            answer = _put_json(self._agent + PATH, body)
        except (OSError, http.client.HTTPException, ValueError) as error:
            log.warning("scale-in protection could not be set: %s", error)
            return
        problem = answer.get("failure") or answer.get("error")
        if problem:
            log.warning("ECS refused scale-in protection: %s", problem)


def _put_json(url: str, body: dict[str, object]) -> dict[str, object]:
    """Raises OSError, HTTPException, or ValueError for what is not JSON."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("PUT", parts.path, json.dumps(body), {"Content-Type": "application/json"})
        answer = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    if not isinstance(answer, dict):
        raise ValueError(f"the agent answered {answer!r}"[:200])
    return answer
