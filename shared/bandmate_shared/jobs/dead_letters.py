"""Dead letters: what will not be tried again by itself, with the reason, until an operator redrives it."""

import re
from datetime import datetime

from sqlalchemy import Connection, insert, select

from bandmate_shared.jobs.model import DeadLetter, new_id
from bandmate_shared.jobs.schema import dead_letters

MAX_PAYLOAD_CHARACTERS = 100_000
"""A longer payload is kept only up to here."""


def bury(
    connection: Connection, now: datetime, queue: str, payload: str, reason: str, job_id: str | None = None
) -> str:
    """Add a dead letter; returns its id. What no database takes in text becomes U+FFFD: NULs and lone surrogates."""
    letter_id = new_id("dl")
    row = {
        "id": letter_id,
        "queue": queue,
        "job_id": job_id,
        "payload": _storable(payload[:MAX_PAYLOAD_CHARACTERS]),
        "reason": _storable(reason),
        "created_at": now,
    }
    connection.execute(insert(dead_letters), row)
    return letter_id


def _storable(text: str) -> str:
    return re.sub("[\0\ud800-\udfff]", "\ufffd", text)


def listed(connection: Connection, queue: str | None, limit: int) -> list[DeadLetter]:
    """Dead letters, newest first, those redriven included. `queue` is a queue or its `-dlq`; None: all."""
    query = select(dead_letters).order_by(dead_letters.c.id.desc()).limit(limit)
    if queue is not None:
        query = query.where(dead_letters.c.queue == queue.removesuffix("-dlq"))
    return [DeadLetter(**row._mapping) for row in connection.execute(query)]
