"""The compiled code of librosa's pitch tracker, compiled by one test process of a run and copied by the others.

Compiling takes a quarter of a minute of one core. Test processes that fill one cache at the same time leave code in it
that crashes processes that load it later, so each process has its own cache, which begins as a copy.
"""

import atexit
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

OWN = Path(tempfile.mkdtemp(prefix="bandmate-numba-"))
os.environ["NUMBA_CACHE_DIR"] = str(OWN)  # numba reads it when it is imported, which is later.
atexit.register(shutil.rmtree, OWN, ignore_errors=True)

Floats = NDArray[np.floating[Any]]


def pyin(sound: Floats, **options: Any) -> tuple[Floats, NDArray[np.bool_], Floats]:
    """`librosa.pyin`, compiled once a run."""
    import librosa

    _compile(os.environ.get("PYTEST_XDIST_TESTRUNUID"))
    return librosa.pyin(sound, **options)  # type: ignore[no-any-return]


@cache
def _compile(run: str | None) -> None:
    """`run`: None where a run is one process, which needs no copy."""
    if run is None:
        return
    shared = Path(tempfile.gettempdir()) / f"bandmate-numba-of-{run}"
    with _locked(shared):
        if (shared / "code").is_dir():
            shutil.copytree(shared / "code", OWN, dirs_exist_ok=True)
            return
        import librosa

        librosa.pyin(np.sin(np.arange(22050) / 20).astype(np.float32), fmin=60, fmax=600, sr=22050)
        shutil.copytree(OWN, shared / "half")
        (shared / "half").rename(shared / "code")
        atexit.register(_remove, shared)


def _remove(shared: Path) -> None:
    with _locked(shared):
        shutil.rmtree(shared, ignore_errors=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
