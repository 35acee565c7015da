"""`bandmate-submissions`: a Redis stream to which any program may add a song request, in any language.

    redis-cli XADD bandmate-submissions '*' request '{"style":"folk","bars":8}'

Fields of an entry: `request`, a SongRequest as JSON; optionally `idempotency_key`, under which the same request
counts once, however often it is added. An entry leaves the stream when it has become a job, or a dead letter with
the reason. The entry's id serves as idempotency key where none is given, so that an entry read twice (this process
died between the job and the acknowledgement) is still one song.
"""

import json
import logging
import threading
from collections.abc import Callable
from typing import Any

import redis
from pydantic import ValidationError
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry

from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.errors import BandmateError
from bandmate_shared.jobs.model import NewJob, QuotaExceeded
from bandmate_shared.runtime import Runtime

log = logging.getLogger(__name__)

STREAM = "bandmate-submissions"
GROUP = "bandmate"
CONSUMER = "intake"

BLOCK_SECONDS = 1.0
BATCH = 50
RECLAIM_AFTER_SECONDS = 5.0
"""An entry that another intake took and did not finish in this time is taken over."""

CONNECT_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 4.0
MAX_KEY_CHARACTERS = 200

Entry = tuple[str, dict[str, str]]
"""An entry's id and fields."""


class _NotARequest(BandmateError):
    """The entry cannot become a job, whatever happens later."""


class SubmissionIntake:
    """Turns the entries of the stream into song jobs.

    `check` does what the API does at the door (unknown style, model, …): it returns the request, perhaps completed,
    or raises a BandmateError, which becomes the dead letter's reason. Retryable ones and the quota are waited out.
    """

    def __init__(self, runtime: Runtime, check: Callable[[SongRequest], SongRequest] | None = None) -> None:
        self._runtime = runtime
        self._check = check
        self._url = runtime.settings.redis_url

    def run(self, stop: threading.Event) -> None:
        """Take in entries until `stop` is set. Outlives Redis: while it is away, entries cannot come anyway."""
        pause = 0.1
        while not stop.is_set():
            client = self._connect()
            try:
                self._ensure_group(client)
                while not stop.is_set():
                    self._take_in(client, stop)
                    pause = 0.1
            except RedisError as error:
                log.warning("submissions wait until Redis is back: %s", error)
            except Exception:
                log.exception("submissions wait %.1f s after an unforeseen error", pause)
            finally:
                client.close()
            stop.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    def _connect(self) -> "redis.Redis":
        return redis.Redis.from_url(
            self._url,
            decode_responses=True,
            encoding_errors="replace",
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=BLOCK_SECONDS + CONNECT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )

    def _ensure_group(self, client: "redis.Redis") -> None:
        try:
            client.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    def _take_in(self, client: "redis.Redis", stop: threading.Event) -> None:
        """One round: first what was left unfinished, then what is new, waiting up to BLOCK_SECONDS for it."""
        for entry in [*self._left_over(client), *self._new(client)]:
            if stop.is_set():
                return
            self._settle(client, entry, stop)

    def _left_over(self, client: "redis.Redis") -> list[Entry]:
        idle = int(RECLAIM_AFTER_SECONDS * 1000)
        answer: Any = client.xautoclaim(STREAM, GROUP, CONSUMER, min_idle_time=idle, count=BATCH)
        return _entries(answer[1])

    def _new(self, client: "redis.Redis") -> list[Entry]:
        block = int(BLOCK_SECONDS * 1000)
        answer: Any = client.xreadgroup(GROUP, CONSUMER, {STREAM: ">"}, count=BATCH, block=block)
        return [entry for _, entries in answer or [] for entry in _entries(entries)]

    def _settle(self, client: "redis.Redis", entry: Entry, stop: threading.Event) -> None:
        """Make a job or a dead letter of the entry, then remove it; leave it for later where that may help."""
        entry_id, fields = entry
        try:
            self._submit(entry_id, fields)
        except QuotaExceeded as error:
            log.warning("submissions wait: %s", error.detail)
            stop.wait(RECLAIM_AFTER_SECONDS)
            return
        except BandmateError as error:
            if error.retryable:
                log.warning("the submission %s is tried again: %s", entry_id, error.detail)
                return
            log.warning("the submission %s is a dead letter: %s", entry_id, error.detail)
            payload = json.dumps({"id": entry_id, **fields}, ensure_ascii=False)
            self._runtime.store.add_dead_letter(STREAM, payload, error.detail)
        with client.pipeline(transaction=True) as both:
            both.xack(STREAM, GROUP, entry_id)
            both.xdel(STREAM, entry_id)
            both.execute()

    def _submit(self, entry_id: str, fields: dict[str, str]) -> None:
        asked = request = self._parse(fields)
        key = fields.get("idempotency_key") or f"{STREAM}/{entry_id}"
        if len(key) > MAX_KEY_CHARACTERS:
            raise _NotARequest(f"the idempotency_key has {len(key)} characters; at most {MAX_KEY_CHARACTERS} are kept")
        if self._check is not None:
            request = self._check(request)
        new = NewJob("song", request.model_dump(mode="json"))
        submitted = self._runtime.store.submit(new, idempotency_key=key, asked=asked.model_dump(mode="json"))
        log.info("the submission %s is %s", entry_id, submitted.job.id)
        self._runtime.relay.kick()

    def _parse(self, fields: dict[str, str]) -> SongRequest:
        text = fields.get("request")
        if text is None:
            named = ", ".join(sorted(fields)) or "none"
            raise _NotARequest(f"the entry has no field 'request' (its fields: {named})")
        limit = self._runtime.settings.max_body_bytes
        if len(text.encode()) > limit:
            raise _NotARequest(f"the request is larger than {limit} bytes (BANDMATE_MAX_BODY_BYTES)")
        try:
            return SongRequest.model_validate(json.loads(text))
        except json.JSONDecodeError as error:
            raise _NotARequest(f"the request is not JSON: {error}") from error
        except RecursionError as error:
            raise _NotARequest("the request is nested too deeply") from error
        except ValidationError as error:
            raise _NotARequest(f"the request is not a song request: {_readable(error)}") from error


def _entries(raw: Any) -> list[Entry]:
    """Entries that still exist: one deleted while pending comes back without fields."""
    return [(entry_id, fields) for entry_id, fields in raw if entry_id is not None and fields is not None]


def _readable(error: ValidationError) -> str:
    """`bars: Input should be less than or equal to 128; …`."""
    problems = []
    for problem in error.errors(include_url=False, include_input=False):
        place = ".".join(str(part) for part in problem["loc"])
        message = problem["msg"].removeprefix("Value error, ")
        problems.append(f"{place}: {message}" if place else message)
    return "; ".join(problems)
