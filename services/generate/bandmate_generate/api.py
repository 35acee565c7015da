"""`/v1/songs`: ask for a song, follow it, fetch its files."""

from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.http.app import create_app
from bandmate_shared.http.job_routes import job_router
from bandmate_shared.registry import resolve_model
from bandmate_shared.runtime import Runtime, open_runtime
from fastapi import APIRouter, FastAPI

from bandmate_generate.settings import generate_settings

_ANY_SEED = 0


def routers(runtime: Runtime) -> list[APIRouter]:
    """The service's routes, for its own app or for one that holds all services."""
    return [
        job_router(
            runtime,
            "songs",
            ("song", "take"),
            SongRequest,
            check_for_tenant=lambda request, tenant: check(runtime, request, tenant),
        )
    ]


def check(runtime: Runtime, request: SongRequest, tenant: str = "local") -> SongRequest:
    """The request, if a song can be made of it. Raises what `plan_song` raises, and UnknownModel."""
    from bandmate_generate.plan import plan_song

    resolve_model(runtime.storage, request.model, tenant)
    plan_song(request, request.seed if request.seed is not None else _ANY_SEED, runtime.settings)
    return request


def create_service_app() -> FastAPI:
    """The service alone: `uvicorn --factory bandmate_generate.api:create_service_app`."""
    runtime = open_runtime(generate_settings())
    return create_app(runtime, "Bandmate generate", routers(runtime))
