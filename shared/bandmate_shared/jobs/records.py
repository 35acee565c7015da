"""Finding, locking and changing job rows: what the transitions and queries are built from.

Every change of a job goes through `change`, which numbers the events that record it in the same statement: that keeps
a job's event numbers without gaps. `now` is always the time inside the transaction, after any waiting for locks.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, insert, select, update

from bandmate_shared.contracts.jobs import Artifact, JobError, JobState
from bandmate_shared.errors import NotFound
from bandmate_shared.jobs.database.schema import job_events, jobs
from bandmate_shared.jobs.model import Job

NewEvent = tuple[str, dict[str, Any]]
"""An event's type and data."""

JobRow = Row[*tuple[Any, ...]]
"""Some columns of a job."""

OPEN_STATES = (JobState.QUEUED.value, JobState.RUNNING.value)

_STATE_COLUMNS = (
    jobs.c.id,
    jobs.c.tenant,
    jobs.c.kind,
    jobs.c.state,
    jobs.c.phase,
    jobs.c.waiting,
    jobs.c.attempt,
    jobs.c.fence,
    jobs.c.last_seq,
    jobs.c.parent_id,
    jobs.c.batch,
    jobs.c.parked_fence,
    jobs.c.worker,
    jobs.c.cancel_requested,
    jobs.c.lease_until,
    jobs.c.traceparent,
    jobs.c.webhook_url,
    jobs.c.webhook_key,
)
"""All columns but the request, its result and the progress."""

_FIND = select(*_STATE_COLUMNS)
_CHANGE = update(jobs).returning(*_STATE_COLUMNS)
_ADD_EVENT = insert(job_events)


def find(connection: Connection, job_id: str, *conditions: ColumnElement[bool], lock: bool = False) -> JobRow | None:
    """A job's state columns. With `lock` nobody else changes the job before the transaction ends."""
    query = _FIND.where(jobs.c.id == job_id, *conditions)
    return connection.execute(query.with_for_update() if lock else query).one_or_none()


def find_or_raise(connection: Connection, job_id: str, *conditions: ColumnElement[bool], lock: bool = False) -> JobRow:
    """Like `find`. Raises NotFound."""
    row = find(connection, job_id, *conditions, lock=lock)
    if row is None:
        raise no_such_job(job_id)
    return row


def change(
    connection: Connection,
    now: datetime,
    job_id: str,
    values: dict[str, Any],
    events: Sequence[NewEvent] = (),
    *conditions: ColumnElement[bool],
) -> JobRow | None:
    """Change a job if it meets the conditions, and add events to its history; returns None where it does not."""
    if events:
        values = {**values, "last_seq": jobs.c.last_seq + len(events)}
    row = connection.execute(_CHANGE.where(jobs.c.id == job_id, *conditions).values(values)).one_or_none()
    if row is not None and events:
        add_events(connection, now, row, events)
    return row


def add_events(connection: Connection, now: datetime, row: JobRow, events: Sequence[NewEvent]) -> None:
    """Insert events that `row.last_seq`, just raised by their number, already includes."""
    first = row.last_seq - len(events) + 1
    connection.execute(
        _ADD_EVENT,
        [
            {"job_id": row.id, "seq": first + number, "type": name, "time": now, "data": data}
            for number, (name, data) in enumerate(events)
        ],
    )


def has_expired_lease(now: datetime) -> ColumnElement[bool]:
    """The condition of a running job whose worker has not reported for a whole lease."""
    return and_(jobs.c.state == JobState.RUNNING.value, jobs.c.waiting.is_(False), jobs.c.lease_until <= now)


def parent_of(connection: Connection, job_id: str) -> str | None:
    """The id of the parent, which never changes."""
    return connection.scalar(select(jobs.c.parent_id).where(jobs.c.id == job_id))


def lock_ancestors(connection: Connection, parent_id: str | None) -> None:
    """Lock a job's parent and all above it, from the root downwards.

    Every transition that ends, cancels or redrives a job does this first, so that all lock the rows of a family in the
    same order and two children that end at the same moment see each other. SQLite's single writer needs none of it.
    """
    chain: list[str] = []
    while parent_id is not None:
        chain.append(parent_id)
        parent_id = connection.scalar(select(jobs.c.parent_id).where(jobs.c.id == parent_id))
    for ancestor in reversed(chain):
        connection.execute(select(jobs.c.id).where(jobs.c.id == ancestor).with_for_update())


def job_of(row: JobRow) -> Job:
    """A whole row of `jobs` as a value."""
    return Job(
        id=row.id,
        tenant=row.tenant,
        kind=row.kind,
        state=JobState(row.state),
        phase=row.phase,
        attempt=row.attempt,
        fence=row.fence,
        request=row.request,
        result=row.result,
        error=None if row.error is None else JobError.model_validate(row.error),
        parent_id=row.parent_id,
        stage=row.stage,
        fraction=row.fraction,
        worker=row.worker,
        waiting=row.waiting,
        cancel_requested=row.cancel_requested,
        lease_until=row.lease_until,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        saved=row.saved,
        artifacts=[Artifact.model_validate(artifact) for artifact in row.artifacts],
        traceparent=row.traceparent,
        derived_from=row.derived_from,
        own_title=row.title,
        favourite=bool(row.favourite),
        notes=row.notes,
    )


def no_such_job(job_id: str) -> NotFound:
    return NotFound(f"there is no job {job_id}")
