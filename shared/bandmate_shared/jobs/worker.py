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
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from bandmate_shared.contracts.jobs import Manifest
from bandmate_shared.errors import Cancelled, InvalidRequest
from bandmate_shared.jobs import failpoints
from bandmate_shared.jobs.context import Done, Handler, JobContext, Wait, cancelled, taken_over
from bandmate_shared.jobs.model import START_PHASE, Lease, StaleLease
from bandmate_shared.jobs.store import JobStore
from bandmate_shared.jobs.verdict import verdict
from bandmate_shared.jobs.workdir import working_folder
from bandmate_shared.runtime import Runtime
from bandmate_shared.storage import put_manifest

__all__ = ["Done", "Handler", "JobContext", "Wait", "run_job", "worker_name"]

log = logging.getLogger(__name__)


def run_job(runtime: Runtime, job_id: str, handlers: Mapping[str, Handler]) -> bool:
    """Run one attempt at a job, if there is one to make; says whether there was.

    An error of the handler becomes the job's, never the caller's. Raises what the database raises when it is away: the
    lease then runs out, and the sweeper sees to the job.
    """
    lease = runtime.store.claim(job_id, worker_name())
    if lease is None:
        log.info("nothing to do for %s", job_id)
        return False
    try:
        _attempt(runtime, lease, handlers)
    except StaleLease as error:
        log.warning("%s; this attempt's work is dropped", error.detail)
    runtime.relay.kick()
    return True


def worker_name() -> str:
    """`<host>:<process id>`."""
    return f"{socket.gethostname()}:{os.getpid()}"


def _attempt(runtime: Runtime, lease: Lease, handlers: Mapping[str, Handler]) -> None:
    store = runtime.store
    try:
        job = store.get(lease.job_id)
        failpoints.reach(f"{job.kind}.@claimed", job.attempt)
        children = [] if job.phase == START_PHASE else store.children(job.id, newest_batch=True)
        with working_folder(runtime.settings.home / "work", job.id) as folder:
            context = JobContext(store, runtime.storage, lease, job, children, folder)
            with _heartbeat(store, lease, context, runtime.settings.heartbeat_seconds):
                answer = _handler_of(handlers, job.kind)(context)
                context.close_stage()
                context.check()
                _settle(runtime, lease, context, answer)
    except StaleLease:
        raise
    except Cancelled:
        store.cancelled(lease)
    except Exception as error:
        judged, retryable = verdict(error, lease.job_id)
        log.warning("%s: %s: %s", lease.job_id, judged.type, judged.detail, exc_info=judged.type == "internal")
        store.fail(lease, judged, retryable)
    except BaseException:  # The process is being stopped.
        store.release(lease)
        raise


def _settle(runtime: Runtime, lease: Lease, context: JobContext, answer: Done | Wait) -> None:
    job = context.job
    if isinstance(answer, Wait):
        runtime.store.park(lease, answer.children, answer.phase, answer.saved, context.artifacts)
        return
    # The lease is looked at just before the manifest, which cannot be taken back. If an earlier attempt died between
    # its manifest and its success, that manifest stands, and its files are the job's.
    runtime.store.heartbeat(lease)
    manifest = put_manifest(runtime.storage, Manifest(job_id=job.id, artifacts=context.artifacts))
    failpoints.reach(f"{job.kind}.@manifest", job.attempt)
    runtime.store.succeed(lease, answer.result, manifest.artifacts)
    failpoints.reach(f"{job.kind}.@finished", job.attempt)


def _handler_of(handlers: Mapping[str, Handler], kind: str) -> Handler:
    try:
        return handlers[kind]
    except KeyError:
        raise InvalidRequest(f"this service does not run jobs of the kind {kind!r}") from None


@contextmanager
def _heartbeat(store: JobStore, lease: Lease, context: JobContext, seconds: float) -> Iterator[None]:
    """Renew the lease every `seconds` until the block ends; stop the context when the job is no longer ours to do."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(seconds):
            try:
                if store.heartbeat(lease).cancel_requested:
                    context.stop(cancelled(lease.job_id))
            except StaleLease:
                context.stop(taken_over(lease.job_id))
                return
            except Exception as error:
                log.warning("the heartbeat of %s failed, the next is in %s s: %s", lease.job_id, seconds, error)

    thread = threading.Thread(target=beat, name=f"heartbeat {lease.job_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
