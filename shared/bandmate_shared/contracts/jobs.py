"""Jobs as the API shows them, their events, and their artifacts."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import ConfigDict, Field

from bandmate_shared.contracts.base import Contract

JobKind = Literal["song", "take", "vocal", "dataset", "training"]
"""Root kinds: song, vocal, dataset, training. Child kinds: take, vocal."""

MAX_NOTES_CHARACTERS = 10_000

ServiceName = Literal["ingest", "train", "generate", "vocal"]

NOUN_OF_KIND: dict[JobKind, str] = {
    "song": "songs",
    "take": "songs",
    "vocal": "vocals",
    "dataset": "datasets",
    "training": "trainings",
}
"""The path under /v1 at which jobs of each kind are found."""


def job_path(kind: JobKind, job_id: str) -> str:
    """`/v1/songs/song_01…`."""
    return f"/v1/{NOUN_OF_KIND[kind]}/{job_id}"


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
    """A file made by a job. `name` is unique in the job; the bytes are a blob of the store under the hash."""

    name: str = Field(pattern=r"^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(ge=0)
    media_type: str


class JobRecord(Contract):
    """What a manifest says of its job besides the files: enough to rebuild a lost database from the store."""

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

    Readers ignore unknown fields, because a manifest may be read by older code than wrote it.
    """

    model_config = ConfigDict(extra="ignore")

    job_id: str
    artifacts: list[Artifact]
    job: JobRecord | None = Field(None, description="None: written by the first release, which had no such record.")


class JobEvent(Contract):
    """One line of a job's history; `seq` counts from 1 without gaps."""

    job_id: str
    seq: int = Field(ge=1)
    type: str = Field(description="'job.queued', 'job.running', 'stage', 'progress', 'job.succeeded', 'bandmate.…'")
    time: datetime
    data: dict[str, Any] = Field(default_factory=dict)


class FeedEvent(JobEvent):
    """A job's event in a stream of many jobs: says as well of which kind the job is, and whose part.

    An event comes at least once: a reader knows it by `job_id` and `seq`.
    """

    kind: JobKind
    parent_id: str | None = None
    root_id: str = Field(description="The job that was asked for: `job_id` itself, or the one it is a part of.")


class Progress(Contract):
    """The data of a 'progress' or 'stage' event."""

    stage: str
    fraction: float | None = Field(None, ge=0, le=1, description="Of the stage; None: not known.")
    message: str = ""
    eta_seconds: float | None = None


class JobPart(Contract):
    """A part of a job, or a part of a part: how far it is."""

    id: str
    kind: JobKind
    parent_id: str
    state: JobState
    stage: str | None = None
    fraction: float | None = None


class JobDetails(Contract):
    """What a user writes on a job. A field that is left out stays as it is; null clears it."""

    title: str | None = Field(None, min_length=1, max_length=200, description="null: the one the service gave.")
    favourite: bool | None = None
    notes: str | None = Field(None, max_length=MAX_NOTES_CHARACTERS)


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
    descendants: list[JobPart] = Field(
        default_factory=list, description="The children and theirs, parents first; empty in a list of jobs."
    )
    derived_from: str | None = Field(None, description="The song that this one was made of; it may be deleted since.")
    title: str | None = Field(None, description="The user's own, else the one the service gave.")
    favourite: bool = False
    notes: str | None = Field(None, description="The user's.")
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    cancel_requested: bool = False
    request: dict[str, Any]
    result: dict[str, Any] | None = None
    error: JobError | None = None
    artifacts: list[Artifact] = Field(default_factory=list)
    links: dict[str, str] = Field(default_factory=dict)


class JobQuery(Contract):
    """Which jobs are listed."""

    state: JobState | None = None
    cursor: str | None = Field(None, max_length=512, description="`next` of the page before.")
    limit: int = Field(50, ge=1, le=200)


class SongQuery(JobQuery):
    """Which songs are listed."""

    q: str | None = Field(
        None, max_length=200, description="Every word is found in the title, the notes, the lyrics or the request."
    )
    style: str | None = Field(None, max_length=32)
    favourite: bool | None = None


class JobVersions(Contract):
    """The lineage of a song: all that share an ancestor with it, oldest first."""

    items: list[JobView]
    deleted: list[str] = Field(default_factory=list, description="Ancestors that have been deleted.")


class JobPage(Contract):
    """A page of jobs, newest first; `next` is an opaque cursor."""

    items: list[JobView]
    next: str | None = None
