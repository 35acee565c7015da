"""How a job comes into being: the job, its first event and its outbox row in one transaction, or nothing."""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from bandmate_shared.contracts.jobs import JobState
from bandmate_shared.errors import Conflict, InvalidRequest
from bandmate_shared.jobs import outbox
from bandmate_shared.jobs.model import START_PHASE, Job, NewJob, Policy, QuotaExceeded, Submitted, new_id
from bandmate_shared.jobs.records import OPEN_STATES, read_job
from bandmate_shared.jobs.schema import idempotency, job_events, jobs
from bandmate_shared.tracing import current_traceparent

KEY_LIFETIME = timedelta(hours=24)
"""How long an idempotency key is remembered."""

LONGEST_KEY = 255

QUOTA_RETRY_AFTER_SECONDS = 30

_INSERT_JOB = insert(jobs)
_INSERT_EVENT = insert(job_events)


def submit(
    connection: Connection, now: datetime, policy: Policy, new: NewJob, key: str | None, asked: dict[str, Any] | None
) -> Submitted:
    """Accept a root job. `asked` is what is compared where the key comes again; None: the job's request.

    Raises Conflict where the idempotency key came with another request before, QuotaExceeded where the tenant has too
    many unfinished root jobs already, and InvalidRequest for a key that cannot be kept. On Postgres submissions at the
    same moment do not see each other, and may pass the quota by as many as there are of them.
    """
    if new.parent_id is not None:
        raise ValueError("a child is made by parking its parent, not by submitting it")
    if key is not None and (len(key) > LONGEST_KEY or "\0" in key or not key.isascii()):
        raise InvalidRequest(f"an idempotency key is at most {LONGEST_KEY} ASCII characters, none of them NUL")
    request_sha256 = _hash_of([new.kind, new.request if asked is None else asked])
    if key is not None:
        earlier = _earlier_job(connection, now, new.tenant, key, request_sha256)
        if earlier is not None:
            return Submitted(earlier, created=False)
    _check_quota(connection, policy, new.tenant)
    job_id = insert_job(connection, now, new)
    if key is not None:
        row = {"tenant": new.tenant, "key": key, "request_sha256": request_sha256, "job_id": job_id}
        connection.execute(insert(idempotency), row | {"expires_at": now + KEY_LIFETIME})
    return Submitted(_fresh_job(job_id, now, new), created=True)


def insert_job(connection: Connection, now: datetime, new: NewJob, batch: int | None = None) -> str:
    """Write a queued job with its first event and its message; returns its id. `batch` is set for a child."""
    job_id = new_id(new.kind)
    row = {
        "id": job_id, "tenant": new.tenant, "kind": new.kind, "state": JobState.QUEUED.value, "phase": START_PHASE,
        "attempt": 0, "fence": 0, "last_seq": 1, "request": new.request, "saved": {}, "artifacts": [],
        "parent_id": new.parent_id, "batch": batch, "created_at": now,
        "traceparent": new.traceparent or current_traceparent(),
    }  # fmt: skip
    connection.execute(_INSERT_JOB, row)
    event = {"job_id": job_id, "seq": 1, "type": "job.queued", "time": now, "data": {"kind": new.kind}}
    connection.execute(_INSERT_EVENT, event)
    outbox.put(connection, now, job_id, new.kind)
    return job_id


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


def _fresh_job(job_id: str, now: datetime, new: NewJob) -> Job:
    return Job(
        id=job_id, tenant=new.tenant, kind=new.kind, state=JobState.QUEUED, phase=START_PHASE, attempt=0, fence=0,
        request=new.request, result=None, error=None, parent_id=None, stage=None, fraction=None, worker=None,
        waiting=False, cancel_requested=False, lease_until=None, created_at=now, started_at=None, finished_at=None,
        traceparent=new.traceparent,
    )  # fmt: skip
