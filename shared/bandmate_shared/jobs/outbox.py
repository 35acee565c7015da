"""The outbox: which job ids have yet to reach a queue.

A row is written in the transaction that queues the job and removed in the one that claims it. In between it falls due
at once, and after each sending again, later and later: a message that its queue lost is thus sent once more, and one
that merely waits in a long queue is doubled a few times at most. A claim makes doubles harmless.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, func, insert, select, update

from bandmate_shared.jobs.model import Message, Policy, queue_of
from bandmate_shared.jobs.schema import outbox

LONGEST_RESEND_SECONDS = 600.0

_PUT = insert(outbox)
_TAKE = delete(outbox).where(outbox.c.job_id == bindparam("job"))
_PENDING = (
    select(outbox.c.id, outbox.c.job_id, outbox.c.queue, outbox.c.sends)
    .where(outbox.c.due_at <= bindparam("now"))
    .order_by(outbox.c.id)
    .limit(bindparam("count"))
)
_TO_TAKE = _PENDING.with_for_update(skip_locked=True)
_PUT_OFF = (
    update(outbox)
    .where(outbox.c.id == bindparam("message"))
    .values(sends=bindparam("times"), due_at=bindparam("again_at"))
)


def put(connection: Connection, due_at: datetime, job_id: str, kind: str) -> None:
    """Note that the job's id is to be sent from `due_at` on."""
    row = {"job_id": job_id, "queue": queue_of(kind), "due_at": due_at}  # type: ignore[arg-type]
    connection.execute(_PUT, row)


def take(connection: Connection, job_id: str) -> None:
    """The job has been claimed or has ended: nothing is to be sent any more."""
    connection.execute(_TAKE, {"job": job_id})


def pending(connection: Connection, now: datetime, limit: int) -> list[Message]:
    """What is due, oldest first."""
    return _messages(connection, _PENDING, now, limit)


def take_due(connection: Connection, now: datetime, policy: Policy, limit: int) -> list[Message]:
    """What is due, to be sent by the caller. Each is put off until it may be taken for lost, ever longer.

    This comes before the sending, so that two relays do not send the same, and a fast worker's claim does not meet
    the relay's lock. A relay that dies in between has merely delayed its messages.
    """
    messages = _messages(connection, _TO_TAKE, now, limit)
    if messages:
        connection.execute(_PUT_OFF, [_put_off(message, now, policy) for message in messages])
    return messages


def give_back(connection: Connection, now: datetime, messages: Sequence[Message]) -> None:
    """These could not be sent: they are due as before, unless their jobs were claimed meanwhile."""
    if messages:
        rows = [{"message": message.id, "times": message.sends, "again_at": now} for message in messages]
        connection.execute(_PUT_OFF, rows)


def _messages(connection: Connection, query: Select[int, str, str, int], now: datetime, limit: int) -> list[Message]:
    return [Message(*row) for row in connection.execute(query, {"now": now, "count": limit})]


def _put_off(message: Message, now: datetime, policy: Policy) -> dict[str, Any]:
    patience = min(policy.lease_seconds * 2**message.sends, LONGEST_RESEND_SECONDS)
    return {"message": message.id, "times": message.sends + 1, "again_at": now + timedelta(seconds=patience)}


def resend_all(connection: Connection, now: datetime) -> int:
    """The broker may have lost everything (it was down): make due what was sent before. Returns how many."""
    waiting = outbox.c.due_at > now, outbox.c.sends > 0
    return connection.execute(update(outbox).where(*waiting).values(due_at=now)).rowcount


def backlog(connection: Connection) -> dict[str, int]:
    """Queue → jobs that wait to be claimed, those put off by a retry included."""
    rows = connection.execute(select(outbox.c.queue, func.count().label("jobs")).group_by(outbox.c.queue))
    return {row.queue: row.jobs for row in rows}
