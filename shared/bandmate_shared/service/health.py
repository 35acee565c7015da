"""Whether the process of this container does its work: written by the process, read by `healthcheck`.

A file says what to look at. The API is asked over HTTP. A worker or an intake touches the file in each round of its
main loop; when that stops, the process hangs, whatever its other threads do.

Only the standard library, because the check itself runs every few seconds.
"""

import http.client
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VARIABLE = "BANDMATE_HEALTH_FILE"
DEFAULT = "/tmp/bandmate-health.json"  # noqa: S108 - a container's own /tmp

BEAT_SECONDS = 2.0
"""How often a main loop says that it lives."""
HUNG_SECONDS = 30.0
"""A main loop that has not said so for this long hangs. Its longest honest pause is a broker that does not answer."""
ANSWER_SECONDS = 4.0


def health_file() -> Path:
    """The file, in the container's own /tmp unless BANDMATE_HEALTH_FILE says otherwise."""
    return Path(os.environ.get(VARIABLE) or DEFAULT)


def announce_api(host: str, port: int) -> None:
    """Say that this process answers HTTP on a port."""
    reachable = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - a comparison
    _write({"host": reachable, "port": port})


class Pulse:
    """The sign of life of a process that serves no HTTP."""

    def __init__(self) -> None:
        self._file = health_file()
        _write({})

    def beat(self) -> None:
        """The main loop went round."""
        try:
            os.utime(self._file)
        except OSError:  # /tmp is full, or was cleaned: the check will say so.
            pass

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Waits inside the block are meant: a thread says so in the main loop's place."""
        over = threading.Event()

        def run() -> None:
            while not over.wait(BEAT_SECONDS):
                self.beat()

        self.beat()
        thread = threading.Thread(target=run, name="pulse", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            self.beat()


def check() -> int:
    """0: the process of this container does its work; 1: it does not, and standard error says why."""
    problem = _problem(health_file())
    if problem is not None:
        sys.stderr.write(f"{problem}\n")
    return 0 if problem is None else 1


def _problem(path: Path) -> str | None:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        age = time.time() - path.stat().st_mtime
    except (OSError, ValueError):
        return "the process has not started yet"
    if "port" not in told:
        return f"the main loop has stood still for {age:.0f} s" if age > HUNG_SECONDS else None
    connection = http.client.HTTPConnection(str(told["host"]), int(told["port"]), timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"/healthz does not answer: {error}"
    finally:
        connection.close()
    return None if status == 200 else f"/healthz answers {status}"


def _write(told: dict[str, object]) -> None:
    path = health_file()
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(told), encoding="utf-8")
    partial.replace(path)
