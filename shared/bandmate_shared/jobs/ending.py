"""How a job ends, and what its end means for the job that waits for it.

The last child to end decides, in its own transaction, how the parent goes on: a failed 'vocal' child fails it, for a
song without its voice is not what was asked; otherwise one success among the children is enough to go on (some takes
are better than none), and none is not.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from bandmate_shared.contracts.jobs import JobError, JobKind, JobState
from bandmate_shared.jobs import outbox
from bandmate_shared.jobs.dead_letters import bury
from bandmate_shared.jobs.model import COMPLETION_EVENT, queue_of
from bandmate_shared.jobs.records import JobRow, NewEvent, change, find
from bandmate_shared.jobs.schema import jobs

INDISPENSABLE: frozenset[JobKind] = frozenset({"vocal"})
"""Kinds of children without whose success the parent cannot succeed."""


def end_succeeded(
    connection: Connection, now: datetime, row: JobRow, result: dict[str, Any], artifacts: list[dict[str, Any]]
) -> None:
    """The job is done. A root job announces it by its service's own event as well; 'job.succeeded' is the last."""
    announcement: list[NewEvent] = []
    if row.parent_id is None and row.kind in COMPLETION_EVENT:
        announcement = [(COMPLETION_EVENT[row.kind], {"job_id": row.id, "result": result})]
    values = {"result": result, "artifacts": artifacts, "fraction": 1.0}
    _end(connection, now, row, JobState.SUCCEEDED, values, [*announcement, ("job.succeeded", {})])


def end_failed(
    connection: Connection, now: datetime, row: JobRow, error: JobError, *, reason: str | None = None
) -> None:
    """The job has failed. A `reason` puts it among the dead letters: an operator may cure the cause and redrive it."""
    data = {"error": error.model_dump()}
    announcement: list[NewEvent] = []
    if row.parent_id is None:
        announcement = [("bandmate.job.failed", {"job_id": row.id} | data)]
    if reason is not None:
        bury(connection, now, queue_of(row.kind), row.id, reason, job_id=row.id)
    _end(connection, now, row, JobState.FAILED, data, [*announcement, ("job.failed", data)])


def end_cancelled(connection: Connection, now: datetime, row: JobRow) -> None:
    """The job was cancelled, and nothing works on it any more."""
    _end(connection, now, row, JobState.CANCELLED, {"cancel_requested": True}, [("job.cancelled", {})])


def requeue(
    connection: Connection, now: datetime, row: JobRow, due_at: datetime, values: dict[str, Any], event: NewEvent
) -> None:
    """Back to the queue: for another attempt, or to go on after waiting."""
    change(connection, now, row.id, {"state": JobState.QUEUED.value, **_NOBODYS, **values}, [event])
    outbox.put(connection, due_at, row.id, row.kind)


def child_ended(connection: Connection, now: datetime, parent_id: str) -> None:
    """If the parent waits and this was its last child, send it on its way or end it."""
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
    losses = [child for child in children if child.state != JobState.SUCCEEDED]
    fatal = [child for child in losses if child.kind in INDISPENSABLE] or (
        losses if len(losses) == len(children) else []
    )
    if fatal:
        end_failed(connection, now, parent, _error_of(fatal[0]))
    else:
        data = {"phase": parent.phase, "children": {child.id: child.state for child in children}}
        requeue(connection, now, parent, now, {}, ("job.resumed", data))


_NOBODYS: dict[str, Any] = {"waiting": False, "worker": None, "lease_until": None}


def _end(
    connection: Connection,
    now: datetime,
    row: JobRow,
    state: JobState,
    values: dict[str, Any],
    events: list[NewEvent],
) -> None:
    change(
        connection, now, row.id, {"state": state.value, "finished_at": now, **_NOBODYS, **values}, events,
    )  # fmt: skip
    if row.state == JobState.QUEUED:
        outbox.take(connection, row.id)
    if row.parent_id is not None:
        child_ended(connection, now, row.parent_id)


def _error_of(child: JobRow) -> JobError:
    if child.error is not None:
        return JobError.model_validate(child.error)
    return JobError(type="cancelled", title="A part of the job was cancelled", detail=f"{child.id} was cancelled")
