"""Jobs as the API shows them, their events, and their artifacts."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import ConfigDict, Field

from bandmate_shared.contracts.base import Contract

JobKind = Literal["song", "take", "extension", "vocal", "dataset", "training"]
"""Root kinds: song, vocal, dataset, training. Child kinds: take, extension, vocal."""

ServiceName = Literal["ingest", "train", "generate", "vocal"]


class JobState(StrEnum):
    """queued → running → succeeded | failed | cancelled; the last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self in (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)


class JobError(Contract):
    """Why a job failed, for a program (`type`) and for a person (`title`, `detail`)."""

    type: str = Field(description="Machine-readable, kebab-case, e.g. 'unknown-model', 'attempts-exhausted'.")
    title: str
    detail: str


class Artifact(Contract):
    """A file a job made. `name` is unique in the job; the bytes lie in the store under the hash."""

    name: str = Field(pattern=r"^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(ge=0)
    media_type: str


class JobRecord(Contract):
    """What a manifest tells of its job besides the files: enough to rebuild a lost database from the store."""

    model_config = ConfigDict(extra="ignore")

    kind: JobKind
    tenant: str
    parent_id: str | None = None
    request: dict[str, Any]
    result: dict[str, Any]
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime
    traceparent: str | None = None


class Manifest(Contract):
    """`jobs/<id>/manifest.json`: written once, after every artifact it names, just before the job succeeds.

    Readers take fields that they do not know, for a manifest may be read by older code than wrote it.
    """

    model_config = ConfigDict(extra="ignore")

    job_id: str
    artifacts: list[Artifact]
    job: JobRecord | None = Field(None, description="None: written by the first release, which did not tell.")


class JobEvent(Contract):
    """One line of a job's history; `seq` counts from 1 without gaps."""

    job_id: str
    seq: int = Field(ge=1)
    type: str = Field(description="'job.queued', 'job.running', 'stage', 'progress', 'job.succeeded', 'bandmate.…'")
    time: datetime
    data: dict[str, Any] = Field(default_factory=dict)


class Progress(Contract):
    """The data of a 'progress' or 'stage' event."""

    stage: str
    fraction: float | None = Field(None, ge=0, le=1, description="Of the stage; None: not known.")
    message: str = ""
    eta_seconds: float | None = None


class JobView(Contract):
    """A job as `GET /v1/<noun>/<id>` shows it."""

    id: str
    kind: JobKind
    state: JobState
    stage: str | None = None
    fraction: float | None = None
    attempt: int = 0
    parent_id: str | None = None
    children: list[str] = Field(default_factory=list)
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    cancel_requested: bool = False
    request: dict[str, Any]
    result: dict[str, Any] | None = None
    error: JobError | None = None
    artifacts: list[Artifact] = Field(default_factory=list)
    links: dict[str, str] = Field(default_factory=dict)


class JobPage(Contract):
    """A page of jobs, newest first; `next` is an opaque cursor."""

    items: list[JobView]
    next: str | None = None
