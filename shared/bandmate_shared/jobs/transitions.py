"""Every transition of a job's state, each within one transaction of the caller.

    to         from             when                                          function
    queued     (new)            a submission, or a parent that waits          create
               running          a retry, a stopping worker, a dead worker     fail, release, reclaim
               running          `Wait` without children                       park
               waiting          the last child ended                          _resume_parent
               failed           an operator redrives it                       redrive
    running    queued           a worker claims it                            claim
    waiting    running          `Wait` with children                          park
               failed           redriven together with its failed children    redrive
    succeeded  running          `Done`                                        succeed
    failed     running          an error; no attempts left                    fail, reclaim
               waiting          a child that it needs did not succeed         _resume_parent
    cancelled  queued, waiting  a request                                     cancel
               running          its worker, or a dead worker's sweeper        finish_cancelled, fail, release,
                                                                              park, reclaim

'waiting' is `running` with the column `waiting` set and no lease; 'queued' has exactly one outbox row, every other
state has none.

Fenced leases: a claim raises the job's fence and starts a lease. Every later write of that attempt names the fence and
must find it unchanged and the lease unexpired, in the very statement that writes; otherwise no row changes and
StaleLease is raised. So an attempt that was paused, cut off or taken for dead cannot change anything when it resumes.
(Martin Kleppmann, "How to do distributed locking", 2016, calls the number a fencing token.)

The last child to end decides, in its own transaction, how the parent goes on: a failed 'vocal' child fails it, for a
song without its voice is not what was asked; otherwise one success among the children is enough to resume.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Connection, bindparam, func, insert, select, update

from bandmate_shared.contracts.jobs import Artifact, JobError, JobKind, JobState, Progress
from bandmate_shared.errors import Conflict
from bandmate_shared.jobs import dead_letters, outbox, webhooks
from bandmate_shared.jobs.database.schema import UtcDateTime, job_events, jobs
from bandmate_shared.jobs.model import (
    COMPLETION_EVENT,
    START_PHASE,
    Job,
    Lease,
    NewJob,
    Policy,
    StaleLease,
    Webhook,
    new_id,
    queue_of,
)
from bandmate_shared.jobs.queries import read_job
from bandmate_shared.jobs.records import (
    OPEN_STATES,
    JobRow,
    NewEvent,
    add_events,
    change,
    find,
    find_or_raise,
    has_expired_lease,
    job_of,
    lock_ancestors,
    parent_of,
)
from bandmate_shared.jobs.search_text import search_text, with_title
from bandmate_shared.observability.tracing import current_traceparent

FIRST_RETRY_SECONDS = 1.0
RETRY_GROWTH = 3.0
MAX_RETRY_SECONDS = 60.0

REQUIRED_CHILDREN: frozenset[JobKind] = frozenset({"vocal"})
"""Kinds of children without whose success the parent cannot succeed."""

_UNASSIGNED: dict[str, Any] = {"waiting": False, "worker": None, "lease_until": None}
_NEW_ATTEMPTS: dict[str, Any] = {"attempt": 0, "error": None, "finished_at": None, "cancel_requested": False}

_NOW: BindParameter[datetime] = bindparam("now", type_=UtcDateTime())

_CLAIM = (
    update(jobs)
    .where(
        jobs.c.id == bindparam("job"),
        jobs.c.state == JobState.QUEUED.value,
        jobs.c.attempt < bindparam("max_attempts"),
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


def create(connection: Connection, now: datetime, new: NewJob, batch: int | None = None) -> str:
    """Insert a queued job with its first event and its message; returns its id. `batch` is set for a child."""
    job_id = new_id(new.kind)
    row = {"id": job_id, "tenant": new.tenant, "kind": new.kind, "request": new.request, "created_at": now}
    row |= {"state": JobState.QUEUED.value, "phase": START_PHASE, "attempt": 0, "fence": 0, "last_seq": 1}
    row |= {"saved": {}, "artifacts": [], "parent_id": new.parent_id, "batch": batch}
    row |= {"traceparent": new.traceparent or current_traceparent(), "derived_from": new.derived_from}
    if new.webhook is not None:
        row |= {"webhook_url": new.webhook.url, "webhook_key": new.webhook.key_id}
    row["search_text"] = search_text(job_id, new.request) if new.parent_id is None else None
    connection.execute(insert(jobs), row)
    event = {"job_id": job_id, "seq": 1, "type": "job.queued", "time": now, "data": {"kind": new.kind}}
    connection.execute(insert(job_events), event)
    outbox.put(connection, now, job_id, new.kind)
    return job_id


# By the worker that holds, or takes, the lease


def claim(connection: Connection, now: datetime, policy: Policy, job_id: str, worker: str) -> tuple[Lease, Job] | None:
    """Take a queued job, or a running one whose worker has died.

    None where there is nothing to do: the job has ended, waits for its children, is leased by a live worker, was
    cancelled, or has no attempts left (the sweeper then ends it).
    """
    until = now + timedelta(seconds=policy.lease_seconds)
    values = {"job": job_id, "now": now, "until": until, "by": worker, "max_attempts": policy.max_attempts}
    row = connection.execute(_CLAIM, values).one_or_none()
    if row is None and _release_dead_worker(connection, now, policy, job_id):
        row = connection.execute(_CLAIM, values).one_or_none()
    if row is None:
        return None
    data = {"worker": worker, "attempt": row.attempt, "phase": row.phase}
    add_events(connection, now, row, [("job.running", data)])
    outbox.take(connection, job_id)
    return Lease(job_id, row.fence, worker, until, parent_id=row.parent_id), job_of(row)


def heartbeat(connection: Connection, now: datetime, policy: Policy, lease: Lease) -> Lease:
    """Renew a lease, and learn of cancellation. Raises StaleLease."""
    until = now + timedelta(seconds=policy.lease_seconds)
    return _change_leased(connection, now, lease, {"lease_until": until})


def set_progress(connection: Connection, now: datetime, lease: Lease, progress: Progress, event_type: str) -> Lease:
    """Write the progress on the job itself, and as an event. Raises StaleLease."""
    values = {"stage": progress.stage, "fraction": progress.fraction}
    return _change_leased(connection, now, lease, values, (event_type, progress.model_dump(exclude_none=True)))


def append_event(connection: Connection, now: datetime, lease: Lease, event: NewEvent) -> Lease:
    """Add to the job's history. Raises StaleLease."""
    return _change_leased(connection, now, lease, {}, event)


def succeed(
    connection: Connection, now: datetime, lease: Lease, result: dict[str, Any], artifacts: list[Artifact]
) -> None:
    """End the job as succeeded; its manifest is written. Raises StaleLease.

    A root job announces its success by its service's own event as well; 'job.succeeded' is the last.
    """
    row = _lock_leased(connection, now, lease)
    events: list[NewEvent] = [("job.succeeded", {})]
    if row.parent_id is None and (completion := COMPLETION_EVENT.get(row.kind)):
        events.insert(0, (completion, {"job_id": row.id, "result": result}))
    values = {"result": result, "artifacts": [file.model_dump() for file in artifacts], "fraction": 1.0}
    _end(connection, now, row, JobState.SUCCEEDED, values | with_title(result), events)


def fail(connection: Connection, now: datetime, policy: Policy, lease: Lease, error: JobError, retryable: bool) -> None:
    """End the attempt as failed. Raises StaleLease.

    A retryable failure with attempts left goes back to the queue, after a pause that grows with each attempt.
    """
    row = _lock_leased(connection, now, lease)
    if row.cancel_requested:
        _end_cancelled(connection, now, row)
    elif not retryable:
        _end_failed(connection, now, row, error)
    elif row.attempt >= policy.max_attempts:
        _end_failed(connection, now, row, error, reason=f"failed {row.attempt} times, lastly: {error.detail}")
    else:
        pause = min(FIRST_RETRY_SECONDS * RETRY_GROWTH ** (row.attempt - 1), MAX_RETRY_SECONDS)
        data = {"error": error.model_dump(), "attempt": row.attempt, "retry_in_seconds": pause}
        _requeue(connection, now, row, now + timedelta(seconds=pause), {}, ("job.retrying", data))


def finish_cancelled(connection: Connection, now: datetime, lease: Lease) -> None:
    """End the job as cancelled: its handler stopped because of a cancellation. Raises StaleLease."""
    _end_cancelled(connection, now, _lock_leased(connection, now, lease))


def release(connection: Connection, now: datetime, lease: Lease, pause: timedelta) -> None:
    """Requeue the job, the attempt uncounted: the worker is being stopped, or has to pause. Raises StaleLease."""
    row = _lock_leased(connection, now, lease)
    event: NewEvent = ("job.released", {"worker": row.worker})
    if row.cancel_requested:
        _end_cancelled(connection, now, row)
    else:
        _requeue(connection, now, row, now + pause, {"attempt": row.attempt - 1}, event)


def park(
    connection: Connection,
    now: datetime,
    lease: Lease,
    children: list[NewJob],
    phase: str,
    saved: dict[str, Any],
    artifacts: list[Artifact],
) -> list[str]:
    """Wait for new children, whose ids it returns, then go on in `phase`; at once without any. Raises StaleLease."""
    row = _lock_leased(connection, now, lease)
    if row.cancel_requested:
        _end_cancelled(connection, now, row)
        return []
    trace = current_traceparent() or row.traceparent
    new = [NewJob(child.kind, child.request, row.tenant, row.id, child.traceparent or trace) for child in children]
    ids = [create(connection, now, child, batch=row.fence) for child in new]
    values = {"phase": phase, "saved": saved, "attempt": 0, "parked_fence": row.fence}
    values["artifacts"] = [file.model_dump() for file in artifacts]
    event = "job.waiting", {"phase": phase, "children": ids}
    if ids:
        change(connection, now, row.id, values | _UNASSIGNED | {"waiting": True}, [event])
    else:
        _requeue(connection, now, row, now, values, event)
    return ids


# By anybody


def cancel(connection: Connection, now: datetime, job_id: str, tenant: str | None) -> Job:
    """Cancel a job and its children; returns it as it is then. Raises NotFound.

    A queued or waiting job ends here. A running job gets a flag, which its worker meets at its next stage, progress or
    heartbeat; if the worker is dead, the sweeper meets it. A job that has ended stays as it is.
    """
    of_tenant = () if tenant is None else (jobs.c.tenant == tenant,)
    lock_ancestors(connection, find_or_raise(connection, job_id, *of_tenant).parent_id)
    _cancel_tree(connection, now, find_or_raise(connection, job_id, lock=True))
    return read_job(connection, job_id)


def _cancel_tree(connection: Connection, now: datetime, row: JobRow) -> None:
    if row.state == JobState.QUEUED or row.waiting:
        _end_cancelled(connection, now, row)
    elif row.state == JobState.RUNNING and not row.cancel_requested:
        change(connection, now, row.id, {"cancel_requested": True}, [("job.cancel-requested", {})])
    children = select(jobs.c.id).where(jobs.c.parent_id == row.id, jobs.c.state.in_(OPEN_STATES)).order_by(jobs.c.id)
    for child_id in connection.scalars(children).all():
        _cancel_tree(connection, now, find_or_raise(connection, child_id, lock=True))


# By the sweeper


def reclaim(connection: Connection, now: datetime, policy: Policy, job_id: str) -> str | None:
    """Requeue or end a job whose lease has expired.

    Returns 'requeued', 'cancelled', 'failed', or None where the lease is good again.
    """
    lock_ancestors(connection, parent_of(connection, job_id))
    row = find(connection, job_id, has_expired_lease(now), lock=True)
    if row is None:
        return None
    if row.cancel_requested:
        change(connection, now, job_id, {}, [_lease_expired(row)])
        _end_cancelled(connection, now, row)
        return "cancelled"
    if row.attempt >= policy.max_attempts:
        detail = f"the worker died on each of the {row.attempt} attempts at {job_id}"
        error = JobError(type="attempts-exhausted", title="Attempts exhausted", detail=detail)
        change(connection, now, job_id, {}, [_lease_expired(row)])
        _end_failed(connection, now, row, error, reason=detail)
        return "failed"
    _requeue(connection, now, row, now, {}, _lease_expired(row))
    return "requeued"


def _release_dead_worker(connection: Connection, now: datetime, policy: Policy, job_id: str) -> bool:
    """Make a job claimable whose lease has expired and that may be tried again; returns whether it was one."""
    claimable = jobs.c.attempt < policy.max_attempts, jobs.c.cancel_requested.is_(False)
    row = find(connection, job_id, has_expired_lease(now), *claimable, lock=True)
    if row is None:
        return False
    change(connection, now, job_id, {"state": JobState.QUEUED.value}, [_lease_expired(row)])
    return True


def _lease_expired(row: JobRow) -> NewEvent:
    """The event of a worker's death. The process that finds it, with the job locked, writes it: once."""
    return "job.lease-expired", {"worker": row.worker, "attempt": row.attempt}


# By an operator


def redrive(connection: Connection, now: datetime, identifier: str) -> Job:
    """Give a failed job, named by its id or by a dead letter's, new attempts. Returns the topmost job redriven.

    A family is redriven together. Where a parent failed only because a child did, redriving either sends the failed
    children back to the queue and has the parent wait for them again; else the job itself starts its phase anew.

    Raises NotFound, InvalidRequest for a dead letter that never was a job, Conflict for a job that has not failed.
    """
    job_id = dead_letters.job_of_letter(connection, identifier) if identifier.startswith("dl_") else identifier
    lock_ancestors(connection, find_or_raise(connection, job_id).parent_id)
    row = find_or_raise(connection, job_id, lock=True)
    if row.state != JobState.FAILED:
        raise Conflict(f"{job_id} is {row.state}; only a failed job can be redriven")
    while (parent := _parent_failed_by(connection, row)) is not None:
        row = parent
    _restart(connection, now, row)
    return read_job(connection, row.id)


def _parent_failed_by(connection: Connection, row: JobRow) -> JobRow | None:
    parent = None if row.parent_id is None else find(connection, row.parent_id)
    if parent is not None and _failed_waiting(parent) and parent.parked_fence == row.batch:
        return parent
    return None


def _failed_waiting(row: JobRow) -> bool:
    """Whether the job failed while it waited: no claim has come since it was parked."""
    return bool(row.state == JobState.FAILED and row.parked_fence is not None and row.parked_fence == row.fence)


def _restart(connection: Connection, now: datetime, row: JobRow) -> None:
    event: NewEvent = "job.redriven", {"phase": row.phase}
    if _failed_waiting(row):
        failed = (jobs.c.parent_id == row.id, jobs.c.batch == row.parked_fence, jobs.c.state == JobState.FAILED.value)
        children = connection.scalars(select(jobs.c.id).where(*failed).order_by(jobs.c.id)).all()
        if not children:
            raise Conflict(f"{row.id} failed because its parts were cancelled; submit it anew")
        change(connection, now, row.id, _NEW_ATTEMPTS | {"state": JobState.RUNNING.value, "waiting": True}, [event])
        for child_id in children:
            _restart(connection, now, find_or_raise(connection, child_id, lock=True))
    else:
        _requeue(connection, now, row, now, _NEW_ATTEMPTS, event)
    dead_letters.mark_redriven(connection, now, row.id)


# Shared helpers


def _lock_leased(connection: Connection, now: datetime, lease: Lease) -> JobRow:
    """The job, locked together with its ancestors, if the lease is still good. Raises StaleLease."""
    lock_ancestors(connection, lease.parent_id)
    row = find(connection, lease.job_id, *_lease_is_good(lease, now), lock=True)
    if row is None:
        raise _stale(lease)
    return row


def _change_leased(
    connection: Connection, now: datetime, lease: Lease, values: dict[str, Any], *events: NewEvent
) -> Lease:
    """Change the job if the lease is still good, in one statement; returns the lease as it is now."""
    row = change(connection, now, lease.job_id, values, events, *_lease_is_good(lease, now))
    if row is None:
        raise _stale(lease)
    return replace(lease, until=row.lease_until, cancel_requested=row.cancel_requested)


def _lease_is_good(lease: Lease, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """The conditions of every write under a lease."""
    return (
        jobs.c.fence == lease.fence,
        jobs.c.state == JobState.RUNNING.value,
        jobs.c.waiting.is_(False),
        jobs.c.lease_until > now,
    )


def _stale(lease: Lease) -> StaleLease:
    return StaleLease(f"attempt {lease.fence} of {lease.job_id} has lost its lease")


def _requeue(
    connection: Connection, now: datetime, row: JobRow, due_at: datetime, values: dict[str, Any], event: NewEvent
) -> None:
    """Back to the queue: for another attempt, or to go on after waiting."""
    change(connection, now, row.id, {"state": JobState.QUEUED.value, **_UNASSIGNED, **values}, [event])
    outbox.put(connection, due_at, row.id, row.kind)


def _end_failed(
    connection: Connection, now: datetime, row: JobRow, error: JobError, *, reason: str | None = None
) -> None:
    """End as failed. A `reason` adds a dead letter: an operator may remove the cause and redrive the job."""
    data = {"error": error.model_dump()}
    events: list[NewEvent] = [("job.failed", data)]
    if row.parent_id is None:
        events.insert(0, ("bandmate.job.failed", {"job_id": row.id} | data))
    if reason is not None:
        dead_letters.add(connection, now, queue_of(row.kind), row.id, reason, job_id=row.id)
    _end(connection, now, row, JobState.FAILED, data, events)


def _end_cancelled(connection: Connection, now: datetime, row: JobRow) -> None:
    """End as cancelled: no worker runs the job any more."""
    _end(connection, now, row, JobState.CANCELLED, {"cancel_requested": True}, [("job.cancelled", {})])


def _end(
    connection: Connection, now: datetime, row: JobRow, state: JobState, values: dict[str, Any], events: list[NewEvent]
) -> None:
    ended = {"state": state.value, "finished_at": now, **_UNASSIGNED, **values}
    change(connection, now, row.id, ended, events)
    if row.state == JobState.QUEUED:
        outbox.take(connection, row.id)
    if row.webhook_url is not None:
        webhooks.put(connection, now, read_job(connection, row.id), Webhook(row.webhook_url, row.webhook_key))
    if row.parent_id is not None:
        _resume_parent(connection, now, row.parent_id)


def _resume_parent(connection: Connection, now: datetime, parent_id: str) -> None:
    """If the parent waits and this was its last child, requeue it or end it."""
    parent = find(connection, parent_id)
    if parent is None or not parent.waiting:
        return
    children = connection.execute(
        select(jobs.c.id, jobs.c.kind, jobs.c.state, jobs.c.error, jobs.c.finished_at)
        .where(jobs.c.parent_id == parent_id, jobs.c.batch == parent.parked_fence)
        .order_by(jobs.c.finished_at, jobs.c.id)
    ).all()
    if not all(JobState(child.state).is_final for child in children):
        return
    unsuccessful = [child for child in children if child.state != JobState.SUCCEEDED]
    fatal = [child for child in unsuccessful if child.kind in REQUIRED_CHILDREN]
    if not fatal and len(unsuccessful) == len(children):
        fatal = unsuccessful
    if fatal:
        _end_failed(connection, now, parent, _error_of(fatal[0]))
    else:
        data = {"phase": parent.phase, "children": {child.id: child.state for child in children}}
        _requeue(connection, now, parent, now, {}, ("job.resumed", data))


def _error_of(child: JobRow) -> JobError:
    if child.error is not None:
        return JobError.model_validate(child.error)
    return JobError(type="cancelled", title="A part of the job was cancelled", detail=f"{child.id} was cancelled")
