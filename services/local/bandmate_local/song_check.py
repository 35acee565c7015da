"""Check a song request on the command line, before any platform is started."""

from contextlib import suppress

from bandmate_generate.endpoints.base import learnt_of
from bandmate_generate.interpret.interpret import interpret_request
from bandmate_generate.lyrics_writing.open import can_write_words, require_writer
from bandmate_generate.planning.learnt import Learnt
from bandmate_generate.planning.plan import plan_song
from bandmate_generate.planning.styles import STYLES, find_style
from bandmate_generate.settings import generate_settings
from bandmate_shared.contracts.songs import Interpretation, SongRequest, WordsWish
from bandmate_shared.errors import about
from bandmate_shared.objects.open import open_storage
from bandmate_shared.registry.models import UnknownModel, resolve_model


def checked_song(request: SongRequest) -> Interpretation:
    """The request with its sentence interpreted.

    Raises what the service would refuse a song for, before a platform is started: of one with a prompt the style.
    """
    settings = generate_settings()
    interpretation = Interpretation(request=request)
    if request.text is not None:
        interpretation = interpret_request(request, can_write_words=can_write_words(settings))
    request = interpretation.request
    if isinstance(request.lyrics, WordsWish):
        require_writer(settings)
    learnt = Learnt()
    if request.style not in STYLES:
        storage = open_storage(settings.resolved_storage_url)
        with suppress(UnknownModel):  # A home that has not been used: the service registers the starter.
            learnt = learnt_of(storage, resolve_model(storage, request.model))
    if request.prompt is None:
        plan_song(request, request.seed or 0, settings, learnt=learnt)
    else:
        with about("style"):
            find_style(request.style, learnt)
    return interpretation
