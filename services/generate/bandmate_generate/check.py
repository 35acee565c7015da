"""Check a song request by planning it once: what cannot be made is refused before there is a job."""

from bandmate_shared.contracts.songs import SongRequest, WordsWish
from bandmate_shared.errors import about
from bandmate_shared.registry.models import resolve_model
from bandmate_shared.runtime import Runtime

from bandmate_generate.endpoints.base import learnt_of
from bandmate_generate.interpret.interpret import interpret_request
from bandmate_generate.lyrics_writing.open import can_write_words, require_writer
from bandmate_generate.planning.plan import plan_song
from bandmate_generate.planning.prompt import named_prompt, require_song, with_source
from bandmate_generate.planning.unlearnt_drums import without_unlearnt_drums
from bandmate_generate.settings import settings_of

_ANY_SEED = 0


def check_song(runtime: Runtime, request: SongRequest, tenant: str) -> SongRequest:
    """The request, with what its `text` says and the upload or the song it names in it, if a song can be made of it.

    Raises what `interpret_request`, `plan_song`, `named_prompt` and `require_song` raise, UnknownModel and
    NoWordsWriter.
    """
    settings = settings_of(runtime.settings)
    if request.text is not None:
        with about("text"):
            request = interpret_request(request, can_write_words=can_write_words(settings)).request
    if isinstance(request.lyrics, WordsWish):
        with about("lyrics"):
            require_writer(settings)
    with about("prompt"):
        request = named_prompt(request, runtime, tenant)
        source = with_source(request, runtime.storage, tenant)
    if request.derived_from is not None:
        with about("derived_from"):
            require_song(request.derived_from, runtime, tenant)
    with about("model"):
        model = resolve_model(runtime.storage, request.model, tenant)
    seed = request.seed if request.seed is not None else _ANY_SEED
    learnt = learnt_of(runtime.storage, model)
    planned = plan_song(source.request, seed, runtime.settings, source.words, learnt)
    if not learnt.drums:
        with about("model"):
            without_unlearnt_drums(source.request, planned, model.id)
    return request
