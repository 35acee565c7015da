"""Runs one attempt at one job: claim, handler, outcome. The message that led here is only a hint.

    claim ── None: nothing to do, a duplicate or late message
      │
    handler, while a thread renews the lease and watches for cancellation
      │
    Done → manifest, then succeed · Wait → park · an error → fail or retry · taken over → nothing at all

A service's handler sees of all this `JobContext`, `Done` and `Wait`.
"""

import logging
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bandmate_shared.contracts.jobs import Manifest
from bandmate_shared.errors import BandmateError, Cancelled, InvalidRequest
from bandmate_shared.jobs.execution import failpoints
from bandmate_shared.jobs.execution.classify_error import classify_error
from bandmate_shared.jobs.execution.context import Done, Handler, JobContext, Wait
from bandmate_shared.jobs.execution.heartbeat import LeaseHeartbeat
from bandmate_shared.jobs.execution.workdir import WorkingFolder
from bandmate_shared.jobs.model import START_PHASE, Job, Lease, StaleLease
from bandmate_shared.jobs.recover import record_of
from bandmate_shared.jobs.relay import Publisher, Relay
from bandmate_shared.jobs.store import JobStore
from bandmate_shared.objects.base import Storage
from bandmate_shared.objects.blobs import put_manifest
from bandmate_shared.objects.open import open_storage
from bandmate_shared.observability import tracing
from bandmate_shared.settings import SharedSettings

__all__ = ["Done", "Handler", "JobContext", "JobEnvironment", "Wait", "run_job", "worker_name"]

log = logging.getLogger(__name__)

_MAX_PAUSED_SECONDS = 3600.0
"""A job that is older is not put back without spending an attempt any more."""


@dataclass
class JobEnvironment:
    """What running jobs takes. `work_folder` holds the temporary folders of the attempts."""

    store: JobStore
    storage: Storage
    relay: Relay
    heartbeat: LeaseHeartbeat
    work_folder: Path

    @staticmethod
    def open(settings: SharedSettings, publisher: Publisher) -> "JobEnvironment":
        """Open the stores that the settings name. Raises what `JobStore.open` and `open_storage` raise."""
        store = JobStore.open(settings)
        storage = open_storage(settings.resolved_storage_url)
        heartbeat = LeaseHeartbeat(store, settings.heartbeat_seconds)
        return JobEnvironment(store, storage, Relay(store, publisher), heartbeat, settings.home / "work")


def run_job(environment: JobEnvironment, job_id: str, handlers: Mapping[str, Handler]) -> bool:
    """Make one attempt at a job, if one is due; returns whether it was.

    An error of the handler becomes the job's, never the caller's. Raises what the database raises when it is
    unreachable: the lease then expires, and the sweeper requeues the job.
    """
    claimed = environment.store.take(job_id, worker_name())
    if claimed is None:
        log.info("nothing to do for %s", job_id)
        return False
    lease, job = claimed
    attributes: dict[str, str | int] = {
        "job.id": job.id,
        "job.kind": job.kind,
        "job.phase": job.phase,
        "job.attempt": job.attempt,
    }
    try:
        with tracing.span(f"job {job.kind}", kind="consumer", parent=job.traceparent, attributes=attributes) as span:
            parked = _attempt(environment, lease, job, handlers, span)
    except StaleLease as error:
        log.warning("%s; this attempt's work is dropped", error.detail)
        return True
    if parked or job.parent_id is not None:
        environment.relay.kick()  # Children were queued, or the parent may resume.
    return True


def worker_name() -> str:
    """`<host>:<process id>`."""
    return f"{socket.gethostname()}:{os.getpid()}"


def _pause(error: Exception, environment: JobEnvironment, job: Job) -> float | None:
    """Seconds after which to try again, the attempt uncounted; None for a real error, and for a job that is old."""
    waited = (environment.store.clock() - job.created_at).total_seconds()
    return error.pause_seconds if isinstance(error, BandmateError) and waited < _MAX_PAUSED_SECONDS else None


def _attempt(
    environment: JobEnvironment, lease: Lease, job: Job, handlers: Mapping[str, Handler], span: tracing.Span | None
) -> bool:
    """Make the attempt; returns whether the job was parked."""
    store = environment.store
    try:
        failpoints.reach(f"{job.kind}.@claimed", job.attempt)
        children = [] if job.phase == START_PHASE else store.children(job.id, newest_batch=True)
        with WorkingFolder(environment.work_folder, job.id) as folder:
            context = JobContext(store, environment.storage, lease, job, children, folder)
            with environment.heartbeat.keep_alive(lease, context):
                try:
                    answer = _handler_of(handlers, job.kind)(context)
                finally:
                    context.close_stage()
                context.check()
                return _settle(environment, lease, context, answer)
    except StaleLease:
        raise
    except Cancelled:
        store.cancelled(lease)
    except Exception as error:
        job_error, retryable = classify_error(error, lease.job_id)
        unforeseen = job_error.type == "internal"
        log.warning("%s: %s: %s", lease.job_id, job_error.type, job_error.detail, exc_info=unforeseen)
        if span is not None:
            span.failed(job_error.type, job_error.detail)
        if (pause := _pause(error, environment, job)) is not None:
            store.release(lease, pause)
        else:
            store.fail(lease, job_error, retryable)
    except BaseException:  # The process is being stopped, which no error here may prevent.
        with suppress(Exception):
            store.release(lease)
        raise
    return False


def _settle(environment: JobEnvironment, lease: Lease, context: JobContext, answer: Done | Wait) -> bool:
    """Write what the handler answered; returns whether the job was parked."""
    store, job, artifacts = environment.store, context.job, context.artifacts
    if isinstance(answer, Wait):
        store.park(lease, answer.children, answer.phase, answer.saved, artifacts)
        return True
    # The lease is checked just before the manifest, which cannot be taken back. If an earlier attempt died between
    # its manifest and its success, that manifest stands, and its files and its result are the job's.
    store.heartbeat(lease)
    record = record_of(job, answer.result, store.clock())
    manifest = put_manifest(environment.storage, Manifest(job_id=job.id, artifacts=artifacts, job=record))
    failpoints.reach(f"{job.kind}.@manifest", job.attempt)
    result = answer.result if manifest.job is None else manifest.job.result
    store.succeed(lease, result, manifest.artifacts)
    failpoints.reach(f"{job.kind}.@finished", job.attempt)
    return False


def _handler_of(handlers: Mapping[str, Handler], kind: str) -> Handler:
    try:
        return handlers[kind]
    except KeyError:
        raise InvalidRequest(f"this service does not run jobs of the kind {kind!r}") from None
