"""The outbox of webhooks: reports of ended jobs, each kept until its receiver has confirmed it.

A row is written in the transaction that ends the job. Whoever takes it postpones it first: no two processes send it
at once, and one that dies while sending has merely delayed it. What failed too often stays, given up, until an operator
redrives it.
"""

from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from bandmate_shared.contracts.jobs import job_path
from bandmate_shared.contracts.webhooks import EndedJob, WebhookEvent, WebhookType
from bandmate_shared.errors import NotFound
from bandmate_shared.jobs.database.schema import webhooks
from bandmate_shared.jobs.model import Job, Webhook, WebhookDelivery, new_id

_DUE = (
    select(webhooks)
    .where(webhooks.c.given_up_at.is_(None), webhooks.c.due_at <= bindparam("now"))
    .order_by(webhooks.c.due_at, webhooks.c.id)
    .limit(bindparam("count"))
)
_TO_TAKE = _DUE.with_for_update(skip_locked=True)
_HOLD = (
    update(webhooks)
    .where(webhooks.c.id == bindparam("message"))
    .values(attempt=webhooks.c.attempt + 1, due_at=bindparam("held_until"))
)


def put(connection: Connection, now: datetime, job: Job, webhook: Webhook) -> None:
    """Add the report of a job that has just ended, due at once."""
    names = EndedJob.model_fields.keys() - {"links"}
    ended = EndedJob(**{name: getattr(job, name) for name in names}, links={"self": job_path(job.kind, job.id)})
    event = WebhookEvent(type=cast(WebhookType, f"job.{job.state.value}"), timestamp=now, data=ended)
    row = {"id": new_id("msg"), "job_id": job.id, "tenant": job.tenant, "type": event.type}
    row |= {"url": webhook.url, "payload": event.model_dump_json(exclude_none=True)}
    values = {**row, "key_id": webhook.key_id, "attempt": 0, "created_at": now, "due_at": now}
    connection.execute(insert(webhooks), values)


def any_due(connection: Connection, now: datetime) -> bool:
    """Whether there is something to take; needs no lock."""
    return connection.execute(_DUE, {"now": now, "count": 1}).first() is not None


def take_due(connection: Connection, now: datetime, limit: int, hold: timedelta) -> list[WebhookDelivery]:
    """Reports that the caller is to send now. Each falls due again after `hold`, should nothing be heard of it."""
    rows = connection.execute(_TO_TAKE, {"now": now, "count": limit}).all()
    if rows:
        connection.execute(_HOLD, [{"message": row.id, "held_until": now + hold} for row in rows])
    return [WebhookDelivery(**{**row._mapping, "attempt": row.attempt + 1}) for row in rows]


def delivered(connection: Connection, _now: datetime, delivery_id: str) -> None:
    """The receiver has confirmed it."""
    connection.execute(delete(webhooks).where(webhooks.c.id == delivery_id))


def failed(
    connection: Connection, now: datetime, delivery: WebhookDelivery, error: str, pause: timedelta | None
) -> None:
    """The attempt failed; try again after `pause`, or never where that is None. A later attempt is not touched."""
    values = {"error": error, "given_up_at": now} if pause is None else {"error": error, "due_at": now + pause}
    same_attempt = webhooks.c.id == delivery.id, webhooks.c.attempt == delivery.attempt
    connection.execute(update(webhooks).where(*same_attempt).values(values))


def read(connection: Connection, given_up: bool | None, limit: int) -> list[WebhookDelivery]:
    """Reports not yet confirmed, newest first. `given_up` chooses those that are not tried any more, or that are."""
    query = select(webhooks).order_by(webhooks.c.id.desc()).limit(limit)
    if given_up is not None:
        query = query.where(webhooks.c.given_up_at.is_not(None) if given_up else webhooks.c.given_up_at.is_(None))
    return [WebhookDelivery(**row._mapping) for row in connection.execute(query)]


def redrive(connection: Connection, now: datetime, delivery_id: str) -> WebhookDelivery:
    """Make a report due at once, with all attempts before it. Raises NotFound."""
    values = {"attempt": 0, "due_at": now, "given_up_at": None}
    changed = update(webhooks).where(webhooks.c.id == delivery_id).values(values).returning(webhooks)
    row = connection.execute(changed).one_or_none()
    if row is None:
        raise NotFound(f"there is no webhook {delivery_id} left to send; one that was received is not kept")
    return WebhookDelivery(**row._mapping)


def forget_given_up(connection: Connection, before: datetime) -> int:
    """Delete the reports that were given up before then; returns how many."""
    return connection.execute(delete(webhooks).where(webhooks.c.given_up_at < before)).rowcount


def counts(connection: Connection) -> dict[str, int]:
    """How many are 'waiting' and 'given-up'."""
    gave_up = webhooks.c.given_up_at.is_not(None)
    found = {bool(row[0]): int(row[1]) for row in connection.execute(select(gave_up, func.count()).group_by(gave_up))}
    return {"waiting": found.get(False, 0), "given-up": found.get(True, 0)}
