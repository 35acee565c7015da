"""What a webhook's receiver is sent when a job has ended."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from bandmate_shared.contracts.base import Contract
from bandmate_shared.contracts.jobs import Artifact, JobError, JobKind, JobState

WebhookType = Literal["job.succeeded", "job.failed", "job.cancelled"]


class EndedJob(Contract):
    """A job that has ended. Its request and result are at `links["self"]`, its files below at `artifacts/<name>`."""

    id: str
    kind: JobKind
    state: JobState
    title: str | None = None
    derived_from: str | None = None
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime
    error: JobError | None = None
    artifacts: list[Artifact] = Field(default_factory=list)
    links: dict[str, str]


class WebhookEvent(Contract):
    """The body of a webhook (https://www.standardwebhooks.com). The header `webhook-id` names the event: it is the same
    however often the event is sent."""

    type: WebhookType
    timestamp: datetime = Field(description="When the job ended; the header `webhook-timestamp` is when it was sent.")
    data: EndedJob
