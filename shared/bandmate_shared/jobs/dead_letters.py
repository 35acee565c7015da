"""Dead letters: messages and jobs that are not tried again by themselves, with the reason, until they are redriven."""

import re
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from bandmate_shared.errors import InvalidRequest, NotFound
from bandmate_shared.jobs.database.schema import dead_letters
from bandmate_shared.jobs.model import DeadLetter, new_id

MAX_PAYLOAD_CHARACTERS = 100_000
"""A longer payload is cut off here."""


def add(connection: Connection, now: datetime, queue: str, payload: str, reason: str, job_id: str | None = None) -> str:
    """Add a dead letter; returns its id. NULs and lone surrogates, which no database stores, become U+FFFD."""
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


def read_letters(connection: Connection, queue: str | None, limit: int) -> list[DeadLetter]:
    """Dead letters, newest first, those redriven included. `queue` is a queue or its `-dlq`; None: all."""
    query = select(dead_letters).order_by(dead_letters.c.id.desc()).limit(limit)
    if queue is not None:
        query = query.where(dead_letters.c.queue == queue.removesuffix("-dlq"))
    return [DeadLetter(**row._mapping) for row in connection.execute(query)]


def job_of_letter(connection: Connection, letter_id: str) -> str:
    """The id of the job that failed. Raises NotFound, and InvalidRequest for a message that never became a job."""
    query = select(dead_letters.c.job_id, dead_letters.c.queue).where(dead_letters.c.id == letter_id)
    letter = connection.execute(query).one_or_none()
    if letter is None:
        raise NotFound(f"there is no dead letter {letter_id}")
    if letter.job_id is None:
        raise InvalidRequest(
            f"{letter_id} is a message to {letter.queue} that never became a job; put it right and send it again"
        )
    return str(letter.job_id)


def mark_redriven(connection: Connection, now: datetime, job_id: str) -> None:
    """The job's dead letters need no operator any more."""
    unredriven = dead_letters.c.job_id == job_id, dead_letters.c.redriven_at.is_(None)
    connection.execute(update(dead_letters).where(*unredriven).values(redriven_at=now))


def _storable(text: str) -> str:
    return re.sub("[\0\ud800-\udfff]", "\ufffd", text)
