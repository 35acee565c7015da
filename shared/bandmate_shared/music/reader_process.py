"""A child process that reads files, and the pipes to it. `sandbox` decides when to start, keep and end one.

Frames go both ways (`score_frame.FRAME`). To the child: C configuration, F file. From it: R ready, S score, E error
(JSON), M out of memory.
"""

import json
import os
import select
import subprocess
import time
from dataclasses import asdict

from bandmate_shared.errors import LimitExceeded, Unavailable, UnreadableFile
from bandmate_shared.isolated_process import start_isolated
from bandmate_shared.music.limits import Limits
from bandmate_shared.music.score import Score
from bandmate_shared.music.score_frame import FRAME, decode_score
from bandmate_shared.settings import SharedSettings

_START_SECONDS = 60.0
_WALL_PER_CPU_SECOND = 3.0
_START = """\
import sys
sys.path[:0] = sys.argv[1:]
from bandmate_shared.music.sandbox_child import main
main()
"""


class ReaderDied(Exception):
    """The child ended while it had a file. `status` is its exit status, minus the signal's number if one ended it."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class ReaderProcess:
    """One child."""

    def __init__(self, settings: SharedSettings) -> None:
        """Starts the child.

        Raises:
            Unavailable: it did not start.
        """
        self.settings = settings
        self.files = 0
        self._process = start_isolated(_START)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to, self._from = self._process.stdin, self._process.stdout
        os.set_blocking(self._to.fileno(), False)
        configuration = {
            "limits": asdict(Limits.from_settings(settings)),
            "cpu_seconds": settings.parse_seconds,
            "memory_bytes": settings.parse_memory_bytes,
        }
        deadline = time.monotonic() + _START_SECONDS
        try:
            self._send(b"C", json.dumps(configuration).encode(), deadline)
            self._receive(deadline)
        except (ReaderDied, TimeoutError):
            self.close()
            raise Unavailable("the process that reads untrusted files did not start") from None

    @property
    def pid(self) -> int:
        return self._process.pid

    def read(self, data: bytes, name: str) -> Score:
        """The score in a file.

        Raises:
            UnreadableFile, LimitExceeded: what the child found.
            ReaderDied: the child ended.
            TimeoutError: no answer in time; close the child.
            MemoryError: the child ran out of memory; close it.
        """
        self.files += 1
        deadline = time.monotonic() + self.settings.parse_seconds * _WALL_PER_CPU_SECOND
        label = name.encode("utf-8", "replace")[:4096]
        self._send(b"F", len(label).to_bytes(2, "big") + label + data, deadline)
        kind, payload = self._receive(deadline)
        if kind == b"S":
            return decode_score(payload)
        if kind == b"M":
            raise MemoryError
        error = json.loads(payload)
        raise (LimitExceeded if error["type"] == LimitExceeded.type else UnreadableFile)(str(error["detail"]))

    def close(self) -> int:
        """Ends the child, at once if it must be; gives its exit status."""
        self._from.close()
        try:
            self._to.close()
        except BrokenPipeError:
            pass
        self._process.kill()
        return self._process.wait()

    def forget(self) -> None:
        """In a forked copy of this process: closes the copied pipes and leaves the child to whom it belongs."""
        self._from.close()
        self._to.close()
        self._process.returncode = 0

    def _send(self, kind: bytes, payload: bytes, deadline: float) -> None:
        rest = memoryview(FRAME.pack(kind, len(payload)) + payload)
        descriptor = self._to.fileno()
        while rest:
            self._wait(descriptor, select.POLLOUT, deadline)
            try:
                rest = rest[os.write(descriptor, rest) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                raise self._died() from None

    def _receive(self, deadline: float) -> tuple[bytes, bytes]:
        kind, length = FRAME.unpack(self._exactly(FRAME.size, deadline))
        return kind, self._exactly(length, deadline)

    def _exactly(self, count: int, deadline: float) -> bytes:
        received = bytearray()
        descriptor = self._from.fileno()
        while len(received) < count:
            self._wait(descriptor, select.POLLIN, deadline)
            piece = os.read(descriptor, min(count - len(received), 1 << 20))
            if not piece:
                raise self._died()
            received += piece
        return bytes(received)

    def _wait(self, descriptor: int, event: int, deadline: float) -> None:
        poll = select.poll()
        poll.register(descriptor, event)
        left = deadline - time.monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            raise TimeoutError

    def _died(self) -> ReaderDied:
        try:
            return ReaderDied(self._process.wait(timeout=5))
        except subprocess.TimeoutExpired:
            return ReaderDied(self.close())
