"""Reads jobs, their children, their history and lists of them; each within one reading transaction of the caller.

Lists use keyset pagination: a page begins after the last row of the one before, however many jobs came in between.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Text, and_, cast, false, func, or_, select

from bandmate_shared.contracts.jobs import JobEvent, JobState
from bandmate_shared.errors import InvalidRequest
from bandmate_shared.jobs.database.schema import job_events, jobs
from bandmate_shared.jobs.model import Job, Search
from bandmate_shared.jobs.records import has_expired_lease, job_of, no_such_job

FINAL_EVENTS = frozenset({"job.succeeded", "job.failed", "job.cancelled"})
"""The last event of a job that has ended (only 'job.redriven' may follow one) is of these."""

MAX_PAGE = 200
SWEEP_BATCH = 100


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


def has_artifact(connection: Connection, tenant: str, sha256: str) -> bool:
    """Whether a job of the tenant has an artifact with this hash, which must consist of hexadecimal digits."""
    names_hash = cast(jobs.c.artifacts, Text).contains(f'"{sha256}"')
    return connection.scalar(select(jobs.c.id).where(jobs.c.tenant == tenant, names_hash).limit(1)) is not None


def read_events(connection: Connection, job_id: str, after_seq: int, limit: int) -> list[JobEvent]:
    """Events with a `seq` greater than `after_seq`, oldest first."""
    newer = job_events.c.job_id == job_id, job_events.c.seq > after_seq
    query = select(job_events).where(*newer).order_by(job_events.c.seq).limit(limit)
    return [JobEvent(**row._mapping) for row in connection.execute(query)]


def jobs_with_expired_lease(connection: Connection, now: datetime) -> list[str]:
    """Ids of running jobs whose lease has expired, longest expired first."""
    query = select(jobs.c.id).where(has_expired_lease(now)).order_by(jobs.c.lease_until).limit(SWEEP_BATCH)
    return list(connection.scalars(query))


def read_page(
    connection: Connection,
    tenant: str | None,
    kinds: Sequence[str],
    state: str | None,
    cursor: str | None,
    limit: int,
    search: Search | None = None,
) -> tuple[list[Job], str | None]:
    """Jobs, newest first, and the cursor of the next page or None. No kinds means every kind.

    Raises InvalidRequest for a cursor that did not come from here.
    """
    limit = min(max(limit, 1), MAX_PAGE)
    query = select(jobs).order_by(jobs.c.created_at.desc(), jobs.c.id.desc()).limit(limit + 1)
    if tenant is not None:
        query = query.where(jobs.c.tenant == tenant)
    if kinds:
        query = query.where(jobs.c.kind.in_(kinds))
    if state is not None:
        query = query.where(jobs.c.state == JobState(state).value)
    if search is not None:
        query = query.where(*_matches(search))
    if cursor is not None:
        created_at, job_id = _decode_cursor(cursor)
        before = or_(jobs.c.created_at < created_at, and_(jobs.c.created_at == created_at, jobs.c.id < job_id))
        query = query.where(before)
    page = [job_of(row) for row in connection.execute(query)]
    if len(page) <= limit:
        return page, None
    return page[:limit], _encode_cursor(page[limit - 1])


def _matches(search: Search) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    for word in (search.text or "").casefold().split():
        conditions.append(jobs.c.search_text.contains(word, autoescape=True))
    if search.style is not None:
        conditions.append(jobs.c.request["style"].as_string() == search.style)
    if search.favourite is not None:
        conditions.append(func.coalesce(jobs.c.favourite, false()).is_(search.favourite))
    return conditions


def _encode_cursor(last: Job) -> str:
    return base64.urlsafe_b64encode(json.dumps([last.created_at.isoformat(), last.id]).encode()).decode()


def _decode_cursor(cursor: str) -> tuple[datetime, str]:
    try:
        created_at, job_id = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        moment = datetime.fromisoformat(created_at)
        if moment.tzinfo is None or not isinstance(job_id, str):
            raise ValueError
    except (ValueError, TypeError, binascii.Error) as error:
        raise InvalidRequest("the cursor is not one that this list gave out; start again without one") from error
    return moment, job_id
