"""`/v1/songs`: ask for a song, follow it, fetch its files."""

from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.errors import about
from bandmate_shared.http.job_routes import job_router
from bandmate_shared.registry import resolve_model
from bandmate_shared.runtime import Runtime
from fastapi import APIRouter

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
    """The request, with the upload or the song it names in it, if a song can be made of it.

    Raises what `plan_song` and `named_prompt` raise, and UnknownModel.
    """
    from bandmate_generate.plan import plan_song
    from bandmate_generate.prompt import named_prompt

    with about("prompt"):
        request = named_prompt(request, runtime, tenant)
    with about("model"):
        resolve_model(runtime.storage, request.model, tenant)
    plan_song(request, request.seed if request.seed is not None else _ANY_SEED, runtime.settings)
    return request
