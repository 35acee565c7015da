"""Fenced leases: who may write to a running job.

A claim raises the job's fence and starts a lease. Every later write of that attempt names the fence and must find it
unchanged and the lease unexpired, in the very statement that writes; otherwise zero rows change and StaleLease is
raised. So an attempt that was paused, cut off or given up for dead cannot do anything, whenever it wakes.
(Martin Kleppmann, "How to do distributed locking", 2016, calls the number a fencing token.)
"""

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import BindParameter, ColumnElement, Connection, and_, bindparam, func, update

from bandmate_shared.contracts.jobs import JobState, Progress
from bandmate_shared.jobs import outbox
from bandmate_shared.jobs.model import Job, Lease, Policy, StaleLease
from bandmate_shared.jobs.records import JobRow, NewEvent, add_events, change, find, job_of
from bandmate_shared.jobs.schema import UtcDateTime, jobs


def abandoned(now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """Running, but the worker has not reported for a whole lease."""
    return and_(jobs.c.state == JobState.RUNNING.value, jobs.c.waiting.is_(False), jobs.c.lease_until <= now)


_NOW: BindParameter[datetime] = bindparam("now", type_=UtcDateTime())

_CLAIM = (
    update(jobs)
    .where(
        jobs.c.id == bindparam("job"),
        jobs.c.state == JobState.QUEUED.value,
        jobs.c.attempt < bindparam("most_attempts"),
        jobs.c.cancel_requested.is_(False),
    )
    .values(
        state=JobState.RUNNING.value,
        attempt=jobs.c.attempt + 1,
        fence=jobs.c.fence + 1,
        last_seq=jobs.c.last_seq + 1,
        worker=bindparam("by"),
        lease_until=bindparam("until", type_=UtcDateTime()),
        started_at=func.coalesce(jobs.c.started_at, _NOW),
    )
    .returning(jobs)
)


def claim(connection: Connection, now: datetime, policy: Policy, job_id: str, worker: str) -> tuple[Lease, Job] | None:
    """Take a queued job, or a running one whose worker has died.

    None where there is nothing to do: the job has ended, waits for its children, is in living hands, was cancelled,
    or has no attempts left (the sweeper then ends it).
    """
    until = now + timedelta(seconds=policy.lease_seconds)
    values = {"job": job_id, "now": now, "until": until, "by": worker, "most_attempts": policy.max_attempts}
    row = connection.execute(_CLAIM, values).one_or_none()
    if row is None and _taken_from_the_dead(connection, now, policy, job_id):
        row = connection.execute(_CLAIM, values).one_or_none()
    if row is None:
        return None
    data = {"worker": worker, "attempt": row.attempt, "phase": row.phase}
    add_events(connection, now, row, [("job.running", data)])
    outbox.take(connection, job_id)
    return Lease(job_id, row.fence, worker, until, parent_id=row.parent_id), job_of(row)


def lease_expired(row: JobRow) -> NewEvent:
    """What the history says of a worker that died. Whoever finds it so, with the job locked, writes it: once."""
    return "job.lease-expired", {"worker": row.worker, "attempt": row.attempt}


def _taken_from_the_dead(connection: Connection, now: datetime, policy: Policy, job_id: str) -> bool:
    """If the job's worker has died, and the job may be tried again: note the death, and make the job claimable."""
    claimable = jobs.c.attempt < policy.max_attempts, jobs.c.cancel_requested.is_(False)
    row = find(connection, job_id, abandoned(now), *claimable, lock=True)
    if row is None:
        return False
    change(connection, now, job_id, {"state": JobState.QUEUED.value}, [lease_expired(row)])
    return True


def heartbeat(connection: Connection, now: datetime, policy: Policy, lease: Lease) -> Lease:
    """Renew a lease, and learn of cancellation. Raises StaleLease."""
    until = now + timedelta(seconds=policy.lease_seconds)
    row = change(connection, now, lease.job_id, {"lease_until": until}, [], *held(lease, now))
    return _renewed(lease, row)


def set_progress(connection: Connection, now: datetime, lease: Lease, progress: Progress, event_type: str) -> Lease:
    """Write how far the job is: on the job itself, and as an event. Raises StaleLease."""
    values = {"stage": progress.stage, "fraction": progress.fraction}
    event = event_type, progress.model_dump(exclude_none=True)
    return _renewed(lease, change(connection, now, lease.job_id, values, [event], *held(lease, now)))


def append_event(connection: Connection, now: datetime, lease: Lease, event: NewEvent) -> Lease:
    """Add to the job's history. Raises StaleLease."""
    return _renewed(lease, change(connection, now, lease.job_id, {}, [event], *held(lease, now)))


def hold(connection: Connection, now: datetime, lease: Lease) -> JobRow:
    """The job, locked, if the lease is still good. Raises StaleLease."""
    row = find(connection, lease.job_id, *held(lease, now), lock=True)
    if row is None:
        raise stale(lease)
    return row


def held(lease: Lease, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """The conditions of every write under a lease."""
    return (
        jobs.c.fence == lease.fence,
        jobs.c.state == JobState.RUNNING.value,
        jobs.c.waiting.is_(False),
        jobs.c.lease_until > now,
    )


def stale(lease: Lease) -> StaleLease:
    return StaleLease(f"attempt {lease.fence} of {lease.job_id} has lost its lease")


def _renewed(lease: Lease, row: JobRow | None) -> Lease:
    if row is None:
        raise stale(lease)
    return replace(lease, until=row.lease_until, cancel_requested=row.cancel_requested)
