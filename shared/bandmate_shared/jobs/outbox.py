"""The transactional outbox: job ids to be sent to a queue.

A row is written in the transaction that queues the job and removed in the one that claims it. In between it is due at
once, and again after each send, with growing pauses: a message that its queue lost is thus sent again, and one that
merely waits in a long queue is duplicated a few times at most. A claim makes duplicates harmless.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, func, insert, select, update

from bandmate_shared.jobs.database.schema import outbox
from bandmate_shared.jobs.model import Message, Policy, queue_of

MAX_RESEND_SECONDS = 600.0

_PUT = insert(outbox)
_TAKE = delete(outbox).where(outbox.c.job_id == bindparam("job"))
_PENDING = (
    select(outbox.c.id, outbox.c.job_id, outbox.c.queue, outbox.c.sends)
    .where(outbox.c.due_at <= bindparam("now"))
    .order_by(outbox.c.id)
    .limit(bindparam("count"))
)
_TO_TAKE = _PENDING.with_for_update(skip_locked=True)
_POSTPONE = (
    update(outbox)
    .where(outbox.c.id == bindparam("message"))
    .values(sends=bindparam("times"), due_at=bindparam("again_at"))
)


def put(connection: Connection, due_at: datetime, job_id: str, kind: str) -> None:
    """Add a message with the job's id, due at `due_at`."""
    row = {"job_id": job_id, "queue": queue_of(kind), "due_at": due_at}  # type: ignore[arg-type]
    connection.execute(_PUT, row)


def take(connection: Connection, job_id: str) -> None:
    """Remove the message of a job that has been claimed or has ended."""
    connection.execute(_TAKE, {"job": job_id})


def pending(connection: Connection, now: datetime, limit: int) -> list[Message]:
    """The messages that are due, oldest first."""
    return _messages(connection, _PENDING, now, limit)


def take_due(connection: Connection, now: datetime, policy: Policy, limit: int) -> list[Message]:
    """The messages that are due, for the caller to send. Each becomes due again later, with growing pauses.

    That is written before they are sent, so that two relays do not send the same, and a fast worker's claim does not
    meet the relay's lock. A relay that dies in between has merely delayed its messages.
    """
    messages = _messages(connection, _TO_TAKE, now, limit)
    if messages:
        connection.execute(_POSTPONE, [_postponed(message, now, policy) for message in messages])
    return messages


def give_back(connection: Connection, now: datetime, messages: Sequence[Message]) -> None:
    """Make messages due again that could not be sent, unless their jobs were claimed meanwhile."""
    if messages:
        rows = [{"message": message.id, "times": message.sends, "again_at": now} for message in messages]
        connection.execute(_POSTPONE, rows)


def _messages(connection: Connection, query: Select[int, str, str, int], now: datetime, limit: int) -> list[Message]:
    return [Message(*row) for row in connection.execute(query, {"now": now, "count": limit})]


def _postponed(message: Message, now: datetime, policy: Policy) -> dict[str, Any]:
    pause = min(policy.lease_seconds * 2**message.sends, MAX_RESEND_SECONDS)
    return {"message": message.id, "times": message.sends + 1, "again_at": now + timedelta(seconds=pause)}


def resend_all(connection: Connection, now: datetime) -> int:
    """Make everything due that was sent before: the broker may have lost it. Returns how many."""
    waiting = outbox.c.due_at > now, outbox.c.sends > 0
    return connection.execute(update(outbox).where(*waiting).values(due_at=now)).rowcount


def backlog(connection: Connection) -> dict[str, int]:
    """Queue → number of jobs to be claimed, those that pause before a retry included."""
    rows = connection.execute(select(outbox.c.queue, func.count().label("jobs")).group_by(outbox.c.queue))
    return {row.queue: row.jobs for row in rows}
