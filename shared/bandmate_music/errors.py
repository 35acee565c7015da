"""Errors of reading and writing music, and the base class of all of Bandmate's errors, each with a stable type."""

from collections.abc import Iterator
from contextlib import contextmanager


class BandmateError(Exception):
    """Base. `type` is kebab-case and stable; `status` is the HTTP status it maps to; `retryable` steers the worker."""

    type = "internal"
    title = "Internal error"
    status = 500
    retryable = False
    pause_seconds: float | None = None
    """Seconds after which to try again without spending an attempt, where waiting is all that is needed."""
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
    title = "Invalid request"
    status = 422


class UnreadableFile(InvalidRequest):
    """A file that is not what it claims to be, or is broken."""

    type = "unreadable-file"
    title = "Unreadable file"


class LimitExceeded(InvalidRequest):
    """A file or request past a limit; the detail names the limit, its value, and the setting that moves it."""

    type = "limit-exceeded"
    title = "Limit exceeded"
    status = 413


class Unavailable(BandmateError):
    """Something we depend on did not answer; trying again may help."""

    type = "unavailable"
    title = "Service unavailable"
    status = 503
    retryable = True
