"""Turns submissions in `bandmate-submissions`, by which programs request songs without HTTP, into jobs.

With Redis as the broker it is a stream (submission_stream.py), with SQS a queue (submission_queue.py). A submission is
a SongRequest as JSON, with or without an idempotency key, under which the same request counts once however often it is
sent. It leaves the stream or queue when it has become a job, or a dead letter with the reason. Where it has no key its
id serves as one, so that a submission read twice (this process died between the job and the removal) is one song.
"""

import json
import logging
import threading
import time
from contextlib import closing

from bandmate_shared.errors import BandmateError
from bandmate_shared.intake.open import open_source
from bandmate_shared.intake.song_submission import Check, is_temporary, parse_song_request, submit_song
from bandmate_shared.intake.source import Submission, SubmissionSource
from bandmate_shared.queues.names import SUBMISSIONS
from bandmate_shared.runtime import Runtime

log = logging.getLogger(__name__)

RETRY_SECONDS = 5.0
"""How long a submission waits that may succeed later: over the quota, or while a dependency is unavailable."""

MAX_WAITING = 50
"""With this many waiting in this process, no more are read."""

MIN_PAUSE_SECONDS = 0.1
MAX_PAUSE_SECONDS = 4.0
MAX_KEY_CHARACTERS = 200


class NotARequest(BandmateError):
    """The submission can never become a job."""


class SubmissionIntake:
    """Turns submissions into song jobs.

    An error of `check` becomes the reason of a dead letter; a temporary one is retried.
    """

    def __init__(self, runtime: Runtime, check: Check | None = None) -> None:
        self._runtime = runtime
        self._check = check

    def run(self, stop: threading.Event) -> None:
        """Process submissions until `stop` is set, reconnecting for as long as the broker is unavailable."""
        pause = MIN_PAUSE_SECONDS
        while not stop.is_set():
            began = time.monotonic()
            with closing(open_source(self._runtime.settings)) as source:
                unavailable: tuple[type[Exception], ...] = (BandmateError, *source.connection_errors)
                try:
                    self._process(source, stop)
                except unavailable as error:
                    log.warning("submissions wait: %s", error)
                except Exception:
                    log.exception("submissions wait after an unexpected error")
            connected_seconds = time.monotonic() - began
            pause = MIN_PAUSE_SECONDS if connected_seconds > MAX_PAUSE_SECONDS else min(pause * 2, MAX_PAUSE_SECONDS)
            stop.wait(pause)

    def _process(self, source: SubmissionSource, stop: threading.Event) -> None:
        """Process submissions in order; one that may succeed later is retried without delaying those after it."""
        waiting: dict[str, Submission] = {}
        due = 0.0
        while not stop.is_set():
            batch = source.receive() if len(waiting) < MAX_WAITING else []
            if waiting and time.monotonic() >= due:
                source.extend(waiting.values())
                batch = [*waiting.values(), *batch]
                due = time.monotonic() + RETRY_SECONDS
            for submission in batch:
                if not stop.is_set() and self._settle(source, submission):
                    waiting.pop(submission.id, None)
                else:
                    due = due if waiting else time.monotonic() + RETRY_SECONDS
                    waiting[submission.id] = submission
            if len(waiting) >= MAX_WAITING:
                stop.wait(due - time.monotonic())
        source.release(waiting.values())

    def _settle(self, source: SubmissionSource, submission: Submission) -> bool:
        """Make a job or a dead letter of it and remove it; false where it is to be retried."""
        try:
            self._submit(submission)
        except BandmateError as error:
            if is_temporary(error):
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
        request = parse_song_request(submission.request, self._runtime.settings.max_body_bytes)
        key = submission.idempotency_key or f"{SUBMISSIONS}/{submission.id}"
        if len(key) > MAX_KEY_CHARACTERS:
            raise NotARequest(f"the idempotency_key has {len(key)} characters; at most {MAX_KEY_CHARACTERS} are kept")
        submitted = submit_song(self._runtime, request, key, self._check)
        log.info("the submission %s is %s", submission.id, submitted.job.id)
