"""The ingest service's HTTP side: `/v1/datasets` and `/v1/uploads`."""

from collections.abc import Callable

from bandmate_shared.contracts.datasets import DatasetRequest
from bandmate_shared.http.job_routes import job_router
from bandmate_shared.http.uploads import upload_router
from bandmate_shared.runtime import Runtime
from bandmate_shared.storage import Storage
from fastapi import APIRouter

from bandmate_ingest.access import Access
from bandmate_ingest.settings import IngestSettings, ingest_settings
from bandmate_ingest.sources import check_source


def routers(runtime: Runtime) -> list[APIRouter]:
    """The routes of dataset jobs, and of uploads, which songs may name as well."""
    check = dataset_check(ingest_settings(), runtime.storage)
    datasets = job_router(runtime, "datasets", ["dataset"], DatasetRequest, check_for_tenant=check)
    return [datasets, upload_router(runtime)]


def dataset_check(settings: IngestSettings, storage: Storage) -> Callable[[DatasetRequest, str], DatasetRequest]:
    """What is refused at once: sources that do not exist, or that a stranger may not have read."""

    def check(request: DatasetRequest, tenant: str) -> DatasetRequest:
        access = Access(settings, tenant, storage)
        for source in request.sources:
            check_source(source, access)
        return request

    return check
