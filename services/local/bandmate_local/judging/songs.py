"""Songs written the way the service writes them, without its queues, sound and files: request → plan → model → MIDI."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bandmate_generate.critic import choose
from bandmate_generate.pick import song_file
from bandmate_generate.plan import SongPlan, plan_song
from bandmate_generate.styles import STYLES
from bandmate_model.audition import AT_ONCE
from bandmate_model.loaded import LoadedModel
from bandmate_shared.contracts.composition import ComposedTake
from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.music.limits import Limits
from bandmate_shared.music.midi_read import read_midi
from bandmate_shared.music.score import Score
from bandmate_shared.settings import SharedSettings


@dataclass(frozen=True, slots=True)
class Song:
    """What was asked, how it was settled, what the model made of it, and the file with what it reads as."""

    request: SongRequest
    plan: SongPlan
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
    asked = plan.composition(candidates)
    if asked.style not in model.info.styles:  # As the service does for models of one's own.
        asked = asked.model_copy(update={"style": model.info.styles[0]})
    takes = model.answer(asked).takes
    take = takes[choose(plan, takes)[0].take]
    midi, _ = song_file(plan, take)
    return Song(request, plan, take, midi, read_midi(midi, Limits.from_settings(settings)))


def write_songs(
    model: LoadedModel, wishes: Sequence[tuple[SongRequest, int]], *, candidates: int = 1,
    progress: Callable[[int], None] | None = None,
) -> list[Song]:  # fmt: skip
    """A song for each (request, seed), many at once. `progress` is told how many are done.

    Raises:
        BandmateError: as write_song; the first one's.
    """
    settings = SharedSettings()
    songs = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
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
    """The styles a musician can ask this model for."""
    return [name for name, style in STYLES.items() if style.model_style in model.info.styles]
