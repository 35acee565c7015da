"""HTTP routes: `/v1/songs` (request a song, follow its job, download its files), what may be asked for, and events."""

from functools import partial

from bandmate_shared.contracts.catalogue import InstrumentList, LimitsView, StyleList
from bandmate_shared.contracts.jobs import SongQuery
from bandmate_shared.contracts.songs import Interpretation, SentenceRequest, SongRequest
from bandmate_shared.http.authentication import Tenant
from bandmate_shared.http.job_routes import job_router
from bandmate_shared.http.streams.event_feed import events_router
from bandmate_shared.runtime import Runtime
from fastapi import APIRouter

from bandmate_generate import catalogue
from bandmate_generate.interpret.interpret import interpret
from bandmate_generate.lyrics_writing.open import can_write_words
from bandmate_generate.settings import settings_of
from bandmate_generate.song_files import song_files_router


def routers(runtime: Runtime) -> list[APIRouter]:
    """The service's routes, for its own app or for one that holds all services."""
    songs = job_router(
        runtime,
        "songs",
        ("song", "take"),
        SongRequest,
        partial(check, runtime),
        query_model=SongQuery,
        with_details=True,
    )
    return [
        songs,
        song_files_router(runtime),
        catalogue_router(runtime),
        events_router(runtime),
        interpret_router(runtime),
    ]


def catalogue_router(runtime: Runtime) -> APIRouter:
    """What a song may be asked for."""
    router = APIRouter(prefix="/v1", tags=["catalogue"])

    @router.get("/styles", summary="The styles, those of your own models among them")
    def styles(tenant: Tenant) -> StyleList:
        return catalogue.styles(runtime.storage, tenant)

    @router.get("/instruments", summary="The instruments: General MIDI's and the drums")
    def instruments(_tenant: Tenant) -> InstrumentList:
        return catalogue.instruments()

    @router.get("/limits", summary="The limits on a request")
    def limits(_tenant: Tenant) -> LimitsView:
        return catalogue.limits(runtime.settings)

    return router


def interpret_router(runtime: Runtime) -> APIRouter:
    """Sentences as song requests."""
    router = APIRouter(prefix="/v1", tags=["songs"])

    @router.post("/songs:interpret", summary="What a sentence asks for, as a song request; nothing is submitted")
    def interpret_sentence(_tenant: Tenant, body: SentenceRequest) -> Interpretation:
        return interpret(body.text, can_write_words=can_write_words(settings_of(runtime.settings)))

    return router


def check(runtime: Runtime, request: SongRequest, tenant: str = "local") -> SongRequest:
    """The request as it is kept; see `bandmate_generate.check`, which raises."""
    from bandmate_generate.check import check_song  # start-up time: numpy

    return check_song(runtime, request, tenant)
