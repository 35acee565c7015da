"""Cancelling a job and everything that was started for it."""

from datetime import datetime

from sqlalchemy import Connection, select

from bandmate_shared.contracts.jobs import JobState
from bandmate_shared.jobs.ending import end_cancelled
from bandmate_shared.jobs.model import Job
from bandmate_shared.jobs.records import OPEN_STATES, JobRow, change, find_or_raise, lock_ancestors, read_job
from bandmate_shared.jobs.schema import jobs


def cancel(connection: Connection, now: datetime, job_id: str, tenant: str | None) -> Job:
    """Cancel a job; returns it as it is then. Raises NotFound.

    What nobody works on ends here. A running job gets a flag, which its worker meets at its next stage, progress or
    heartbeat; if the worker is dead, the sweeper meets it. A job that has ended stays as it is.
    """
    mine = () if tenant is None else (jobs.c.tenant == tenant,)
    lock_ancestors(connection, find_or_raise(connection, job_id, *mine).parent_id)
    _cancel_tree(connection, now, find_or_raise(connection, job_id, lock=True))
    return read_job(connection, job_id)


def _cancel_tree(connection: Connection, now: datetime, row: JobRow) -> None:
    if row.state == JobState.QUEUED or row.waiting:
        end_cancelled(connection, now, row)
    elif row.state == JobState.RUNNING and not row.cancel_requested:
        change(connection, now, row.id, {"cancel_requested": True}, [("job.cancel-requested", {})])
    children = select(jobs.c.id).where(jobs.c.parent_id == row.id, jobs.c.state.in_(OPEN_STATES)).order_by(jobs.c.id)
    for child_id in connection.scalars(children).all():
        _cancel_tree(connection, now, find_or_raise(connection, child_id, lock=True))
