"""`bandmate-submissions`: where any program may ask for a song, in any language, without HTTP.

With Redis as the broker it is a stream (submission_stream.py), with SQS a queue (submission_queue.py). A submission is
a SongRequest as JSON, with or without an idempotency key, under which the same request counts once however often it is
sent. It leaves the stream or queue when it has become a job, or a dead letter with the reason. Where it has no key its
id serves as one, so that a submission read twice (this process died between the job and the removal) is one song.
"""

import json
import logging
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Protocol

from bandmate_shared.broker import SUBMISSIONS, Broker
from bandmate_shared.errors import BandmateError
from bandmate_shared.runtime import Runtime
from bandmate_shared.settings import SharedSettings
from bandmate_shared.song_submission import Check, may_pass, parse_song_request, submit_song

log = logging.getLogger(__name__)

RETRY_SECONDS = 5.0
"""How long a submission waits that may succeed later: past the quota, or while something is away."""

MOST_WAITING = 50
"""With so many waiting in this process, no more are read."""

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 4.0
MAX_KEY_CHARACTERS = 200


@dataclass(frozen=True)
class Submission:
    """One submission as it came. `fields` are what a dead letter keeps of it; `receipt` is the source's own.

    `request` should be a SongRequest in JSON. Where it cannot be one, `problem` says why.
    """

    id: str
    request: str
    idempotency_key: str | None
    fields: Mapping[str, str]
    problem: str = ""
    receipt: str = ""


class SubmissionSource(Protocol):
    """Where submissions come from. Every method may raise `away` errors."""

    away: tuple[type[Exception], ...]

    def receive(self) -> list[Submission]:
        """What is new, and what another intake took and did not finish. Waits a little for it; then []."""

    def keep(self, submissions: Iterable[Submission]) -> None:
        """These are still in hand: no other intake is to have them."""

    def remove(self, submission: Submission) -> None:
        """This one is settled."""

    def give_back(self, submissions: Iterable[Submission]) -> None:
        """Another intake may have these at once."""

    def close(self) -> None: ...


class NotARequest(BandmateError):
    """The submission cannot become a job, whatever happens later."""


def open_source(settings: SharedSettings) -> SubmissionSource:
    """The stream or queue that the settings' broker has. Nothing is connected to yet."""
    broker = Broker.of(settings)
    if broker.is_sqs:
        from bandmate_shared.submission_queue import SubmissionQueue

        return SubmissionQueue()
    from bandmate_shared.submission_stream import SubmissionStream

    return SubmissionStream(broker.url)


class SubmissionIntake:
    """Turns submissions into song jobs.

    An error of `check` becomes the dead letter's reason; what may pass is waited out.
    """

    def __init__(self, runtime: Runtime, check: Check | None = None) -> None:
        self._runtime = runtime
        self._check = check

    def run(self, stop: threading.Event) -> None:
        """Take in submissions until `stop` is set. Outlives the broker: while it is away, none can come anyway."""
        pause = FIRST_PAUSE_SECONDS
        while not stop.is_set():
            began = time.monotonic()
            with closing(open_source(self._runtime.settings)) as source:
                away: tuple[type[Exception], ...] = (BandmateError, *source.away)
                try:
                    self._take_in(source, stop)
                except away as error:
                    log.warning("submissions wait: %s", error)
                except Exception:
                    log.exception("submissions wait after an unforeseen error")
            lasted = time.monotonic() - began
            pause = FIRST_PAUSE_SECONDS if lasted > LONGEST_PAUSE_SECONDS else min(pause * 2, LONGEST_PAUSE_SECONDS)
            stop.wait(pause)

    def _take_in(self, source: SubmissionSource, stop: threading.Event) -> None:
        """Settle what comes. What may succeed later stays in hand, and does not hold up what comes after it."""
        waiting: dict[str, Submission] = {}
        due = 0.0
        while not stop.is_set():
            to_do = source.receive() if len(waiting) < MOST_WAITING else []
            if waiting and time.monotonic() >= due:
                source.keep(waiting.values())
                to_do = [*waiting.values(), *to_do]
                due = time.monotonic() + RETRY_SECONDS
            for submission in to_do:
                if not stop.is_set() and self._settle(source, submission):
                    waiting.pop(submission.id, None)
                else:
                    due = due if waiting else time.monotonic() + RETRY_SECONDS
                    waiting[submission.id] = submission
            if len(waiting) >= MOST_WAITING:
                stop.wait(due - time.monotonic())
        source.give_back(waiting.values())

    def _settle(self, source: SubmissionSource, submission: Submission) -> bool:
        """Make a job or a dead letter of it, then remove it; says whether. Otherwise it may become one later."""
        try:
            self._submit(submission)
        except BandmateError as error:
            if may_pass(error):
                log.warning("the submission %s is tried again: %s", submission.id, error.detail)
                return False
            log.warning("the submission %s is a dead letter: %s", submission.id, error.detail)
            payload = json.dumps({"id": submission.id, **submission.fields}, ensure_ascii=False)
            self._runtime.store.add_dead_letter(SUBMISSIONS, payload, error.detail)
        source.remove(submission)
        return True

    def _submit(self, submission: Submission) -> None:
        if submission.problem:
            raise NotARequest(submission.problem)
        asked = parse_song_request(submission.request, self._runtime.settings.max_body_bytes)
        key = submission.idempotency_key or f"{SUBMISSIONS}/{submission.id}"
        if len(key) > MAX_KEY_CHARACTERS:
            raise NotARequest(f"the idempotency_key has {len(key)} characters; at most {MAX_KEY_CHARACTERS} are kept")
        submitted = submit_song(self._runtime, asked, key, self._check)
        log.info("the submission %s is %s", submission.id, submitted.job.id)
