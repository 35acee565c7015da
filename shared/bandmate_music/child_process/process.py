"""A Python child process that is spoken to in frames, each with a deadline.

The child gets none of our environment, so no credentials lie where hostile input could find them, and writes nothing to
our standard error. What it may use it limits itself (`resource_limits`), once everything it needs is imported.
"""

import os
import select
import subprocess
import sys
import time

from bandmate_music.child_process.frames import HEADER, MAX_FRAME_BYTES, frame_header, parse_header

_START = "import sys; sys.path[:0] = sys.argv[1:]; from {module} import main; main()"
_READ_BYTES = 1 << 20
_EXIT_SECONDS = 5.0


class ChildDied(Exception):
    """The child ended without an answer. `status` is its exit status, minus the signal's number if one ended it."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class ChildProcess:
    """One child: `module.main` runs in it, with frames on its standard input and output."""

    def __init__(self, module: str, *, max_frame_bytes: int = MAX_FRAME_BYTES, site: bool = True) -> None:
        """Starts the child with our import path. `site=False` starts faster, without `.pth` files and their hooks."""
        environment = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "LC_ALL": "C.UTF-8"}
        if "LD_LIBRARY_PATH" in os.environ:
            environment["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]
        flags = ["-I"] if site else ["-I", "-S"]
        self._max_frame_bytes = max_frame_bytes
        self._process = subprocess.Popen(
            [sys.executable, *flags, "-c", _START.format(module=module), *(path for path in sys.path if path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to, self._from = self._process.stdin, self._process.stdout
        os.set_blocking(self._to.fileno(), False)

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, kind: bytes, payload: bytes, seconds: float) -> tuple[bytes, bytes]:
        """Send a frame and receive the answer. Raises as `send` and `receive` do."""
        deadline = time.monotonic() + seconds
        self.send(kind, payload, deadline)
        return self.receive(deadline)

    def send(self, kind: bytes, payload: bytes, deadline: float) -> None:
        """Send a frame before `deadline` (monotonic clock).

        Raises:
            ChildDied: it ended.
            TimeoutError: it did not take the frame in time; close it.
        """
        rest = memoryview(frame_header(kind, len(payload)) + payload)
        descriptor = self._to.fileno()
        while rest:
            _wait(descriptor, select.POLLOUT, deadline)
            try:
                rest = rest[os.write(descriptor, rest) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                raise ChildDied(self.wait()) from None

    def receive(self, deadline: float) -> tuple[bytes, bytes]:
        """Kind and payload of the next frame.

        Raises:
            ChildDied: it ended.
            TimeoutError: no whole frame came in time; close it.
            FrameTooLong: it declares more bytes than are accepted; close it.
        """
        kind, length = parse_header(self._exactly(HEADER.size, deadline), self._max_frame_bytes)
        return kind, self._exactly(length, deadline)

    def wait(self) -> int:
        """The exit status of a child that is ending; it is killed if it does not within some seconds."""
        try:
            return self._process.wait(_EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            return self._process.wait()

    def kill(self) -> None:
        """End the child from any thread; whoever waits for its answer gets ChildDied."""
        self._process.kill()

    def close(self) -> int:
        """End the child and close its pipes; returns its exit status."""
        self._from.close()
        try:
            self._to.close()
        except BrokenPipeError:
            pass
        self._process.kill()
        return self._process.wait()

    def forget(self) -> None:
        """In a forked copy of this process: close the copied pipes and leave the child to its parent."""
        self._from.close()
        self._to.close()
        self._process.returncode = 0

    def _exactly(self, count: int, deadline: float) -> bytes:
        received = bytearray()
        descriptor = self._from.fileno()
        while len(received) < count:
            _wait(descriptor, select.POLLIN, deadline)
            piece = os.read(descriptor, min(count - len(received), _READ_BYTES))
            if not piece:
                raise ChildDied(self.wait())
            received += piece
        return bytes(received)


def _wait(descriptor: int, event: int, deadline: float) -> None:
    poll = select.poll()
    poll.register(descriptor, event)
    seconds = deadline - time.monotonic()
    if seconds <= 0 or not poll.poll(seconds * 1000):
        raise TimeoutError
