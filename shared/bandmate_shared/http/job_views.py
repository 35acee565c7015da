"""How a job is shown: the JobView of the contract, with links to everything that can be done with it."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from bandmate_shared.contracts.jobs import JobView
from bandmate_shared.jobs.model import Job

NOUN_OF_KIND = {
    "song": "songs",
    "take": "songs",
    "extension": "songs",
    "vocal": "vocals",
    "dataset": "datasets",
    "training": "trainings",
}
"""The path under /v1 at which jobs of each kind are found."""

MAX_LISTED_STRING = 200
"""Longer strings of a request (lyrics, a prompt file) are shortened where many jobs are listed."""


def job_path(kind: str, job_id: str) -> str:
    """`/v1/songs/song_01…`."""
    return f"/v1/{NOUN_OF_KIND[kind]}/{job_id}"


def view_of(job: Job, children: Sequence[Job] = ()) -> JobView:
    """A job in full. A link called `artifacts/<name>` leads to each file."""
    path = job_path(job.kind, job.id)
    links = {"self": path, "events": f"{path}/events"}
    if not job.state.is_final:
        links["cancel"] = f"{path}/cancel"
    if job.parent_id is not None:
        links["parent"] = job_path(job.parent_id.rsplit("_", 1)[0], job.parent_id)
    for child in children:
        links[child.id] = job_path(child.kind, child.id)
    for artifact in job.artifacts:
        links[f"artifacts/{artifact.name}"] = f"{path}/artifacts/{quote(artifact.name)}"
    return JobView(
        id=job.id, kind=job.kind, state=job.state, stage=job.stage, fraction=job.fraction, attempt=job.attempt,
        parent_id=job.parent_id, children=[child.id for child in children], created_at=job.created_at,
        started_at=job.started_at, finished_at=job.finished_at, cancel_requested=job.cancel_requested,
        request=job.request, result=job.result, error=job.error, artifacts=job.artifacts, links=links,
    )  # fmt: skip


def listed_view_of(job: Job) -> JobView:
    """A job in a list: without its children, and long strings of the request shortened."""
    return view_of(job).model_copy(update={"request": _shortened(job.request)})


def _shortened(value: Any) -> Any:
    if isinstance(value, str) and len(value) > MAX_LISTED_STRING:
        return f"{value[:MAX_LISTED_STRING]}… ({len(value)} characters)"
    if isinstance(value, dict):
        return {key: _shortened(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_shortened(item) for item in value]
    return value
