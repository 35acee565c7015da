"""The errors a person or a program may meet, each with a stable type.

Raise them early, with a detail that says what was wrong and what would be right. The HTTP layer turns them into
RFC 9457 problem details, the worker into a failed job's error, the command line into one red line.
"""

from collections.abc import Iterator
from contextlib import contextmanager


class BandmateError(Exception):
    """Base. `type` is kebab-case and stable; `status` is the HTTP status it maps to; `retryable` steers the worker."""

    type = "internal"
    title = "Something went wrong"
    status = 500
    retryable = False
    field: str | None = None
    """The field of the request that is at fault, where it is one: 'infill.bars'."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


@contextmanager
def about(field: str) -> Iterator[None]:
    """Errors raised in here are about this field of the request, unless they name one themselves."""
    try:
        yield
    except BandmateError as error:
        error.field = error.field or field
        raise


class InvalidRequest(BandmateError):
    """The request cannot be carried out as asked; trying again will not help."""

    type = "invalid-request"
    title = "The request cannot be carried out"
    status = 422


class NotFound(BandmateError):
    type = "not-found"
    title = "There is no such thing"
    status = 404


class Conflict(BandmateError):
    type = "conflict"
    title = "This contradicts an earlier request"
    status = 409


class UnreadableFile(InvalidRequest):
    """A file that is not what it claims to be, or is broken."""

    type = "unreadable-file"
    title = "The file cannot be read"


class LimitExceeded(InvalidRequest):
    """A file or request past a limit; the detail names the limit, its value, and the setting that moves it."""

    type = "limit-exceeded"
    title = "A limit was passed"
    status = 413


class Unavailable(BandmateError):
    """Something we depend on did not answer; trying again may help."""

    type = "unavailable"
    title = "A needed service did not answer"
    status = 503
    retryable = True


class StorageFull(BandmateError):
    """The disk or bucket takes no more."""

    type = "storage-full"
    title = "There is no room left to write"
    status = 507


class Cancelled(BandmateError):
    """Raised inside a handler when its job was cancelled."""

    type = "cancelled"
    title = "The job was cancelled"
    status = 409
