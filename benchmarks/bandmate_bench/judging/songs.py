"""Songs written as the service writes them, without queues, sound and files: request → plan → model → MIDI."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bandmate_generate.compose import compose
from bandmate_generate.planning.plan import plan_song
from bandmate_generate.planning.song_plan import EditPlan, WritePlan
from bandmate_generate.planning.styles import STYLES
from bandmate_generate.scoring.song_file import song_file
from bandmate_generate.selection.critic import rank
from bandmate_model.evaluation.compose_all import CONCURRENT_REQUESTS
from bandmate_model.serving.loaded import LoadedModel
from bandmate_music.midi.read import read_midi
from bandmate_music.score import Score
from bandmate_shared.contracts.composition import ComposedTake, CompositionAnswer, CompositionRequest
from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.settings import SharedSettings


@dataclass(frozen=True, slots=True)
class Song:
    """What was asked, how it was settled, what the model made of it, and the file with what it reads as."""

    request: SongRequest
    plan: WritePlan | EditPlan
    take: ComposedTake
    midi: bytes
    score: Score


def write_song(
    model: LoadedModel, request: SongRequest, seed: int, *, candidates: int = 1, settings: SharedSettings | None = None
) -> Song:
    """One song: of several candidates the one the service's critic likes best, whether it keeps the hard wishes or not.

    Raises:
        BandmateError: whatever the service would refuse it for.
    """
    settings = settings or SharedSettings()
    plan = plan_song(request, seed, settings)

    def ask(composition: CompositionRequest) -> CompositionAnswer:
        if composition.style not in model.info.styles:  # As the service does for models with other styles.
            composition = composition.model_copy(update={"style": model.info.styles[0]})
        return model.answer(composition)

    composed = compose(request, plan, candidates, ask, is_own_model=False)
    take = composed.takes[rank(composed.plan, composed.takes)[0].take]
    midi = song_file(composed.plan, take).midi
    return Song(request, composed.plan, take, midi, read_midi(midi, settings.file_limits))


def write_songs(
    model: LoadedModel,
    wishes: Sequence[tuple[SongRequest, int]],
    *,
    candidates: int = 1,
    progress: Callable[[int], None] | None = None,
) -> list[Song]:
    """A song for each (request, seed), many at once. `progress` is told how many are done.

    Raises:
        BandmateError: as write_song; the first one's.
    """
    settings = SharedSettings()
    songs = []
    with ThreadPoolExecutor(CONCURRENT_REQUESTS) as pool:
        jobs = [
            pool.submit(write_song, model, request, seed, candidates=candidates, settings=settings)
            for request, seed in wishes
        ]
        try:
            for done, job in enumerate(jobs, 1):
                songs.append(job.result())
                if progress is not None:
                    progress(done)
        finally:
            for job in jobs:
                job.cancel()
    return songs


def styles_of(model: LoadedModel) -> list[str]:
    """The styles that may be requested of this model."""
    return [name for name, style in STYLES.items() if style.model_style in model.info.styles]
