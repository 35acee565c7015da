"""The routes that every kind of job has.

    POST /v1/<noun>                        submit: 202, Location, the job
    GET  /v1/<noun>                        list, newest first
    GET  /v1/<noun>/{id}                   one job
    GET  /v1/<noun>/{id}/events            its events, live
    POST /v1/<noun>/{id}/cancel            cancel it
    GET  /v1/<noun>/{id}/artifacts/{name}  one of its files

Those of a library, where a service asks for them, are in library_routes.py.

Another tenant's job is answered with 404, like one that does not exist.
"""

import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from bandmate_shared.contracts.base import Contract
from bandmate_shared.contracts.jobs import JobKind, JobPage, JobQuery, JobView, SongQuery, job_path
from bandmate_shared.errors import NotFound
from bandmate_shared.http.artifacts import artifact_response
from bandmate_shared.http.authentication import Tenant
from bandmate_shared.http.idempotency import REPLAYED_HEADER, IdempotencyKey, refuse_unstorable
from bandmate_shared.http.job_views import listed_view_of, submitted_view_of, view_of
from bandmate_shared.http.library_routes import add_delete_route, add_details_routes
from bandmate_shared.http.streams.event_feed import family_stream
from bandmate_shared.http.streams.sse import event_stream, stopping_of
from bandmate_shared.http.webhook_header import RequestedWebhook, WebhookUrl
from bandmate_shared.jobs.model import Job, NewJob, Search
from bandmate_shared.objects.open import open_presigner
from bandmate_shared.runtime import Runtime

_JOB_ID = re.compile(r"[a-z]+_[0-9a-z]{26}")

R = TypeVar("R", bound=Contract)


def job_router(
    runtime: Runtime,
    noun: str,
    kinds: Sequence[JobKind],
    request_model: type[R],
    check: Callable[[R, str], R] | None = None,
    *,
    query_model: type[JobQuery] = JobQuery,
    with_details: bool = False,
    before_delete: Callable[[Job], None] | None = None,
) -> APIRouter:
    """The routes of `/v1/<noun>`.

    `kinds[0]` is what a POST submits; jobs of the other kinds (a song's takes) are found under the noun as well.
    `check(request, tenant)` raises a BandmateError for a well-formed request that cannot be carried out (an unknown
    style), and may return the request completed. It must be deterministic, or a repeated Idempotency-Key would be
    refused.

    With `with_details` users may write a title and notes on a job, and it has versions. Those jobs, and
    the ones with a `before_delete`, may be deleted once they have ended; `before_delete` removes what they have left
    outside the job database.
    """
    router = APIRouter(prefix=f"/v1/{noun}", tags=[noun])
    presigner = open_presigner(runtime.storage, runtime.settings.storage_public_endpoint)

    def submit(
        tenant: Tenant,
        response: Response,
        webhook: RequestedWebhook,
        body: Any,
        idempotency_key: IdempotencyKey = None,
        webhook_url: WebhookUrl = None,
    ) -> JobView:
        request: R = body if check is None else check(body, tenant)
        content = request.model_dump(mode="json")
        refuse_unstorable(content)
        new = NewJob(kinds[0], content, tenant, webhook=webhook)
        asked = None if webhook_url is None else {"request": content, "webhook": webhook_url}
        submitted = runtime.store.submit(new, idempotency_key=idempotency_key, asked=asked)
        runtime.relay.kick()
        if not submitted.created:
            response.headers[REPLAYED_HEADER] = "true"
        response.headers["Location"] = job_path(submitted.job.kind, submitted.job.id)
        return submitted_view_of(submitted.job)

    submit.__annotations__["body"] = request_model  # FastAPI parses, checks and documents the body by this.
    router.post("", status_code=202, summary=f"Submit: {kinds[0]}")(submit)

    def find_job(tenant: Tenant, job_id: str) -> Job:
        if _JOB_ID.fullmatch(job_id):
            job = runtime.store.get(job_id, tenant)
            if job.kind in kinds:
                return job
        raise NotFound(f"there is no job {job_id!r} among the {noun}")

    FoundJob = Annotated[Job, Depends(find_job)]  # noqa: N806 - a type

    def list_jobs(tenant: Tenant, query: Any) -> JobPage:
        search = Search(query.q, query.style, query.favourite) if isinstance(query, SongQuery) else None
        jobs, next_cursor = runtime.store.list_jobs(tenant, kinds[0], query.state, query.cursor, query.limit, search)
        return JobPage(items=[listed_view_of(job) for job in jobs], next=next_cursor)

    list_jobs.__annotations__["query"] = Annotated[query_model, Query()]
    router.get("", summary=f"List {noun}, newest first")(list_jobs)

    @router.get("/{job_id}", summary="One job")
    def show(job: FoundJob) -> JobView:
        return view_of(job, runtime.store.descendants(job.id))

    @router.get("/{job_id}/events", summary="Its events, live (server-sent events)", response_class=Response)
    def events(
        request: Request,
        job: FoundJob,
        last_event_id: Annotated[str | None, Header(alias="Last-Event-ID")] = None,
        descendants: Annotated[bool, Query(description="Those of its parts (takes, vocals) as well.")] = False,
    ) -> Response:
        if descendants:
            return family_stream(runtime.store, job.tenant, job.id, last_event_id, stopping_of(request))
        return event_stream(runtime.store, job.id, last_event_id, stopping_of(request))

    @router.post("/{job_id}/cancel", status_code=202, summary="Cancel; a job that has ended stays as it is")
    def cancel(tenant: Tenant, job: FoundJob) -> JobView:
        cancelled = runtime.store.cancel(job.id, tenant)
        runtime.relay.kick()
        return view_of(cancelled, runtime.store.descendants(job.id))

    @router.head("/{job_id}/artifacts/{name:path}", include_in_schema=False)
    @router.get("/{job_id}/artifacts/{name:path}", summary="One of its files", response_class=Response)
    def artifact(request: Request, job: FoundJob, name: str) -> Response:
        named = job.artifact(name)
        if named is None:
            existing = ", ".join(artifact.name for artifact in job.artifacts) or "none yet"
            raise NotFound(f"{job.id} has no artifact of that name; it has: {existing}")
        return artifact_response(request, runtime.storage, named, presigner)

    if with_details:
        add_details_routes(router, runtime, find_job)
    if with_details or before_delete is not None:
        add_delete_route(router, runtime, find_job, before_delete)
    return router
