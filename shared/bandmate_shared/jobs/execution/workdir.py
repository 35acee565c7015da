"""The temporary folder of an attempt.

Its owner holds a lock on it, which the kernel releases when the owner dies: a folder that can be locked
is an orphan, and the next attempt removes it.
"""

import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import Self


class WorkingFolder:
    """A folder below `root`, made when it is first asked for and removed on leaving the `with` block."""

    def __init__(self, root: Path, job_id: str) -> None:
        self._root = root
        self._job_id = job_id
        self._made: tuple[Path, int] | None = None

    @property
    def path(self) -> Path:
        """The empty folder. Raises OSError where none can be made."""
        if self._made is None:
            self._root.mkdir(parents=True, exist_ok=True)
            _remove_orphans(self._root)
            self._made = _make_locked(self._root, self._job_id)
        return self._made[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._made is not None:
            folder, lock = self._made
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
