"""Retention: deletes the progress events of jobs that ended long ago, and webhooks given up long ago.

Most rows are 'progress' and 'stage' events: a song has dozens of them, of interest while it is made. The job, its
request, result and files stay, and so does the rest of its history.
"""

import re
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select

from bandmate_shared.errors import InvalidRequest
from bandmate_shared.jobs import webhooks
from bandmate_shared.jobs.database.database import Database
from bandmate_shared.jobs.database.schema import job_events, jobs
from bandmate_shared.jobs.model import utc_now

TRANSIENT_EVENTS = ("progress", "stage")
"""Event types of no interest once their job has ended."""

BATCH = 500
"""Jobs in one transaction, to keep it short."""

_AGE = re.compile(r"([1-9][0-9]{0,4})d")


def days(text: str) -> timedelta:
    """`90d` as a span of time. Raises InvalidRequest."""
    match = _AGE.fullmatch(text)
    if match is None:
        raise InvalidRequest(f"an age is a number of days such as 90d, not {text!r}")
    return timedelta(days=int(match[1]))


def prune(database: Database, older_than: timedelta, now: datetime | None = None) -> int:
    """Delete the transient events of jobs that ended longer ago; returns how many. Safe while everything runs."""
    before = (now or utc_now()) - older_than
    deleted = 0
    last = ""
    while ids := database.read(_ended, before, last):
        deleted += database.write(_delete_events, ids)
        last = ids[-1]
    return deleted


def prune_webhooks(database: Database, older_than: timedelta, now: datetime | None = None) -> int:
    """Delete the webhooks that were given up longer ago; returns how many. Safe while everything runs."""
    return database.write(webhooks.forget_given_up, (now or utc_now()) - older_than)


def _ended(connection: Connection, before: datetime, after_id: str) -> list[str]:
    long_ago = jobs.c.finished_at < before, jobs.c.id > after_id
    return list(connection.scalars(select(jobs.c.id).where(*long_ago).order_by(jobs.c.id).limit(BATCH)))


def _delete_events(connection: Connection, ids: list[str]) -> int:
    transient = job_events.c.job_id.in_(ids), job_events.c.type.in_(TRANSIENT_EVENTS)
    return connection.execute(delete(job_events).where(*transient)).rowcount
