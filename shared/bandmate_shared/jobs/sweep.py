"""The sweeper: finds the jobs whose worker has died and gives them to another, or gives them up."""

from datetime import datetime

from sqlalchemy import Connection, select

from bandmate_shared.contracts.jobs import JobError
from bandmate_shared.jobs.ending import end_cancelled, end_failed, requeue
from bandmate_shared.jobs.lease import abandoned, lease_expired
from bandmate_shared.jobs.model import Policy
from bandmate_shared.jobs.records import change, find, lock_ancestors, parent_of
from bandmate_shared.jobs.schema import jobs

BATCH = 100


def abandoned_jobs(connection: Connection, now: datetime) -> list[str]:
    """Ids of running jobs whose lease has run out, longest dead first."""
    query = select(jobs.c.id).where(abandoned(now)).order_by(jobs.c.lease_until).limit(BATCH)
    return list(connection.scalars(query))


def rescue(connection: Connection, now: datetime, policy: Policy, job_id: str) -> str | None:
    """Deal with one abandoned job. Returns 'requeued', 'cancelled', 'failed', or None where it is in hand again."""
    lock_ancestors(connection, parent_of(connection, job_id))
    row = find(connection, job_id, abandoned(now), lock=True)
    if row is None:
        return None
    if row.cancel_requested:
        change(connection, now, job_id, {}, [lease_expired(row)])
        end_cancelled(connection, now, row)
        return "cancelled"
    if row.attempt >= policy.max_attempts:
        error = JobError(
            type="attempts-exhausted",
            title="The job was given up",
            detail=f"the worker died on each of the {row.attempt} attempts at {job_id}",
        )
        change(connection, now, job_id, {}, [lease_expired(row)])
        end_failed(connection, now, row, error, reason=error.detail)
        return "failed"
    requeue(connection, now, row, now, {}, lease_expired(row))
    return "requeued"
