"""Reads untrusted files in child processes, so that a crash or memory exhaustion harms nothing else.

A child (`sandbox.child`) reads file after file under limits on its memory, its CPU time and what it may open; it can
neither write files nor start processes. When it dies or hangs, the file it was reading gets an error and the next file
a new child. Children are kept for the next call: only the first costs a start.
"""

import atexit
import os
import signal
import threading
from collections.abc import Iterable, Iterator

from bandmate_music.child_process.frames import FrameTooLong
from bandmate_music.child_process.process import ChildDied
from bandmate_music.errors import BandmateError, LimitExceeded, UnreadableFile
from bandmate_music.limits import Limits
from bandmate_music.sandbox.process import ReaderProcess
from bandmate_music.score import Score
from bandmate_music.verses import Verses

_MAX_IDLE = 2
_FILES_PER_CHILD = 20_000

_lock = threading.Lock()
_idle: list[ReaderProcess] = []


def read_untrusted(data: bytes, name: str, limits: Limits, verses: Verses | None = None) -> Score:
    """The score in a file from a stranger, by `read.read_score` in a process of its own.

    Thread-safe, and usable after a fork. With `verses` the score is read as it is sung.

    Raises:
        UnreadableFile: it is no score, or its reader crashed.
        LimitExceeded: past one of the limits, memory and time included.
        Unavailable: no process could be started.
    """
    try:
        limits.check_file_bytes(len(data))
    except LimitExceeded as error:
        raise LimitExceeded(f"{name}: {error.detail}") from None
    reader, used = _take(limits)
    try:
        score = _read(reader, data, name, verses)
    except ChildDied as death:
        if not used:
            raise _crashed(name, death) from None
        # An earlier file or a kill from outside may be the cause: try once more in a fresh child.
        reader = ReaderProcess(limits)
        try:
            score = _read(reader, data, name, verses)
        except ChildDied as second:
            raise _crashed(name, second) from None
    _keep(reader)
    return score


def read_untrusted_batch(items: Iterable[tuple[bytes, str]], limits: Limits) -> Iterator[Score | BandmateError]:
    """One score or error for each (data, name), in order. One child reads them all, unless it dies.

    Errors are yielded, not raised: a bad file costs the batch nothing but itself.
    """
    for data, name in items:
        try:
            yield read_untrusted(data, name, limits)
        except BandmateError as error:
            yield error


def close_readers() -> None:
    """End the idle children; the next file starts a new one. Called at exit."""
    with _lock:
        readers = list(_idle)
        _idle.clear()
    for reader in readers:
        reader.child.close()


def _read(reader: ReaderProcess, data: bytes, name: str, verses: Verses | None) -> Score:
    """The score in the file. The child is closed if it cannot go on; one that found a bad file is kept."""
    try:
        return reader.read(data, name, verses)
    except ChildDied:
        reader.child.close()
        raise
    except BandmateError:
        _keep(reader)
        raise
    except TimeoutError:
        reader.child.close()
        raise _too_slow(name, reader.limits) from None
    except MemoryError:
        reader.child.close()
        memory = f"{reader.limits.parse_memory_bytes:,} bytes (BANDMATE_PARSE_MEMORY_BYTES)"
        raise LimitExceeded(f"{name}: reading it takes too much memory; the limit is {memory}") from None
    except FrameTooLong:
        reader.child.close()
        raise UnreadableFile(f"{name}: the reader's answer is too long") from None
    except BaseException:
        reader.child.close()
        raise


def _crashed(name: str, death: ChildDied) -> BandmateError:
    if death.status == -signal.SIGXCPU:
        return LimitExceeded(f"{name}: reading it takes too long; the limit is set by BANDMATE_PARSE_SECONDS")
    cause = signal.Signals(-death.status).name if death.status < 0 else f"exit status {death.status}"
    return UnreadableFile(f"{name}: its reader crashed ({cause})")


def _too_slow(name: str, limits: Limits) -> LimitExceeded:
    limit = f"{limits.parse_seconds:g} seconds (BANDMATE_PARSE_SECONDS)"
    return LimitExceeded(f"{name}: reading it takes too long; the limit is {limit}")


def _take(limits: Limits) -> tuple[ReaderProcess, bool]:
    """An idle child that was started with these limits, or a new one; and whether it has read before."""
    with _lock:
        for number, reader in enumerate(_idle):
            if reader.limits == limits:
                return _idle.pop(number), True
    return ReaderProcess(limits), False


def _keep(reader: ReaderProcess) -> None:
    """Keep the child for the next file; the oldest of too many is closed, as is one that has read its share."""
    surplus: ReaderProcess | None = reader
    if reader.files < _FILES_PER_CHILD:
        with _lock:
            _idle.append(reader)
            surplus = _idle.pop(0) if len(_idle) > _MAX_IDLE else None
    if surplus is not None:
        surplus.child.close()


def _after_fork() -> None:
    """A forked process must not use its parent's pipes."""
    global _lock
    _lock = threading.Lock()
    for reader in _idle:
        reader.child.forget()
    _idle.clear()


os.register_at_fork(after_in_child=_after_fork)
atexit.register(close_readers)
