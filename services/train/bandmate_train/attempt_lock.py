"""One trainer a job on this machine, also when the worker that started it is long dead."""

import fcntl
import os
import signal
import time
from pathlib import Path
from typing import IO

from bandmate_train.trainer import TrainerInterrupted

_POLL_SECONDS = 0.05


def take_over(path: Path, stop_seconds: float) -> IO[bytes]:
    """The lock at `path`, held. Whoever has it is an orphan of an earlier attempt: it is stopped first.

    The holder's process id is in the file (launch.py). It gets SIGTERM, and SIGKILL after `stop_seconds`. Raises
    TrainerInterrupted when it outlives even that.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.open("ab+")
    started = time.monotonic()
    terminated = False
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            lock.truncate(0)
            return lock
        except BlockingIOError:
            pass
        waited = time.monotonic() - started
        if waited > 2 * stop_seconds:
            lock.close()
            raise TrainerInterrupted(f"an earlier attempt's trainer still holds {path} and cannot be stopped")
        if waited > stop_seconds:
            _signal_holder(path, signal.SIGKILL)
        elif not terminated:
            terminated = _signal_holder(path, signal.SIGTERM)
        time.sleep(_POLL_SECONDS)


def _signal_holder(path: Path, number: signal.Signals) -> bool:
    """Whether the holder had written its id, and got the signal."""
    text = path.read_text()
    if not text.isdigit():
        return False
    try:
        os.kill(int(text), number)
    except ProcessLookupError:
        pass
    return True
