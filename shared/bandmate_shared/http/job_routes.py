"""The routes that every kind of job has, written once.

    POST /v1/<noun>                        submit: 202, Location, the job
    GET  /v1/<noun>                        list, newest first
    GET  /v1/<noun>/{id}                   one job
    GET  /v1/<noun>/{id}/events            its events, live
    POST /v1/<noun>/{id}/cancel            cancel it
    GET  /v1/<noun>/{id}/artifacts/{name}  one of its files

A tenant's jobs are, to every other tenant, not there.
"""

import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from bandmate_shared.contracts.base import Contract
from bandmate_shared.contracts.jobs import JobKind, JobPage, JobState, JobView
from bandmate_shared.errors import NotFound
from bandmate_shared.http.artifacts import artifact_response
from bandmate_shared.http.direct import open_presigner
from bandmate_shared.http.idempotency import REPLAYED_HEADER, IdempotencyKey, as_submitted, refuse_unstorable
from bandmate_shared.http.identity import Tenant
from bandmate_shared.http.job_views import job_path, listed_view_of, view_of
from bandmate_shared.http.sse import event_stream
from bandmate_shared.jobs.model import Job, NewJob
from bandmate_shared.runtime import Runtime

_JOB_ID = re.compile(r"[a-z]+_[0-9a-z]{26}")

R = TypeVar("R", bound=Contract)


def job_router(
    runtime: Runtime,
    noun: str,
    kinds: Sequence[JobKind],
    request_model: type[R],
    check: Callable[[R], R] | None = None,
    check_for_tenant: Callable[[R, str], R] | None = None,
) -> APIRouter:
    """The routes of `/v1/<noun>`.

    `kinds[0]` is what a POST submits; jobs of the other kinds (a song's takes) are found under the noun as well.
    `check` raises a BandmateError for a request that is well formed and cannot be carried out (an unknown style), and
    may return the request completed. It must give the same for the same request, or a repeated Idempotency-Key would
    be refused. `check_for_tenant` is told the tenant too.
    """
    router = APIRouter(prefix=f"/v1/{noun}", tags=[noun])
    presigner = open_presigner(runtime)

    def submit(tenant: Tenant, response: Response, body: Any, idempotency_key: IdempotencyKey = None) -> JobView:
        request: R = check(body) if check is not None else body
        if check_for_tenant is not None:
            request = check_for_tenant(request, tenant)
        content = request.model_dump(mode="json")
        refuse_unstorable(content)
        submitted = runtime.store.submit(NewJob(kinds[0], content, tenant), idempotency_key=idempotency_key)
        runtime.relay.kick()
        if not submitted.created:
            response.headers[REPLAYED_HEADER] = "true"
        response.headers["Location"] = job_path(submitted.job.kind, submitted.job.id)
        return view_of(as_submitted(submitted.job))

    submit.__annotations__["body"] = request_model  # FastAPI parses, checks and documents the body by this.
    router.post("", status_code=202, summary=f"Submit: {kinds[0]}")(submit)

    def find_job(tenant: Tenant, job_id: str) -> Job:
        if _JOB_ID.fullmatch(job_id):
            job = runtime.store.get(job_id, tenant)
            if job.kind in kinds:
                return job
        raise NotFound(f"there is no job {job_id!r} among the {noun}")

    Found = Annotated[Job, Depends(find_job)]  # noqa: N806 - a type

    @router.get("", summary=f"List {noun}, newest first")
    def list_jobs(
        tenant: Tenant,
        state: JobState | None = None,
        cursor: Annotated[str | None, Query(max_length=512)] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> JobPage:
        jobs, following = runtime.store.list_jobs(tenant, kinds[0], state, cursor, limit)
        return JobPage(items=[listed_view_of(job) for job in jobs], next=following)

    @router.get("/{job_id}", summary="One job")
    def show(job: Found) -> JobView:
        return view_of(job, runtime.store.children(job.id))

    @router.get("/{job_id}/events", summary="Its events, live (server-sent events)", response_class=Response)
    def events(
        request: Request, job: Found, last_event_id: Annotated[str | None, Header(alias="Last-Event-ID")] = None
    ) -> Response:
        stopping = getattr(request.app.state, "stopping", None)
        return event_stream(
            runtime.store, job.id, last_event_id, stopping.is_set if stopping is not None else lambda: False
        )

    @router.post("/{job_id}/cancel", status_code=202, summary="Cancel; a job that has ended stays as it is")
    def cancel(tenant: Tenant, job: Found) -> JobView:
        cancelled = runtime.store.cancel(job.id, tenant)
        runtime.relay.kick()
        return view_of(cancelled, runtime.store.children(job.id))

    @router.head("/{job_id}/artifacts/{name:path}", include_in_schema=False)
    @router.get("/{job_id}/artifacts/{name:path}", summary="One of its files", response_class=Response)
    def artifact(request: Request, job: Found, name: str) -> Response:
        found = job.artifact(name)
        if found is None:
            there = ", ".join(one.name for one in job.artifacts) or "none yet"
            raise NotFound(f"{job.id} has no artifact of that name; it has: {there}")
        return artifact_response(request, runtime.storage, found, presigner)

    return router
