"""The errors a person or a program may meet, each with a stable type.

Raise them early, with a detail that says what was wrong and what would be right. The HTTP layer turns them into
RFC 9457 problem details, the worker into a failed job's error, the command line into one red line.
"""

from bandmate_music.errors import (
    BandmateError,
    InvalidRequest,
    LimitExceeded,
    Unavailable,
    UnreadableFile,
    about,
)

__all__ = [
    "BandmateError",
    "Cancelled",
    "Conflict",
    "InvalidRequest",
    "LimitExceeded",
    "NotFound",
    "StorageFull",
    "Unavailable",
    "UnreadableFile",
    "about",
]


class NotFound(BandmateError):
    type = "not-found"
    title = "Not found"
    status = 404


class Conflict(BandmateError):
    type = "conflict"
    title = "Conflict"
    status = 409


class StorageFull(BandmateError):
    """The disk or bucket takes no more."""

    type = "storage-full"
    title = "Storage full"
    status = 507


class Cancelled(BandmateError):
    """Raised inside a handler when its job was cancelled."""

    type = "cancelled"
    title = "The job was cancelled"
    status = 409
