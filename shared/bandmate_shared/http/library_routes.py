"""The routes of a library of jobs: what users write on them, their lineage, and deleting them.

PATCH  /v1/songs/{id}            title, favourite, notes
GET    /v1/songs/{id}/versions   the songs that share an ancestor with it
DELETE /v1/<noun>/{id}           remove it with its parts; 409 while it runs
"""

from collections.abc import Callable

from fastapi import APIRouter
from pydantic_core import to_jsonable_python

from bandmate_shared.contracts.jobs import JobDetails, JobVersions, JobView
from bandmate_shared.http.authentication import Tenant
from bandmate_shared.http.idempotency import refuse_unstorable
from bandmate_shared.http.job_views import listed_view_of, view_of
from bandmate_shared.jobs.model import Job
from bandmate_shared.objects.blobs import manifest_key
from bandmate_shared.runtime import Runtime


def add_details_routes(router: APIRouter, runtime: Runtime, find_job: Callable[[str, str], Job]) -> None:
    """PATCH and the versions."""

    @router.patch("/{job_id}", summary="Set its title, mark it as a favourite, write notes on it")
    def change(tenant: Tenant, job_id: str, body: JobDetails) -> JobView:
        job = find_job(tenant, job_id)
        details = {name: getattr(body, name) for name in body.model_fields_set}
        refuse_unstorable(to_jsonable_python(details))
        if details:
            job = runtime.store.annotate(job.id, tenant, details)
        return view_of(job, runtime.store.descendants(job.id))

    @router.get("/{job_id}/versions", summary="The songs that share an ancestor with it, oldest first")
    def versions(tenant: Tenant, job_id: str) -> JobVersions:
        job = find_job(tenant, job_id)
        items, deleted = runtime.store.versions(job.id, tenant)
        return JobVersions(items=[listed_view_of(item) for item in items], deleted=deleted)


def add_delete_route(
    router: APIRouter, runtime: Runtime, find_job: Callable[[str, str], Job], before: Callable[[Job], None] | None
) -> None:
    """DELETE; `before` removes what lies outside the job database and its manifests."""

    @router.delete("/{job_id}", status_code=204, summary="Remove it with its parts; 409 while it runs")
    def delete(tenant: Tenant, job_id: str) -> None:
        job = find_job(tenant, job_id)
        whole = runtime.store.deletable(job.id, tenant)
        if before is not None:
            before(job)
        # The manifests first: from them a lost database is rebuilt, with the jobs that are in it.
        for part in whole:
            runtime.storage.delete(manifest_key(part.id))
        runtime.store.delete(job.id, tenant)
