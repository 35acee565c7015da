"""Keyset pagination: a page begins after the last row of the one before, however many jobs came in between."""

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, and_, or_, select

from bandmate_shared.contracts.jobs import JobState
from bandmate_shared.errors import InvalidRequest
from bandmate_shared.jobs.model import Job
from bandmate_shared.jobs.records import job_of
from bandmate_shared.jobs.schema import jobs

MAX_PAGE = 200


def page(
    connection: Connection,
    tenant: str | None,
    kinds: Sequence[str],
    state: str | None,
    cursor: str | None,
    limit: int,
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
    if cursor is not None:
        created_at, job_id = _decode(cursor)
        before = or_(jobs.c.created_at < created_at, and_(jobs.c.created_at == created_at, jobs.c.id < job_id))
        query = query.where(before)
    found = [job_of(row) for row in connection.execute(query)]
    if len(found) <= limit:
        return found, None
    return found[:limit], _encode(found[limit - 1])


def _encode(last: Job) -> str:
    return base64.urlsafe_b64encode(json.dumps([last.created_at.isoformat(), last.id]).encode()).decode()


def _decode(cursor: str) -> tuple[datetime, str]:
    try:
        created_at, job_id = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        moment = datetime.fromisoformat(created_at)
        if moment.tzinfo is None or not isinstance(job_id, str):
            raise ValueError
    except (ValueError, TypeError, binascii.Error) as error:
        raise InvalidRequest("the cursor is not one that this list gave out; start again without one") from error
    return moment, job_id
