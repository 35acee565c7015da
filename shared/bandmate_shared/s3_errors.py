"""What S3's refusals and a broken line to it mean here."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
)

from bandmate_shared.errors import BandmateError, NotFound, StorageFull, Unavailable

_MISSING = frozenset(("NoSuchKey", "NotFound", "404"))
_FULL = frozenset(("QuotaExceeded", "InsufficientStorage", "XMinioStorageFull", "507"))
"""AWS itself is never full; servers that speak its language are."""
_BUSY = frozenset(
    ("SlowDown", "Throttling", "ThrottlingException", "RequestTimeout", "RequestTimeoutException", "BadDigest", "429")
)
_OURS = (NoCredentialsError, PartialCredentialsError, ParamValidationError)


class StorageRefused(BandmateError):
    """S3 answered, and will answer the same tomorrow: no permission, no such bucket, wrong credentials."""

    type = "storage-refused"
    title = "The object store does not let us"


def code_of(error: ClientError) -> str:
    """S3's name of the error; for an answer without a body (HEAD) the HTTP status."""
    return str(error.response.get("Error", {}).get("Code", ""))


def was_repeated(error: ClientError) -> bool:
    """Whether this answers a repetition: an earlier try of the same request may have been carried out."""
    return int(error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0)) > 0


@contextmanager
def s3_errors(doing: str) -> Iterator[None]:
    """Turn botocore's errors into ours: NotFound, StorageFull, Unavailable, StorageRefused."""
    try:
        yield
    except ClientError as error:
        raise _meaning(error, doing) from error
    except _OURS as error:
        raise StorageRefused(f"{doing} failed: {error}") from error
    except BotoCoreError as error:  # Time-outs, broken connections, a body cut short, a wrong checksum.
        raise Unavailable(f"{doing} failed: S3 did not answer as it should: {error}") from error


def _meaning(error: ClientError, doing: str) -> BandmateError:
    code = code_of(error)
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    said = error.response.get("Error", {}).get("Message") or f"status {status}"
    if code in _MISSING:
        return NotFound(f"{doing} failed: it is not in the store")
    if code in _FULL or status == 507:
        return StorageFull(f"{doing} failed: S3 says {code}: {said}; free some space in the bucket")
    if code in _BUSY or status >= 500:
        return Unavailable(f"{doing} failed: S3 says {code}: {said}")
    return StorageRefused(f"{doing} failed: S3 says {code}: {said}")
