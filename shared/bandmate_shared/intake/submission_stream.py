"""Submissions from Redis: a stream to which any program adds entries.

    redis-cli XADD bandmate-submissions '*' request '{"style":"folk","bars":8}'

Fields of an entry: `request`, a SongRequest as JSON; optionally `idempotency_key`. The entry's id serves as key where
there is none. All intakes read as one consumer of one group, so that each entry goes to one of them.
"""

from collections.abc import Iterable
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry

from bandmate_shared.intake.source import Submission
from bandmate_shared.queues.names import SUBMISSIONS

GROUP = "bandmate"
CONSUMER = "intake"

BLOCK_SECONDS = 1.0
BATCH = 50
RECLAIM_AFTER_SECONDS = 10.0
"""An entry that another intake took and did not finish in this time is taken over."""

CONNECT_SECONDS = 2.0


class SubmissionStream:
    """The entries of the stream `bandmate-submissions`."""

    connection_errors: tuple[type[Exception], ...] = (RedisError,)

    def __init__(self, url: str) -> None:
        self._client = redis.Redis.from_url(
            url,
            decode_responses=True,
            encoding_errors="replace",
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=BLOCK_SECONDS + CONNECT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._has_group = False

    def receive(self) -> list[Submission]:
        if not self._has_group:
            self._ensure_group()
        idle = int(RECLAIM_AFTER_SECONDS * 1000)
        left_over: Any = self._client.xautoclaim(SUBMISSIONS, GROUP, CONSUMER, min_idle_time=idle, count=BATCH)
        block = int(BLOCK_SECONDS * 1000)
        new: Any = self._client.xreadgroup(GROUP, CONSUMER, {SUBMISSIONS: ">"}, count=BATCH, block=block)
        return [*_submissions(left_over[1]), *(entry for _, entries in new or [] for entry in _submissions(entries))]

    def extend(self, submissions: Iterable[Submission]) -> None:
        self._claim(submissions, idle_seconds=0)

    def remove(self, submission: Submission) -> None:
        with self._client.pipeline(transaction=True) as pipeline:
            pipeline.xack(SUBMISSIONS, GROUP, submission.id)
            pipeline.xdel(SUBMISSIONS, submission.id)
            pipeline.execute()

    def release(self, submissions: Iterable[Submission]) -> None:
        self._claim(submissions, idle_seconds=RECLAIM_AFTER_SECONDS)

    def close(self) -> None:
        self._client.close()

    def _claim(self, submissions: Iterable[Submission], idle_seconds: float) -> None:
        ids: Any = [submission.id for submission in submissions]
        if ids:
            idle = int(idle_seconds * 1000)
            self._client.xclaim(SUBMISSIONS, GROUP, CONSUMER, 0, ids, idle=idle, justid=True)

    def _ensure_group(self) -> None:
        try:
            self._client.xgroup_create(SUBMISSIONS, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise
        self._has_group = True


def _submissions(raw: Any) -> list[Submission]:
    """Entries that still exist: one deleted while pending comes back without fields."""
    return [_submission(entry_id, fields) for entry_id, fields in raw if entry_id is not None and fields is not None]


def _submission(entry_id: str, fields: dict[str, str]) -> Submission:
    problem = ""
    if "request" not in fields:
        named = ", ".join(sorted(fields)) or "none"
        problem = f"the entry has no field 'request' (its fields: {named})"
    return Submission(entry_id, fields.get("request", ""), fields.get("idempotency_key"), fields, problem)
