"""The ingest service's HTTP side: `/v1/datasets`."""

from collections.abc import Callable
from pathlib import Path

from bandmate_shared.contracts.datasets import DatasetRequest
from bandmate_shared.errors import InvalidRequest
from bandmate_shared.http.app import create_app
from bandmate_shared.http.job_routes import job_router
from bandmate_shared.runtime import Runtime, open_runtime
from fastapi import APIRouter, FastAPI

from bandmate_ingest.settings import IngestSettings, ingest_settings
from bandmate_ingest.sources import check_source


def routers(runtime: Runtime) -> list[APIRouter]:
    """The routes of dataset jobs."""
    return [job_router(runtime, "datasets", ["dataset"], DatasetRequest, dataset_check(ingest_settings()))]


def create_service_app() -> FastAPI:
    """The service by itself, for a container: `uvicorn --factory bandmate_ingest.api:create_service_app`."""
    runtime = open_runtime(ingest_settings())
    return create_app(runtime, "Bandmate ingest", routers(runtime))


def dataset_check(settings: IngestSettings) -> Callable[[DatasetRequest], DatasetRequest]:
    """What is refused at once: sources that do not exist, or that a stranger may not have read."""

    def check(request: DatasetRequest) -> DatasetRequest:
        for source in request.sources:
            if "://" not in source and not source.startswith("music21:"):
                _require_readable(Path(source), settings)
            check_source(source)
        return request

    return check


def _require_readable(path: Path, settings: IngestSettings) -> None:
    if not path.is_absolute():
        raise InvalidRequest(f"{path} is relative to a folder the service does not know; give the whole path")
    if settings.mode == "embedded":
        return
    folder = settings.ingest_folder
    if folder is None or not path.resolve().is_relative_to(folder.resolve()):
        raise InvalidRequest(f"{path} is not below the folder this service reads from (BANDMATE_INGEST_FOLDER)")
