"""How a worker runs one job: claim, work, and say how it ended. The message that led here is only a hint.

    claim ── None: nothing to do, a double or late message
      │
    handler, while a thread renews the lease and listens for cancellation
      │
    Done → manifest, then succeed · Wait → park · an error → fail or try again · taken over → nothing at all

A service sees of all this `JobContext`, `Done` and `Wait`.
"""

import logging
import os
import socket
from collections.abc import Mapping
from contextlib import suppress

from bandmate_shared import tracing
from bandmate_shared.contracts.jobs import Manifest
from bandmate_shared.errors import Cancelled, InvalidRequest
from bandmate_shared.jobs import failpoints
from bandmate_shared.jobs.context import Done, Handler, JobContext, Wait
from bandmate_shared.jobs.model import START_PHASE, Job, Lease, StaleLease
from bandmate_shared.jobs.recover import record_of
from bandmate_shared.jobs.verdict import verdict
from bandmate_shared.jobs.workdir import WorkingFolder
from bandmate_shared.runtime import Runtime
from bandmate_shared.storage import put_manifest

__all__ = ["Done", "Handler", "JobContext", "Wait", "run_job", "worker_name"]

log = logging.getLogger(__name__)


def run_job(runtime: Runtime, job_id: str, handlers: Mapping[str, Handler]) -> bool:
    """Run one attempt at a job, if there is one to make; says whether there was.

    An error of the handler becomes the job's, never the caller's. Raises what the database raises when it is away: the
    lease then runs out, and the sweeper sees to the job.
    """
    taken = runtime.store.take(job_id, worker_name())
    if taken is None:
        log.info("nothing to do for %s", job_id)
        return False
    lease, job = taken
    about: dict[str, str | int] = {
        "job.id": job.id,
        "job.kind": job.kind,
        "job.phase": job.phase,
        "job.attempt": job.attempt,
    }
    try:
        with tracing.span(f"job {job.kind}", kind="consumer", parent=job.traceparent, attributes=about) as span:
            parked = _attempt(runtime, lease, job, handlers, span)
    except StaleLease as error:
        log.warning("%s; this attempt's work is dropped", error.detail)
        return True
    if parked or job.parent_id is not None:
        runtime.relay.kick()  # Children were born, or a parent may go on.
    return True


def worker_name() -> str:
    """`<host>:<process id>`."""
    return f"{socket.gethostname()}:{os.getpid()}"


def _attempt(
    runtime: Runtime, lease: Lease, job: Job, handlers: Mapping[str, Handler], span: tracing.Span | None
) -> bool:
    """Make the attempt; says whether the job was parked."""
    store = runtime.store
    try:
        failpoints.reach(f"{job.kind}.@claimed", job.attempt)
        children = [] if job.phase == START_PHASE else store.children(job.id, newest_batch=True)
        with WorkingFolder(runtime.settings.home / "work", job.id) as folder:
            context = JobContext(store, runtime.storage, lease, job, children, folder)
            with runtime.heart.beating(lease, context):
                try:
                    answer = _handler_of(handlers, job.kind)(context)
                finally:
                    context.close_stage()
                context.check()
                return _settle(runtime, lease, context, answer)
    except StaleLease:
        raise
    except Cancelled:
        store.cancelled(lease)
    except Exception as error:
        judged, retryable = verdict(error, lease.job_id)
        log.warning("%s: %s: %s", lease.job_id, judged.type, judged.detail, exc_info=judged.type == "internal")
        if span is not None:
            span.failed(judged.type, judged.detail)
        store.fail(lease, judged, retryable)
    except BaseException:  # The process is being stopped, which nothing that goes wrong here may prevent.
        with suppress(Exception):
            store.release(lease)
        raise
    return False


def _settle(runtime: Runtime, lease: Lease, context: JobContext, answer: Done | Wait) -> bool:
    job, artifacts = context.job, context.artifacts
    if isinstance(answer, Wait):
        runtime.store.park(lease, answer.children, answer.phase, answer.saved, artifacts)
        return True
    # The lease is looked at just before the manifest, which cannot be taken back. If an earlier attempt died between
    # its manifest and its success, that manifest stands, and its files and its result are the job's.
    runtime.store.heartbeat(lease)
    record = record_of(job, answer.result, runtime.store.clock())
    manifest = put_manifest(runtime.storage, Manifest(job_id=job.id, artifacts=artifacts, job=record))
    failpoints.reach(f"{job.kind}.@manifest", job.attempt)
    result = answer.result if manifest.job is None else manifest.job.result
    runtime.store.succeed(lease, result, manifest.artifacts)
    failpoints.reach(f"{job.kind}.@finished", job.attempt)
    return False


def _handler_of(handlers: Mapping[str, Handler], kind: str) -> Handler:
    try:
        return handlers[kind]
    except KeyError:
        raise InvalidRequest(f"this service does not run jobs of the kind {kind!r}") from None
