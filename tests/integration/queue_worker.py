"""A service for the queue tests, run by a real Celery worker: `celery -A queue_worker worker`.

A take's request says what its handler does: `log`, a file to which each run adds a line; `act`, one of those below.
"""

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path

from bandmate_shared.errors import InvalidRequest, Unavailable
from bandmate_shared.jobs.execution.worker import Done, Handler, JobContext, Wait
from bandmate_shared.jobs.model import NewJob
from bandmate_shared.queues import celery_app as queue


def _take(context: JobContext) -> Done | Wait:
    request = context.job.request
    context.stage("compose")
    with Path(request["log"]).open("a") as log:
        log.write(f"{context.job.id} {context.job.attempt} {os.getpid()}\n")
    act = request["act"]
    if act == "die":
        if not Path(request["log"]).with_suffix(".cured").exists():
            os.kill(os.getpid(), signal.SIGKILL)
    elif act == "refuse":
        raise InvalidRequest("no such thing can be composed")
    elif act == "flaky" and context.job.attempt == 1:
        raise Unavailable("the model did not answer")
    elif act == "wait":
        deadline = time.monotonic() + 60
        while not Path(request["log"]).with_suffix(".go").exists() and time.monotonic() < deadline:
            context.progress(0.5)
            time.sleep(0.02)
    elif act == "deaf":  # Ignores the context. Ends by itself, so that a failing test ends too.
        deadline = time.monotonic() + 20
        while not Path(request["log"]).with_suffix(".go").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
    elif act == "write":
        while True:
            context.event("written", {})
    context.add("take.txt", context.job.id.encode(), "text/plain")
    return Done({"attempt": context.job.attempt})


def _song(context: JobContext) -> Done | Wait:
    if context.job.phase == "start":
        return Wait([NewJob("take", context.job.request)] * 2, phase="choose")
    return Done({"children": [child.state for child in context.children]})


def _handlers() -> Mapping[str, Handler]:
    return {"take": _take, "song": _song}


queue.SOFT_LIMIT_DELAY_SECONDS = float(os.environ.get("QUEUE_WORKER_SOFT_SECONDS", queue.SOFT_LIMIT_DELAY_SECONDS))
app = queue.service_app("generate", _handlers, job_seconds=float(os.environ.get("QUEUE_WORKER_SECONDS", "1800")))
