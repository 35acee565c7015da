"""Translates botocore's errors into Bandmate's."""

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
"""Only other servers with S3's API run full, not AWS."""
_BUSY = frozenset(
    ("SlowDown", "Throttling", "ThrottlingException", "RequestTimeout", "RequestTimeoutException", "BadDigest", "429")
)
_CONFIGURATION_ERRORS = (NoCredentialsError, PartialCredentialsError, ParamValidationError)


class StorageRefused(BandmateError):
    """S3 refused, and a retry will not help: no permission, no such bucket, wrong credentials."""

    type = "storage-refused"
    title = "Object store access denied"


def code_of(error: ClientError) -> str:
    """S3's name of the error; for an answer without a body (HEAD) the HTTP status."""
    return str(error.response.get("Error", {}).get("Code", ""))


def was_repeated(error: ClientError) -> bool:
    """Whether this is the response to a retry: an earlier attempt may have been carried out."""
    return int(error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0)) > 0


@contextmanager
def s3_errors(operation: str) -> Iterator[None]:
    """Turn botocore's errors into ours: NotFound, StorageFull, Unavailable, StorageRefused."""
    try:
        yield
    except ClientError as error:
        raise _translate(error, operation) from error
    except _CONFIGURATION_ERRORS as error:
        raise StorageRefused(f"{operation} failed: {error}") from error
    except BotoCoreError as error:  # Time-outs, broken connections, a body cut short, a wrong checksum.
        raise Unavailable(f"{operation} failed: no valid response from S3: {error}") from error


def _translate(error: ClientError, operation: str) -> BandmateError:
    code = code_of(error)
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    message = error.response.get("Error", {}).get("Message") or f"status {status}"
    if code in _MISSING:
        return NotFound(f"{operation} failed: it is not in the store")
    if code in _FULL or status == 507:
        return StorageFull(f"{operation} failed: S3 says {code}: {message}; free some space in the bucket")
    if code in _BUSY or status >= 500:
        return Unavailable(f"{operation} failed: S3 says {code}: {message}")
    return StorageRefused(f"{operation} failed: S3 says {code}: {message}")
