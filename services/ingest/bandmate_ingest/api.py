"""The ingest service's HTTP side: `/v1/datasets` and `/v1/uploads`."""

from collections.abc import Callable
from functools import partial

from bandmate_shared.contracts.datasets import DatasetRequest
from bandmate_shared.contracts.jobs import JobState
from bandmate_shared.http.job_routes import job_router
from bandmate_shared.http.uploads import upload_router
from bandmate_shared.jobs.model import Job
from bandmate_shared.objects.base import Storage, tenant_space
from bandmate_shared.registry.dataset_versions import forget_version
from bandmate_shared.runtime import Runtime
from fastapi import APIRouter

from bandmate_ingest.settings import IngestSettings, ingest_settings
from bandmate_ingest.sources.access import Access
from bandmate_ingest.sources.collect import check_source


def routers(runtime: Runtime) -> list[APIRouter]:
    """The routes of dataset jobs, and of uploads, which songs may name as well."""
    check = dataset_check(ingest_settings(), runtime.storage)
    datasets = job_router(
        runtime, "datasets", ["dataset"], DatasetRequest, check=check, before_delete=partial(_remove_version, runtime)
    )
    return [datasets, upload_router(runtime)]


def _remove_version(runtime: Runtime, job: Job) -> None:
    """Remove the version that a job made, unless another job that is kept made the same."""
    version = _version_of(job)
    cursor: str | None = None
    while version is not None:
        page, cursor = runtime.store.list_jobs(job.tenant, "dataset", JobState.SUCCEEDED, cursor, 200)
        if any(_version_of(other) == version and other.id != job.id for other in page):
            return
        if cursor is None:
            forget_version(runtime.storage, *version, tenant_space(job.tenant))
            return


def _version_of(job: Job) -> tuple[str, str] | None:
    """Name and version of the dataset that a job made; None where it made none."""
    result = job.result or {}
    return (str(result["name"]), str(result["version"])) if {"name", "version"} <= result.keys() else None


def dataset_check(settings: IngestSettings, storage: Storage) -> Callable[[DatasetRequest, str], DatasetRequest]:
    """Refuse sources that do not exist or that the tenant may not read, before a job is made."""

    def check(request: DatasetRequest, tenant: str) -> DatasetRequest:
        access = Access(settings, tenant, storage)
        for source in request.sources:
            check_source(source, access)
        return request

    return check
