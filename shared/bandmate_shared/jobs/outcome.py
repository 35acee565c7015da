"""What a worker may say at the end of an attempt. Each call ends the lease; each raises StaleLease if it was lost."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from bandmate_shared.contracts.jobs import Artifact, JobError, JobState
from bandmate_shared.jobs.ending import end_cancelled, end_failed, end_succeeded, requeue
from bandmate_shared.jobs.lease import hold
from bandmate_shared.jobs.model import Lease, NewJob, Policy
from bandmate_shared.jobs.records import change, lock_ancestors
from bandmate_shared.jobs.submit import insert_job
from bandmate_shared.tracing import current_traceparent

FIRST_RETRY_SECONDS = 1.0
RETRY_GROWTH = 3.0
LONGEST_RETRY_SECONDS = 60.0


def succeed(
    connection: Connection, now: datetime, lease: Lease, result: dict[str, Any], artifacts: list[Artifact]
) -> None:
    """The work is done and the manifest written."""
    lock_ancestors(connection, lease.parent_id)
    row = hold(connection, now, lease)
    end_succeeded(connection, now, row, result, _dumped(artifacts))


def fail(connection: Connection, now: datetime, policy: Policy, lease: Lease, error: JobError, retryable: bool) -> None:
    """The attempt failed. A retryable failure with attempts left goes back to the queue, after a pause that grows."""
    lock_ancestors(connection, lease.parent_id)
    row = hold(connection, now, lease)
    if row.cancel_requested:
        end_cancelled(connection, now, row)
    elif not retryable:
        end_failed(connection, now, row, error)
    elif row.attempt >= policy.max_attempts:
        end_failed(connection, now, row, error, reason=f"failed {row.attempt} times, lastly: {error.detail}")
    else:
        pause = min(FIRST_RETRY_SECONDS * RETRY_GROWTH ** (row.attempt - 1), LONGEST_RETRY_SECONDS)
        data = {"error": error.model_dump(), "attempt": row.attempt, "retry_in_seconds": pause}
        requeue(connection, now, row, now + timedelta(seconds=pause), {}, ("job.retrying", data))


def cancelled(connection: Connection, now: datetime, lease: Lease) -> None:
    """The handler heeded a cancellation."""
    lock_ancestors(connection, lease.parent_id)
    end_cancelled(connection, now, hold(connection, now, lease))


def release(connection: Connection, now: datetime, lease: Lease) -> None:
    """The worker is being stopped: back to the queue at once, and the attempt does not count."""
    lock_ancestors(connection, lease.parent_id)
    row = hold(connection, now, lease)
    if row.cancel_requested:
        end_cancelled(connection, now, row)
    else:
        requeue(connection, now, row, now, {"attempt": row.attempt - 1}, ("job.released", {"worker": row.worker}))


def park(
    connection: Connection,
    now: datetime,
    lease: Lease,
    children: list[NewJob],
    phase: str,
    saved: dict[str, Any],
    artifacts: list[Artifact],
) -> list[str]:
    """Wait for new children, then go on in `phase`. Returns the children's ids; without children goes on at once."""
    lock_ancestors(connection, lease.parent_id)
    row = hold(connection, now, lease)
    if row.cancel_requested:
        end_cancelled(connection, now, row)
        return []
    trace = current_traceparent() or row.traceparent
    born = [NewJob(one.kind, one.request, row.tenant, row.id, one.traceparent or trace) for one in children]
    ids = [insert_job(connection, now, child, batch=row.fence) for child in born]
    values = {"phase": phase, "saved": saved, "artifacts": _dumped(artifacts), "attempt": 0, "parked_fence": row.fence}
    event = "job.waiting", {"phase": phase, "children": ids}
    if ids:
        nobodys = {"waiting": True, "worker": None, "lease_until": None, "state": JobState.RUNNING.value}
        change(connection, now, row.id, values | nobodys, [event])
    else:
        requeue(connection, now, row, now, values, event)
    return ids


def _dumped(artifacts: list[Artifact]) -> list[dict[str, Any]]:
    return [artifact.model_dump() for artifact in artifacts]
