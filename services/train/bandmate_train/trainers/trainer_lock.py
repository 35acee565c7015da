"""A lock file that allows one trainer per job on this machine, also when the worker that started it has died."""

import fcntl
import os
import signal
import time
from pathlib import Path
from typing import IO

from bandmate_train.trainers.base import TrainerInterrupted

_POLL_SECONDS = 0.05


def acquire(path: Path, stop_seconds: float) -> IO[bytes]:
    """Open and lock the file at `path`; the trainer of an earlier attempt that still holds it is stopped first.

    Its process id is in the file (see `exec_trainer`). It gets SIGTERM, and SIGKILL after `stop_seconds`. Raises
    TrainerInterrupted when it is still there after twice that time.
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
    """Signal the holder; False while it has not written its process id yet."""
    text = path.read_text()
    if not text.isdigit():
        return False
    try:
        os.kill(int(text), number)
    except ProcessLookupError:
        pass
    return True
