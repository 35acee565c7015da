"""The values that the job store returns and takes. All are immutable; only the store changes a job."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ulid import ULID

from bandmate_shared.contracts.jobs import Artifact, JobError, JobKind, JobState, ServiceName
from bandmate_shared.errors import BandmateError

SERVICE_OF_KIND: dict[JobKind, ServiceName] = {
    "song": "generate",
    "take": "generate",
    "vocal": "vocal",
    "dataset": "ingest",
    "training": "train",
}
"""Which service runs a job of each kind."""

START_PHASE = "start"
"""The phase of a job that has not been parked yet."""

COMPLETION_EVENT: dict[JobKind, str] = {
    "song": "bandmate.song.completed",
    "dataset": "bandmate.dataset.ready",
    "training": "bandmate.model.trained",
}
"""The event that a root job of each kind emits when it has succeeded, besides 'job.succeeded'."""


def queue_of(kind: JobKind) -> str:
    """The Celery queue that messages for this kind of job go to."""
    return queue_name(SERVICE_OF_KIND[kind])


def queue_name(service: ServiceName) -> str:
    """`bandmate-<service>`."""
    return f"bandmate-{service}"


def new_id(prefix: str) -> str:
    """`<prefix>_<ULID in lower case>`: unique, and sorted by the millisecond of its making."""
    return f"{prefix}_{str(ULID()).lower()}"


def utc_now() -> datetime:
    """The default clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Job:
    """A job as the store knew it when asked.

    A parked job (waiting for its children) is `running` with `waiting` set and no lease. `attempt` counts from 1 in
    each phase; `fence` counts claims over the job's whole life and never goes back.
    """

    id: str
    tenant: str
    kind: JobKind
    state: JobState
    phase: str
    attempt: int
    fence: int
    request: dict[str, Any]
    result: dict[str, Any] | None
    error: JobError | None
    parent_id: str | None
    stage: str | None
    fraction: float | None
    worker: str | None
    waiting: bool
    cancel_requested: bool
    lease_until: datetime | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    saved: dict[str, Any] = field(default_factory=dict)
    artifacts: list[Artifact] = field(default_factory=list)
    traceparent: str | None = None
    derived_from: str | None = None
    own_title: str | None = None
    favourite: bool = False
    notes: str | None = None

    @property
    def title(self) -> str | None:
        """The user's own title, else the one that the service gave."""
        given = (self.result or {}).get("title")
        return self.own_title or (str(given) if given is not None else None)

    def artifact(self, name: str) -> Artifact | None:
        """The artifact of that name, if the job has one."""
        return next((artifact for artifact in self.artifacts if artifact.name == name), None)


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where the end of a job is reported. The secret of the API key `key_id` signs; None: the embedded mode's."""

    url: str
    key_id: str | None = None


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to submit. `request` is the JSON form of the kind's contract (`model_dump(mode="json")`).

    The children of a parked job get its tenant and id; leave both as they are. `traceparent` names the trace that the
    job belongs to, as W3C Trace Context writes it; children without one get their parent's. `derived_from` is the song
    that this one is to be made of. `webhook` is a root job's.
    """

    kind: JobKind
    request: dict[str, Any]
    tenant: str = "local"
    parent_id: str | None = None
    traceparent: str | None = None
    derived_from: str | None = None
    webhook: Webhook | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """What listed jobs have to be like: every word of `text` found in them, of this style, a favourite or not."""

    text: str | None = None
    style: str | None = None
    favourite: bool | None = None


@dataclass(frozen=True, slots=True)
class Submitted:
    """The answer to a submission; `created` is False where an idempotency key met its earlier job."""

    job: Job
    created: bool


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write to a job until `until`, unless a later claim (a higher fence) ends it sooner."""

    job_id: str
    fence: int
    worker: str
    until: datetime
    cancel_requested: bool = False
    parent_id: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """An outbox row: a job id to be sent to a queue, or, after `sends` sends, to be sent again."""

    id: int
    job_id: str
    queue: str
    sends: int


@dataclass(frozen=True, slots=True)
class WebhookDelivery:
    """A job's end that is to be reported to a receiver. `id` is the event's, the same at every attempt.

    `attempt` counts the attempts begun. `given_up_at` is set once there are to be no more, until a redrive.
    """

    id: str
    job_id: str
    tenant: str
    type: str
    url: str
    key_id: str | None
    payload: str
    attempt: int
    created_at: datetime
    due_at: datetime
    error: str | None
    given_up_at: datetime | None


@dataclass(frozen=True, slots=True)
class Policy:
    """Leases, attempts and quotas; see SharedSettings for what each means."""

    lease_seconds: float
    max_attempts: int
    queue_quota: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message or job that is not tried again by itself, and why.

    `queue` is the queue it came from; its dead-letter queue is called `<queue>-dlq`. `job_id` is None for a message
    that never was a job, and `payload` then holds what arrived.
    """

    id: str
    queue: str
    job_id: str | None
    payload: str
    reason: str
    created_at: datetime
    redriven_at: datetime | None


class StaleLease(BandmateError):
    """The lease ran out or a later attempt holds the job: nothing was written, and the attempt must stop."""

    type = "stale-lease"
    title = "Another attempt has taken over the job"
    status = 409


class QuotaExceeded(BandmateError):
    """The tenant has as many unfinished jobs as it may have. `retry_after` is a hint in seconds."""

    type = "quota-exceeded"
    title = "Too many unfinished jobs"
    status = 429

    def __init__(self, detail: str, retry_after: int) -> None:
        super().__init__(detail)
        self.retry_after = retry_after
