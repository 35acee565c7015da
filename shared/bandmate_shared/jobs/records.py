"""Reading job rows, and the one way to change them.

Every change of a job goes through `change`, which numbers the events that tell of it in the same statement: that is
what keeps a job's event numbers without gaps. `now` is always the time inside the transaction, after any waiting for
locks.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, insert, select, update

from bandmate_shared.contracts.jobs import Artifact, JobError, JobState
from bandmate_shared.errors import NotFound
from bandmate_shared.jobs.model import Job
from bandmate_shared.jobs.schema import job_events, jobs

NewEvent = tuple[str, dict[str, Any]]
"""An event's type and data."""

JobRow = Row[*tuple[Any, ...]]
"""Some columns of a job."""

OPEN_STATES = (JobState.QUEUED.value, JobState.RUNNING.value)

_BRIEF = (
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
)
"""The columns by which a job is steered: all but the request and what was made of it."""

_FIND = select(*_BRIEF)
_CHANGE = update(jobs).returning(*_BRIEF)
_ADD_EVENT = insert(job_events)


def find(connection: Connection, job_id: str, *conditions: ColumnElement[bool], lock: bool = False) -> JobRow | None:
    """A job's steering columns. With `lock` nobody else changes the job before the transaction ends."""
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
    """Change a job if it meets the conditions, and add events to its history. None: it does not, nothing changed."""
    if events:
        values = {**values, "last_seq": jobs.c.last_seq + len(events)}
    row = connection.execute(_CHANGE.where(jobs.c.id == job_id, *conditions).values(values)).one_or_none()
    if row is not None and events:
        add_events(connection, now, row, events)
    return row


def add_events(connection: Connection, now: datetime, row: JobRow, events: Sequence[NewEvent]) -> None:
    """Write the events that `row.last_seq`, just raised by their number, counts already."""
    first = row.last_seq - len(events) + 1
    connection.execute(
        _ADD_EVENT,
        [
            {"job_id": row.id, "seq": first + number, "type": name, "time": now, "data": data}
            for number, (name, data) in enumerate(events)
        ],
    )


def parent_of(connection: Connection, job_id: str) -> str | None:
    """The id of the parent, which never changes."""
    return connection.scalar(select(jobs.c.parent_id).where(jobs.c.id == job_id))


def lock_ancestors(connection: Connection, parent_id: str | None) -> None:
    """Lock a job's parent and all above it, from the root downwards.

    Whoever ends, cancels or redrives a job does this first, so that all take the rows of a family in the same order
    and two children that end at the same moment see each other. SQLite's single writer needs none of it.
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
    )


def read_job(connection: Connection, job_id: str, tenant: str | None = None) -> Job:
    """A job. Raises NotFound, also where it is another tenant's."""
    query = select(jobs).where(jobs.c.id == job_id)
    row = connection.execute(query if tenant is None else query.where(jobs.c.tenant == tenant)).one_or_none()
    if row is None:
        raise no_such_job(job_id)
    return job_of(row)


def read_children(connection: Connection, parent_id: str, *, newest_batch: bool = False) -> list[Job]:
    """A job's children, oldest first; with `newest_batch` those of its last parking."""
    query = select(jobs).where(jobs.c.parent_id == parent_id).order_by(jobs.c.created_at, jobs.c.id)
    if newest_batch:
        parked = select(jobs.c.parked_fence).where(jobs.c.id == parent_id).scalar_subquery()
        query = query.where(jobs.c.batch == parked)
    return [job_of(row) for row in connection.execute(query)]


def no_such_job(job_id: str) -> NotFound:
    return NotFound(f"there is no job {job_id}")
