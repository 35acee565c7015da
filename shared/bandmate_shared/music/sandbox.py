"""Untrusted files, read where a crash or a memory blow-up takes nothing down.

A child process (`reader_process`, `sandbox_child`) reads file after file under limits on its memory, its CPU time and
what it may open; it can neither write files nor start processes. When it dies or hangs, the file it was reading gets an
error and the next file a new child. Children are kept for the next call: only the first costs a start.
"""

import atexit
import os
import signal
import threading
from collections.abc import Iterable, Iterator

from bandmate_shared.errors import BandmateError, LimitExceeded, UnreadableFile
from bandmate_shared.music.limits import Limits
from bandmate_shared.music.reader_process import ReaderDied, ReaderProcess
from bandmate_shared.music.score import Score
from bandmate_shared.settings import SharedSettings

_KEPT = 2
_FILES_PER_CHILD = 20_000

_lock = threading.Lock()
_idle: list[ReaderProcess] = []


def read_untrusted(data: bytes, name: str, settings: SharedSettings) -> Score:
    """The score in a file from a stranger, by `read.read_score` in a process of its own.

    Safe to call from threads and after a fork.

    Raises:
        UnreadableFile: no score, or its reader crashed.
        LimitExceeded: past a limit of the settings, memory and time included.
        Unavailable: no process could be started.
    """
    limits = Limits.from_settings(settings)
    try:
        limits.check_file_bytes(len(data))
    except LimitExceeded as error:
        raise LimitExceeded(f"{name}: {error.detail}") from None
    reader, used = _take(settings)
    try:
        score = _read(reader, data, name)
    except ReaderDied as death:
        if not used:
            raise _crashed(name, death) from None
        # The files before this one, or someone with a kill, may have done it: once more, in a fresh child.
        reader = ReaderProcess(settings)
        try:
            score = _read(reader, data, name)
        except ReaderDied as second:
            raise _crashed(name, second) from None
    _keep(reader)
    return score


def read_untrusted_batch(
    items: Iterable[tuple[bytes, str]], settings: SharedSettings
) -> Iterator[Score | BandmateError]:
    """One score or error for each (data, name), in order. One child reads them all, unless it dies.

    Errors are yielded, not raised: a bad file costs the batch nothing but itself.
    """
    for data, name in items:
        try:
            yield read_untrusted(data, name, settings)
        except BandmateError as error:
            yield error


def close_readers() -> None:
    """Ends the children kept for later; the next file starts a new one. Called at exit."""
    with _lock:
        readers = list(_idle)
        _idle.clear()
    for reader in readers:
        reader.close()


def _read(reader: ReaderProcess, data: bytes, name: str) -> Score:
    """Reads, and parts with the child if it cannot go on; one that only found a bad file is kept."""
    try:
        return reader.read(data, name)
    except ReaderDied:
        reader.close()
        raise
    except BandmateError:
        _keep(reader)
        raise
    except TimeoutError:
        reader.close()
        raise _too_slow(name, reader.settings) from None
    except MemoryError:
        reader.close()
        memory = f"{reader.settings.parse_memory_bytes:,} bytes (BANDMATE_PARSE_MEMORY_BYTES)"
        raise LimitExceeded(f"{name}: reading it takes too much memory; the limit is {memory}") from None
    except BaseException:
        reader.close()
        raise


def _crashed(name: str, death: ReaderDied) -> BandmateError:
    if death.status == -signal.SIGXCPU:
        return LimitExceeded(f"{name}: reading it takes too long; the limit is set by BANDMATE_PARSE_SECONDS")
    cause = signal.Signals(-death.status).name if death.status < 0 else f"exit status {death.status}"
    return UnreadableFile(f"{name}: its reader crashed ({cause})")


def _too_slow(name: str, settings: SharedSettings) -> LimitExceeded:
    limit = f"{settings.parse_seconds:g} seconds (BANDMATE_PARSE_SECONDS)"
    return LimitExceeded(f"{name}: reading it takes too long; the limit is {limit}")


def _take(settings: SharedSettings) -> tuple[ReaderProcess, bool]:
    """A kept child that was started with these settings, or a new one; and whether it has read before."""
    with _lock:
        for number, reader in enumerate(_idle):
            if reader.settings == settings:
                return _idle.pop(number), True
    return ReaderProcess(settings), False


def _keep(reader: ReaderProcess) -> None:
    """Keeps the child for the next file; of too many the oldest goes, as does one that has read its share."""
    surplus: ReaderProcess | None = reader
    if reader.files < _FILES_PER_CHILD:
        with _lock:
            _idle.append(reader)
            surplus = _idle.pop(0) if len(_idle) > _KEPT else None
    if surplus is not None:
        surplus.close()


def _after_fork() -> None:
    """A forked child must not talk through its parent's pipes."""
    global _lock
    _lock = threading.Lock()
    for reader in _idle:
        reader.forget()
    _idle.clear()


os.register_at_fork(after_in_child=_after_fork)
atexit.register(close_readers)
