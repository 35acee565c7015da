"""A song request from anywhere but HTTP becomes a job: parsed, checked as the API checks it, submitted once."""

from collections.abc import Callable, Mapping
from typing import Any

from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.errors import BandmateError, InvalidRequest
from bandmate_shared.jobs.model import NewJob, QuotaExceeded, Submitted
from bandmate_shared.runtime import Runtime
from pydantic import ValidationError

Check = Callable[[SongRequest], SongRequest]
"""What the API does at the door; raises a BandmateError for a request that no song can be made of."""


def ask_for_song(runtime: Runtime, fields: Mapping[str, Any], key: str, check: Check) -> Submitted:
    """Submit a request under an idempotency key: the same key and request within a day give the same job.

    Raises:
        InvalidRequest: the fields are no request.
        BandmateError: what `check` and the job store raise; see `may_pass`.
    """
    try:
        asked = SongRequest.model_validate(dict(fields))
    except ValidationError as error:
        raise InvalidRequest(f"this is not a song request: {_readable(error)}") from None
    request = check(asked)
    new = NewJob("song", request.model_dump(mode="json"))
    submitted = runtime.store.submit(new, idempotency_key=key, asked=asked.model_dump(mode="json"))
    runtime.relay.kick()
    return submitted


def may_pass(error: BandmateError) -> bool:
    """Whether the same request may be taken later."""
    return error.retryable or isinstance(error, QuotaExceeded)


def _readable(error: ValidationError) -> str:
    problems = []
    for problem in error.errors(include_url=False, include_input=False, include_context=False):
        place = ".".join(str(part) for part in problem["loc"])
        message = problem["msg"].removeprefix("Value error, ")
        problems.append(f"{place}: {message}" if place else message)
    return "; ".join(problems)
