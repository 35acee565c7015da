"""The handler's interface to its job: stages, progress, artifacts, cancellation."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bandmate_shared.contracts.jobs import Artifact
from bandmate_shared.errors import Cancelled
from bandmate_shared.jobs.execution import failpoints
from bandmate_shared.jobs.execution.workdir import WorkingFolder
from bandmate_shared.jobs.model import Job, Lease, NewJob, StaleLease
from bandmate_shared.jobs.store import JobStore
from bandmate_shared.objects.base import Storage
from bandmate_shared.objects.blobs import put_artifact
from bandmate_shared.observability import tracing

PROGRESS_INTERVAL_SECONDS = 0.2
"""Progress that comes sooner than this after the last is not written."""


@dataclass(frozen=True)
class Done:
    """The handler has finished; `result` is the JSON that the job answers."""

    result: dict[str, Any]


@dataclass(frozen=True)
class Wait:
    """Park the job until every child has ended; then the handler is called again with `job.phase == phase`.

    `saved` is JSON that the next phase finds in `job.saved`. Artifacts added so far are kept.
    """

    children: list[NewJob]
    phase: str
    saved: dict[str, Any] = field(default_factory=dict)


class JobContext:
    """One attempt at one phase of a job.

    `workdir` is an empty temporary folder, removed afterwards. `children` are the ended children when the job was
    parked before. `timings` maps stage → seconds. Every method may raise errors.Cancelled (the job was cancelled) or
    StaleLease (another attempt has taken over); a handler lets both pass.
    """

    def __init__(
        self, store: JobStore, storage: Storage, lease: Lease, job: Job, children: list[Job], folder: WorkingFolder
    ) -> None:
        self.job = job
        self.storage = storage
        self._folder = folder
        self.children = children
        self.artifacts: list[Artifact] = list(job.artifacts)
        self.timings: dict[str, float] = {}
        self._store = store
        self._lease = lease
        self._stage: str | None = None
        self._stage_span: AbstractContextManager[tracing.Span | None] = nullcontext()
        self._stage_since = 0.0
        self._next_progress = 0.0
        self._stopped: BaseException | None = None

    @property
    def workdir(self) -> Path:
        return self._folder.path

    def stage(self, name: str, message: str = "") -> None:
        """Enter a stage: closes the timing of the one before, writes a 'stage' event, and checks for cancellation."""
        self.check()
        failpoints.reach(f"{self.job.kind}.{name}", self.job.attempt)
        self.close_stage()
        self._stage, self._stage_since = name, time.perf_counter()
        self._stage_span = tracing.span(name)
        self._stage_span.__enter__()
        self._next_progress = 0.0
        self._check_cancelled(self._store.set_progress(self._lease, name, None, message, type="stage"))

    def progress(self, fraction: float, message: str = "", eta_seconds: float | None = None) -> None:
        """Report the fraction of the stage, 0 to 1. Call it as often as you like: about five a second are written."""
        self.check()
        now = time.monotonic()
        if now < self._next_progress:
            return
        self._next_progress = now + PROGRESS_INTERVAL_SECONDS
        fraction = min(max(fraction, 0.0), 1.0)
        stage = self._stage or self.job.phase
        self._check_cancelled(self._store.set_progress(self._lease, stage, fraction, message, eta_seconds))

    def event(self, type: str, data: dict[str, Any]) -> None:  # noqa: A002 - the field's name in CloudEvents
        """Add an event of the service's own to the job's history."""
        self.check()
        self._check_cancelled(self._store.append_event(self._lease, type, data))

    def add(self, name: str, data: bytes | Path, media_type: str) -> Artifact:
        """Store a file of the job, and list it in the manifest. The same name again replaces the earlier file.

        Raises StorageFull.
        """
        self.check()
        artifact = put_artifact(self.storage, name, data, media_type)
        self.adopt(artifact)
        return artifact

    def adopt(self, artifact: Artifact) -> None:
        """List a file that is in the store already, such as a child's, as this job's own."""
        self.artifacts = [other for other in self.artifacts if other.name != artifact.name] + [artifact]

    def reserve_call(self, service: str, per_second: float, burst: int, max_wait: float) -> float | None:
        """Seconds to wait before a call to a service whose rate all workers share; None: more than `max_wait`."""
        return self._store.reserve_call(service, per_second, burst, max_wait)

    def check(self) -> None:
        """Raise if the job was cancelled or taken over. Costs nothing: long loops call it often."""
        if self._stopped is not None:
            raise self._stopped

    def stop(self, reason: BaseException) -> None:
        """Called by another thread, such as the heartbeat's: the next call of any method raises `reason`."""
        self._stopped = reason

    def close_stage(self) -> None:
        """End the timing of the stage under way."""
        if self._stage is not None:
            spent = time.perf_counter() - self._stage_since
            self.timings[self._stage] = self.timings.get(self._stage, 0.0) + spent
            self._stage = None
            self._stage_span.__exit__(None, None, None)

    def _check_cancelled(self, lease: Lease) -> None:
        if lease.cancel_requested:
            self.stop(cancelled(self.job.id))
            self.check()


Handler = Callable[[JobContext], Done | Wait]
"""A service's function for one kind of job."""


def cancelled(job_id: str) -> Cancelled:
    return Cancelled(f"{job_id} was cancelled")


def taken_over(job_id: str) -> StaleLease:
    return StaleLease(f"{job_id} is leased by another attempt")
