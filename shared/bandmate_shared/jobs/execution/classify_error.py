"""Maps an exception of a handler to the job's error and to whether a retry may help."""

import errno
import sqlite3

from bandmate_shared.contracts.jobs import JobError
from bandmate_shared.errors import BandmateError, StorageFull

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class OutOfTime(BandmateError):
    """The job ran longer than its service allows."""

    type = "out-of-time"
    title = "The job took too long"
    status = 504


def classify_error(error: Exception, job_id: str) -> tuple[JobError, bool]:
    """(error, retryable). An unexpected exception is 'internal': one sentence here, the traceback in the log."""
    known = _known(error)
    if known is not None:
        return JobError(type=known.type, title=known.title, detail=known.detail), known.retryable
    detail = f"an unexpected error stopped {job_id}; the service's log has the details under this id"
    return JobError(type=BandmateError.type, title=BandmateError.title, detail=detail), True


def _known(error: BaseException) -> BandmateError | None:
    if isinstance(error, BandmateError):
        return error
    if isinstance(error, OSError) and error.errno in _DISK_FULL:
        return StorageFull(f"no space left to write {error.filename or 'a file'}; free some space and redrive")
    if "disk is full" in str(error) and isinstance(getattr(error, "orig", error), sqlite3.OperationalError):
        return StorageFull("no space left to write the job database; free some space and redrive")
    if isinstance(error, MemoryError):
        return _OutOfMemory("the job needed more memory than the worker has")
    return None


class _OutOfMemory(BandmateError):
    type = "out-of-memory"
    title = "The job needed too much memory"
    status = 507
    retryable = True
