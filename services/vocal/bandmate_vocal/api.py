"""`/v1/vocals`: have a melody with its words sung."""

from bandmate_shared.contracts.vocals import VocalRequest
from bandmate_shared.errors import InvalidRequest
from bandmate_shared.http.job_routes import job_router
from bandmate_shared.runtime import Runtime
from bandmate_shared.storage import blob_key
from fastapi import APIRouter

from bandmate_vocal.check import check


def routers(runtime: Runtime) -> list[APIRouter]:
    """The service's routes, for its own app or for one that holds all services."""

    def acceptable(request: VocalRequest) -> VocalRequest:
        check(request)
        if request.instrumental is not None and not runtime.storage.exists(blob_key(request.instrumental)):
            raise InvalidRequest(
                f"the instrumental {request.instrumental} is not in the store; put the WAV there first"
            )
        return request

    return [job_router(runtime, "vocals", ("vocal",), VocalRequest, acceptable)]
