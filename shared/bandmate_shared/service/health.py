"""The container health check: a file that the process writes and `healthcheck` reads.

For an API the file names its address, and the check asks /healthz. A worker or an intake touches the file in each
round of its main loop; when that stops, the process hangs, whatever its other threads do.

Only the standard library is imported, because the check starts every few seconds.
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

TOUCH_SECONDS = 2.0
"""How often a main loop touches the file."""
MAX_SILENT_SECONDS = 30.0
"""A main loop that has not touched the file for this long hangs. Its longest pause is a broker that does not answer."""
ANSWER_SECONDS = 4.0


def health_file() -> Path:
    """The file, in the container's own /tmp unless BANDMATE_HEALTH_FILE says otherwise."""
    return Path(os.environ.get(VARIABLE) or DEFAULT)


def announce_api(host: str, port: int) -> None:
    """Write that this process answers HTTP at this address."""
    reachable = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - a comparison
    _write({"host": reachable, "port": port})


class LivenessFile:
    """The health file of a process that serves no HTTP."""

    def __init__(self) -> None:
        self._file = health_file()
        _write({})

    def touch(self) -> None:
        """Record that the main loop has gone round."""
        try:
            os.utime(self._file)
        except OSError:  # /tmp is full, or was cleaned: the check will report it.
            pass

    @contextmanager
    def touching_in_background(self) -> Iterator[None]:
        """Let a thread touch the file while the main loop waits, on purpose, inside the block."""
        done = threading.Event()

        def run() -> None:
            while not done.wait(TOUCH_SECONDS):
                self.touch()

        self.touch()
        thread = threading.Thread(target=run, name="liveness", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
            self.touch()


def check() -> int:
    """Exit status 0 where the process of this container works, else 1 with the reason on standard error."""
    problem = _problem(health_file())
    if problem is not None:
        sys.stderr.write(f"{problem}\n")
    return 0 if problem is None else 1


def _problem(path: Path) -> str | None:
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
        age = time.time() - path.stat().st_mtime
    except (OSError, ValueError):
        return "the process has not started yet"
    if "port" not in state:
        return f"the main loop has not run for {age:.0f} s" if age > MAX_SILENT_SECONDS else None
    connection = http.client.HTTPConnection(str(state["host"]), int(state["port"]), timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"/healthz does not answer: {error}"
    finally:
        connection.close()
    return None if status == 200 else f"/healthz answers {status}"


def _write(state: dict[str, object]) -> None:
    path = health_file()
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(state), encoding="utf-8")
    partial.replace(path)
