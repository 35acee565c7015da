"""What a user does with a job that has ended: gives it a title, marks it, writes notes, deletes it; and its lineage.

Deleting removes the job, its parts and their histories. The blobs stay: other jobs may have the same files.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from bandmate_shared.errors import Conflict
from bandmate_shared.jobs.database.schema import dead_letters, idempotency, job_events, jobs, outbox
from bandmate_shared.jobs.model import Job
from bandmate_shared.jobs.queries import read_job
from bandmate_shared.jobs.records import find_or_raise, job_of
from bandmate_shared.jobs.search_text import search_text

MAX_VERSIONS = 500
"""Songs of one lineage that are shown."""


def annotate(
    connection: Connection, _now: datetime, job_id: str, tenant: str, details: Mapping[str, str | bool | None]
) -> Job:
    """Set the given ones of `title`, `favourite` and `notes`; None clears one. Raises NotFound."""
    find_or_raise(connection, job_id, jobs.c.tenant == tenant, lock=True)
    connection.execute(update(jobs).where(jobs.c.id == job_id).values(dict(details)))
    job = read_job(connection, job_id)
    if job.parent_id is None:
        text = search_text(job.id, job.request, job.title or "", job.notes or "")
        connection.execute(update(jobs).where(jobs.c.id == job_id).values(search_text=text))
    return job


def family(connection: Connection, root_id: str) -> list[Job]:
    """A job's children and theirs, parents before their children."""
    found: list[Job] = []
    parents = [root_id]
    while parents:
        query = select(jobs).where(jobs.c.parent_id.in_(parents)).order_by(jobs.c.created_at, jobs.c.id)
        children = [job_of(row) for row in connection.execute(query)]
        parents = [child.id for child in children]
        found += children
    return found


def deletable(connection: Connection, job_id: str, tenant: str) -> list[Job]:
    """The job and its parts, if it may be deleted. Raises NotFound, and Conflict for a part or an unfinished job."""
    job = read_job(connection, job_id, tenant)
    if job.parent_id is not None:
        raise Conflict(f"{job_id} is a part of {job.parent_id}; delete that")
    whole = [job, *family(connection, job_id)]
    if unfinished := [part for part in whole if not part.state.is_final]:
        raise Conflict(f"{unfinished[0].id} is {unfinished[0].state.value}; cancel it and wait for its end first")
    return whole


def delete_job(connection: Connection, _now: datetime, job_id: str, tenant: str) -> None:
    """Delete a job that has ended, with its parts. Raises NotFound, Conflict."""
    find_or_raise(connection, job_id, jobs.c.tenant == tenant, lock=True)
    whole = deletable(connection, job_id, tenant)
    ids = [part.id for part in whole]
    for table in (job_events, outbox, idempotency, dead_letters):
        connection.execute(delete(table).where(table.c.job_id.in_(ids)))
    for part in reversed(whole):  # Children before their parents, which they refer to.
        connection.execute(delete(jobs).where(jobs.c.id == part.id))


def versions(connection: Connection, job_id: str, tenant: str) -> tuple[list[Job], list[str]]:
    """Every song of the tenant's that shares an ancestor with this one, oldest first, and the ids of deleted ancestors.

    Raises NotFound.
    """
    oldest, missing = read_job(connection, job_id, tenant), []
    seen = {oldest.id}
    while oldest.derived_from is not None and oldest.derived_from not in seen:
        seen.add(oldest.derived_from)
        row = connection.execute(
            select(jobs).where(jobs.c.id == oldest.derived_from, jobs.c.tenant == tenant)
        ).one_or_none()
        if row is None:
            missing.append(oldest.derived_from)
            break
        oldest = job_of(row)
    found = {oldest.id: oldest}
    sources: Sequence[str] = [*found, *missing]
    while sources and len(found) < MAX_VERSIONS:
        derived = jobs.c.derived_from.in_(sources), jobs.c.tenant == tenant
        new = [job_of(row) for row in connection.execute(select(jobs).where(*derived).limit(MAX_VERSIONS))]
        sources = [job.id for job in new if job.id not in found]
        found |= {job.id: job for job in new}
    return sorted(found.values(), key=lambda job: (job.created_at, job.id)), missing
