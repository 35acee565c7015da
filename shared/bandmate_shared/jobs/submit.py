"""Submission of a root job: idempotency keys and the tenant's quota."""

import hashlib
import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from bandmate_shared.contracts.songs import SONG_SOURCE
from bandmate_shared.errors import Conflict, InvalidRequest
from bandmate_shared.jobs.database.schema import idempotency, jobs
from bandmate_shared.jobs.model import Job, NewJob, Policy, QuotaExceeded, Submitted
from bandmate_shared.jobs.queries import read_job
from bandmate_shared.jobs.records import OPEN_STATES
from bandmate_shared.jobs.transitions import create

KEY_LIFETIME = timedelta(hours=24)
"""How long an idempotency key is remembered."""

MAX_KEY_CHARACTERS = 255

QUOTA_RETRY_AFTER_SECONDS = 30


def submit(
    connection: Connection, now: datetime, policy: Policy, new: NewJob, key: str | None, original: dict[str, Any] | None
) -> Submitted:
    """Accept a root job. `original` is what is compared where the key comes again; None: the job's request.

    Raises Conflict where the idempotency key came with another request before, QuotaExceeded where the tenant has too
    many unfinished root jobs already, and InvalidRequest for a key that cannot be kept. On Postgres submissions at the
    same moment do not see each other, and may pass the quota by as many as there are of them.
    """
    if new.parent_id is not None:
        raise ValueError("a child is made by parking its parent, not by submitting it")
    if key is not None and (len(key) > MAX_KEY_CHARACTERS or "\0" in key or not key.isascii()):
        raise InvalidRequest(f"an idempotency key is at most {MAX_KEY_CHARACTERS} ASCII characters, none of them NUL")
    request_sha256 = _hash_of([new.kind, new.request if original is None else original])
    if key is not None:
        earlier = _earlier_job(connection, now, new.tenant, key, request_sha256)
        if earlier is not None:
            return Submitted(earlier, created=False)
    _check_quota(connection, policy, new.tenant)
    job_id = create(connection, now, replace(new, derived_from=new.derived_from or _source_of(connection, new)))
    if key is not None:
        row = {"tenant": new.tenant, "key": key, "request_sha256": request_sha256, "job_id": job_id}
        connection.execute(insert(idempotency), row | {"expires_at": now + KEY_LIFETIME})
    return Submitted(read_job(connection, job_id), created=True)


def any_key_expired(connection: Connection, now: datetime) -> bool:
    """Whether there is something for `forget_expired_keys` to do."""
    query = select(idempotency.c.key).where(idempotency.c.expires_at <= now).limit(1)
    return connection.execute(query).first() is not None


def forget_expired_keys(connection: Connection, now: datetime) -> int:
    """Drop idempotency keys past their lifetime; returns how many."""
    return connection.execute(delete(idempotency).where(idempotency.c.expires_at <= now)).rowcount


def _earlier_job(connection: Connection, now: datetime, tenant: str, key: str, request_sha256: str) -> Job | None:
    same_key = idempotency.c.tenant == tenant, idempotency.c.key == key
    row = connection.execute(select(idempotency).where(*same_key)).one_or_none()
    if row is None:
        return None
    if row.expires_at <= now:
        connection.execute(delete(idempotency).where(*same_key))
        return None
    if row.request_sha256 != request_sha256:
        raise Conflict(f"the idempotency key {key!r} was used for another request, which became {row.job_id}")
    return read_job(connection, row.job_id)


def _source_of(connection: Connection, new: NewJob) -> str | None:
    """The song that a request is a version of, or names as its prompt; the whole song where it is a take."""
    source, prompt = new.request.get("derived_from"), new.request.get("prompt")
    if isinstance(source, str):
        job_id = source
    elif isinstance(prompt, str) and prompt.startswith(SONG_SOURCE):
        job_id = prompt.removeprefix(SONG_SOURCE).strip().partition("/")[0]
    else:
        return None
    row = connection.execute(select(jobs.c.id, jobs.c.parent_id).where(jobs.c.id == job_id)).one_or_none()
    return None if row is None else row.parent_id or row.id


def _check_quota(connection: Connection, policy: Policy, tenant: str) -> None:
    unfinished = connection.scalar(
        select(func.count())
        .select_from(jobs)
        .where(jobs.c.state.in_(OPEN_STATES), jobs.c.tenant == tenant, jobs.c.parent_id.is_(None))
    )
    if unfinished is not None and unfinished >= policy.queue_quota:
        raise QuotaExceeded(
            f"{unfinished} jobs of yours are unfinished, and at most {policy.queue_quota} may be;"
            " wait for some to end or cancel them",
            retry_after=QUOTA_RETRY_AFTER_SECONDS,
        )


def _hash_of(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
