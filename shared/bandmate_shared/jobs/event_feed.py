"""The events of many jobs in one order: by time, then by job, then by number.

On SQLite one writer at a time takes its time inside its transaction, so events become visible in this order. On
Postgres transactions overlap, and an event may become visible after a later one: a reader has to look back by
`OVERLAP` and leave out what it has had.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, and_, func, or_, select

from bandmate_shared.contracts.jobs import FeedEvent
from bandmate_shared.jobs.database.schema import job_events, jobs

OVERLAP = timedelta(seconds=2)
"""Longer than a transaction that writes an event takes."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_POSITION = re.compile(r"(\d{1,17})(?:-([a-z]+_[0-9a-z]{26})-(\d{1,9}))?", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class FeedPosition:
    """A place in the order: behind this event, or, without a job, behind this moment."""

    time: datetime
    job_id: str = "~"
    """The default stands behind every id: nothing of that moment follows."""
    seq: int = 0

    def __str__(self) -> str:
        microseconds = (self.time - _EPOCH) // _MICROSECOND
        return str(microseconds) if self.job_id == "~" else f"{microseconds}-{self.job_id}-{self.seq}"

    @classmethod
    def parse(cls, text: str) -> "FeedPosition | None":
        """The position that `str` wrote; None where the text is none."""
        match = _POSITION.fullmatch(text)
        if match is None:
            return None
        time = _EPOCH + int(match[1]) * _MICROSECOND
        return cls(time) if match[2] is None else cls(time, match[2], int(match[3]))

    @classmethod
    def of(cls, event: FeedEvent) -> "FeedPosition":
        return cls(event.time, event.job_id, event.seq)


def read_feed(
    connection: Connection, tenant: str, start: FeedPosition, family_of: str | None, limit: int
) -> list[FeedEvent]:
    """Events behind `start`, of all jobs of the tenant or of one job and its parts."""
    parent = jobs.alias("parent")
    root = func.coalesce(parent.c.parent_id, jobs.c.parent_id, jobs.c.id)  # A family has three generations at most.
    at_that_time = or_(
        job_events.c.job_id > start.job_id,
        and_(job_events.c.job_id == start.job_id, job_events.c.seq > start.seq),
    )
    behind = or_(job_events.c.time > start.time, and_(job_events.c.time == start.time, at_that_time))
    query = (
        select(job_events, jobs.c.kind, jobs.c.parent_id, root.label("root_id"))
        .join(jobs, jobs.c.id == job_events.c.job_id)
        .outerjoin(parent, parent.c.id == jobs.c.parent_id)
        .where(job_events.c.time >= start.time, behind, jobs.c.tenant == tenant)
        .order_by(job_events.c.time, job_events.c.job_id, job_events.c.seq)
        .limit(limit)
    )
    if family_of is not None:
        query = query.where(or_(jobs.c.id == family_of, jobs.c.parent_id == family_of, parent.c.parent_id == family_of))
    return [FeedEvent(**row._mapping) for row in connection.execute(query)]
