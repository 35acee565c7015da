"""The temporary folder of an attempt.

Its owner holds a lock on it, which the kernel lets go when the owner dies, however it dies: a folder that can be locked
belongs to nobody and is removed by the next attempt that comes along.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def working_folder(root: Path, job_id: str) -> Iterator[Path]:
    """An empty folder below `root`, removed on leaving. Raises OSError where none can be made."""
    root.mkdir(parents=True, exist_ok=True)
    _remove_orphans(root)
    folder, lock = _make_locked(root, job_id)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _make_locked(root: Path, job_id: str) -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=f"{job_id}-", dir=root))
        lock = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if folder.exists():
                return folder, lock
        except BlockingIOError:
            pass  # Another worker took the unlocked folder for an orphan and is about to remove it.
        os.close(lock)


def _remove_orphans(root: Path) -> None:
    for folder in root.iterdir():
        try:
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            continue  # Gone already, or not a folder.
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            pass
        finally:
            os.close(lock)
