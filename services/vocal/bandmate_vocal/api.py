"""`/v1/vocals`: sing a melody with its words. `/v1/voices`: who there is to sing."""

from typing import Annotated

from bandmate_shared.contracts.vocals import VocalRequest
from bandmate_shared.contracts.voices import VoiceList
from bandmate_shared.errors import InvalidRequest
from bandmate_shared.http.authentication import Tenant
from bandmate_shared.http.job_routes import job_router
from bandmate_shared.runtime import Runtime
from bandmate_shared.singing.from_score import with_notes
from fastapi import APIRouter, Query

from bandmate_vocal.check import check
from bandmate_vocal.settings import vocal_settings
from bandmate_vocal.voices import list_voices


def routers(runtime: Runtime) -> list[APIRouter]:
    """The service's routes, for its own app or for one that holds all services."""

    def check_for_tenant(request: VocalRequest, tenant: str) -> VocalRequest:
        request = check(with_notes(request, runtime.settings.file_limits))
        if request.instrumental is not None and not runtime.store.has_artifact(tenant, request.instrumental):
            # The same answer whether or not another tenant has such a file: its existence is not to be learnt.
            raise InvalidRequest(f"no job of yours has an artifact with the SHA-256 {request.instrumental}")
        return request

    voices = APIRouter(prefix="/v1/voices", tags=["voices"])

    @voices.get("")
    def all_voices(
        _: Tenant, language: Annotated[str | None, Query(max_length=32, description="Only those that sing it.")] = None
    ) -> VoiceList:
        """The voices by name, and which of them are installed where this is answered."""
        return VoiceList(items=list_voices(vocal_settings(), language))

    return [voices, job_router(runtime, "vocals", ("vocal",), VocalRequest, check_for_tenant)]
