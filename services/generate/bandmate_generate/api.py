"""HTTP routes: `/v1/songs` (request a song, follow its job, download its files), what may be asked for, and events."""

from functools import partial

from bandmate_shared.contracts.catalogue import InstrumentList, LimitsView, StyleList
from bandmate_shared.contracts.jobs import SongQuery
from bandmate_shared.contracts.songs import Interpretation, SentenceRequest, SongRequest, WordsWish
from bandmate_shared.errors import about
from bandmate_shared.http.authentication import Tenant
from bandmate_shared.http.job_routes import job_router
from bandmate_shared.http.streams.event_feed import events_router
from bandmate_shared.registry.models import resolve_model
from bandmate_shared.runtime import Runtime
from fastapi import APIRouter

from bandmate_generate.lyrics_writing.open import can_write_words, require_writer
from bandmate_generate.settings import GenerateSettings, generate_settings
from bandmate_generate.song_files import song_files_router

_ANY_SEED = 0


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

    @router.get("/styles", summary="The styles")
    def styles(_tenant: Tenant) -> StyleList:
        from bandmate_generate import catalogue  # start-up time: numpy

        return catalogue.styles()

    @router.get("/instruments", summary="The instruments: General MIDI's and the drums")
    def instruments(_tenant: Tenant) -> InstrumentList:
        from bandmate_generate import catalogue  # start-up time: numpy

        return catalogue.instruments()

    @router.get("/limits", summary="The limits on a request")
    def limits(_tenant: Tenant) -> LimitsView:
        from bandmate_generate import catalogue  # start-up time: numpy

        return catalogue.limits(runtime.settings)

    return router


def interpret_router(runtime: Runtime) -> APIRouter:
    """Sentences as song requests."""
    router = APIRouter(prefix="/v1", tags=["songs"])

    @router.post("/songs:interpret", summary="What a sentence asks for, as a song request; nothing is submitted")
    def interpret_sentence(_tenant: Tenant, body: SentenceRequest) -> Interpretation:
        from bandmate_generate.interpret.interpret import interpret  # start-up time: numpy

        return interpret(body.text, can_write_words=can_write_words(_settings(runtime)))

    return router


def check(runtime: Runtime, request: SongRequest, tenant: str = "local") -> SongRequest:
    """The request, with what its `text` says and the upload or the song it names in it, if a song can be made of it.

    Raises what `interpret_request`, `plan_song` and `named_prompt` raise, UnknownModel and NoWordsWriter.
    """
    from bandmate_generate.endpoints.base import learnt_of  # start-up time: numpy
    from bandmate_generate.interpret.interpret import interpret_request  # start-up time: numpy
    from bandmate_generate.planning import plan, prompt  # start-up time: numpy
    from bandmate_generate.planning.unlearnt_drums import without_unlearnt_drums  # start-up time: numpy

    settings = _settings(runtime)
    if request.text is not None:
        with about("text"):
            request = interpret_request(request, can_write_words=can_write_words(settings)).request
    if isinstance(request.lyrics, WordsWish):
        with about("lyrics"):
            require_writer(settings)
    with about("prompt"):
        request = prompt.named_prompt(request, runtime, tenant)
        source = prompt.with_source(request, runtime.storage, tenant)
    with about("model"):
        model = resolve_model(runtime.storage, request.model, tenant)
    seed = request.seed if request.seed is not None else _ANY_SEED
    learnt = learnt_of(runtime.storage, model)
    planned = plan.plan_song(source.request, seed, runtime.settings, source.words, learnt)
    if not learnt.drums:
        with about("model"):
            without_unlearnt_drums(source.request, planned, model.id)
    return request


def _settings(runtime: Runtime) -> GenerateSettings:
    """The service's own settings, also in a process of several services."""
    return runtime.settings if isinstance(runtime.settings, GenerateSettings) else generate_settings()
