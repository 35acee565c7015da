"""Builds the API's JobView of a job, with links to its events, artifacts, parent and children."""

from collections.abc import Sequence
from typing import Any, cast
from urllib.parse import quote

from bandmate_shared.contracts.jobs import JobKind, JobPart, JobState, JobView, job_path
from bandmate_shared.jobs.model import Job

MAX_LISTED_STRING = 200
"""Longer strings of a request (lyrics, a prompt file) are shortened in lists of jobs."""

_SUBMITTED_FIELDS = ("id", "kind", "parent_id", "derived_from", "created_at", "request")

_COMMON_FIELDS = JobView.model_fields.keys() - {"children", "descendants", "links"}
"""What JobView has under the same name as Job."""


def view_of(job: Job, descendants: Sequence[Job] = ()) -> JobView:
    """A job in full. A link called `artifacts/<name>` leads to each file."""
    path, links = job_path(job.kind, job.id), _links(job, job.state)
    children = [part for part in descendants if part.parent_id == job.id]
    for child in children:
        links[child.id] = job_path(child.kind, child.id)
    for artifact in job.artifacts:
        links[f"artifacts/{artifact.name}"] = f"{path}/artifacts/{quote(artifact.name)}"
    fields: dict[str, Any] = {name: getattr(job, name) for name in _COMMON_FIELDS}
    parts = [
        JobPart.model_validate({name: getattr(part, name) for name in JobPart.model_fields}) for part in descendants
    ]
    return JobView(**fields, children=[child.id for child in children], descendants=parts, links=links)


def submitted_view_of(job: Job) -> JobView:
    """A job as it was when it was accepted, whatever its present state."""
    state = JobState.QUEUED
    fields: dict[str, Any] = {name: getattr(job, name) for name in _SUBMITTED_FIELDS}
    return JobView(**fields, state=state, links=_links(job, state))


def listed_view_of(job: Job) -> JobView:
    """A job in a list: without its children, and long strings of the request shortened."""
    return view_of(job).model_copy(update={"request": _shortened(job.request)})


def _links(job: Job, state: JobState) -> dict[str, str]:
    path = job_path(job.kind, job.id)
    links = {"self": path, "events": f"{path}/events"}
    if not state.is_final:
        links["cancel"] = f"{path}/cancel"
    if job.parent_id is not None:
        links["parent"] = job_path(cast(JobKind, job.parent_id.rsplit("_", 1)[0]), job.parent_id)
    return links


def _shortened(value: Any) -> Any:
    if isinstance(value, str) and len(value) > MAX_LISTED_STRING:
        return f"{value[:MAX_LISTED_STRING]}… ({len(value)} characters)"
    if isinstance(value, dict):
        return {key: _shortened(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_shortened(item) for item in value]
    return value
