"""Redriving: the one way out of 'failed'.

A family is redriven together. Where a parent failed only because a child did, redriving either sends the failed
children back to the queue and has the parent wait for them again; else the job itself starts its phase anew.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from bandmate_shared.contracts.jobs import JobState
from bandmate_shared.errors import Conflict, InvalidRequest, NotFound
from bandmate_shared.jobs.ending import requeue
from bandmate_shared.jobs.model import Job
from bandmate_shared.jobs.records import JobRow, NewEvent, change, find, find_or_raise, lock_ancestors, read_job
from bandmate_shared.jobs.schema import dead_letters, jobs

_FRESH: dict[str, Any] = {"attempt": 0, "error": None, "finished_at": None, "cancel_requested": False}


def redrive(connection: Connection, now: datetime, identifier: str) -> Job:
    """Redrive a failed job, named by its id or by a dead letter's. Returns the topmost job redriven.

    Raises NotFound, InvalidRequest for a dead letter that never was a job, Conflict for a job that has not failed.
    """
    job_id = _job_of_letter(connection, identifier) if identifier.startswith("dl_") else identifier
    lock_ancestors(connection, find_or_raise(connection, job_id).parent_id)
    row = find_or_raise(connection, job_id, lock=True)
    if row.state != JobState.FAILED:
        raise Conflict(f"{job_id} is {row.state}; only a failed job can be redriven")
    while (parent := _parent_failed_by(connection, row)) is not None:
        row = parent
    _restart(connection, now, row)
    return read_job(connection, row.id)


def _job_of_letter(connection: Connection, letter_id: str) -> str:
    query = select(dead_letters.c.job_id, dead_letters.c.queue).where(dead_letters.c.id == letter_id)
    letter = connection.execute(query).one_or_none()
    if letter is None:
        raise NotFound(f"there is no dead letter {letter_id}")
    if letter.job_id is None:
        raise InvalidRequest(
            f"{letter_id} is a message to {letter.queue} that never became a job; put it right and send it again"
        )
    return str(letter.job_id)


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
        change(connection, now, row.id, _FRESH | {"state": JobState.RUNNING.value, "waiting": True}, [event])
        for child_id in children:
            _restart(connection, now, find_or_raise(connection, child_id, lock=True))
    else:
        requeue(connection, now, row, now, _FRESH, event)
    unredriven = dead_letters.c.job_id == row.id, dead_letters.c.redriven_at.is_(None)
    connection.execute(update(dead_letters).where(*unredriven).values(redriven_at=now))
