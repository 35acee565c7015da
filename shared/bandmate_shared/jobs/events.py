"""Reading a job's history."""

from sqlalchemy import Connection, select

from bandmate_shared.contracts.jobs import JobEvent
from bandmate_shared.jobs.schema import job_events

FINAL_EVENTS = frozenset({"job.succeeded", "job.failed", "job.cancelled"})
"""The last event of a job that has ended (only 'job.redriven' may follow one) is of these."""


def read(connection: Connection, job_id: str, after_seq: int, limit: int) -> list[JobEvent]:
    """Events with a `seq` greater than `after_seq`, oldest first."""
    newer = job_events.c.job_id == job_id, job_events.c.seq > after_seq
    query = select(job_events).where(*newer).order_by(job_events.c.seq).limit(limit)
    return [JobEvent(**row._mapping) for row in connection.execute(query)]
