"""Parses, checks and submits song requests that do not come over HTTP, each exactly once."""

import json
from collections.abc import Callable

from pydantic import ValidationError

from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.errors import BandmateError, InvalidRequest, LimitExceeded
from bandmate_shared.faults import in_words
from bandmate_shared.jobs.model import NewJob, QuotaExceeded, Submitted
from bandmate_shared.runtime import Runtime

Check = Callable[[SongRequest], SongRequest]
"""The API's check of a request: returns it, perhaps completed, or raises a BandmateError."""


def submit_song(runtime: Runtime, original: SongRequest, key: str, check: Check | None = None) -> Submitted:
    """Submit a request under an idempotency key: the same key and request within a day give the same job.

    The job belongs to the tenant in BANDMATE_SUBMISSIONS_TENANT. Raises what `check` and the job store raise; see
    `is_temporary`.
    """
    request = check(original) if check is not None else original
    new = NewJob("song", request.model_dump(mode="json"), runtime.settings.submissions_tenant)
    submitted = runtime.store.submit(new, idempotency_key=key, asked=original.model_dump(mode="json"))
    runtime.relay.kick()
    return submitted


def parse_song_request(text: str, limit: int) -> SongRequest:
    """A SongRequest in JSON of at most `limit` bytes. Raises LimitExceeded, InvalidRequest."""
    if len(text.encode()) > limit:
        raise LimitExceeded(f"the request is larger than {limit} bytes (BANDMATE_MAX_BODY_BYTES)")
    try:
        return as_song_request(json.loads(text))
    except json.JSONDecodeError as error:
        raise InvalidRequest(f"the request is not JSON: {error}") from error
    except RecursionError as error:
        raise InvalidRequest("the request is nested too deeply") from error


def as_song_request(value: object) -> SongRequest:
    """JSON as a SongRequest. Raises InvalidRequest, which names the fields that are wrong."""
    try:
        return SongRequest.model_validate(value)
    except ValidationError as error:
        raise InvalidRequest(f"the request is not a song request: {in_words(error)}") from error


def is_temporary(error: BandmateError) -> bool:
    """Whether the same request may succeed later."""
    return error.retryable or isinstance(error, QuotaExceeded)
