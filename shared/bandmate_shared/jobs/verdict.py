"""What an exception means for the job: the error that its owner reads, and whether another attempt may help."""

import errno
import sqlite3

from bandmate_shared.contracts.jobs import JobError
from bandmate_shared.errors import BandmateError, StorageFull

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class OutOfTime(BandmateError):
    """The job ran longer than its service allows."""

    type = "out-of-time"
    title = "The job took too long"
    status = 504


def verdict(error: Exception, job_id: str) -> tuple[JobError, bool]:
    """(error, retryable). What nobody foresaw is 'internal': one sentence here, the traceback in the log."""
    known = _known(error)
    if known is not None:
        return JobError(type=known.type, title=known.title, detail=known.detail), known.retryable
    detail = f"something unforeseen stopped {job_id}; the service's log has the details under this id"
    return JobError(type=BandmateError.type, title=BandmateError.title, detail=detail), True


def _known(error: BaseException) -> BandmateError | None:
    if isinstance(error, BandmateError):
        return error
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        return StorageFull(f"there was no room left to write {error.filename or 'a file'}; free some space and redrive")
    if "disk is full" in str(error) and isinstance(getattr(error, "orig", error), sqlite3.OperationalError):
        return StorageFull("there was no room left to write the job database; free some space and redrive")
    if isinstance(error, MemoryError):
        return _OutOfMemory("the job needed more memory than the worker has")
    return None


class _OutOfMemory(BandmateError):
    type = "out-of-memory"
    title = "The job needed too much memory"
    status = 507
    retryable = True
