"""`report.json`: what was asked against what is in `song.mid`, read back from the file rather than remembered."""

from collections.abc import Mapping, Sequence
from typing import Any

from bandmate_shared.contracts.songs import Measured, Originality, RankedTake, SongReport, SongRequest
from bandmate_shared.music.score import Score

from bandmate_generate.measured import measure
from bandmate_generate.plan import SongPlan
from bandmate_generate.soundfont import Soundfont


def make_report(
    job_id: str,
    request: SongRequest,
    plan: SongPlan,
    midi: bytes,
    score: Score,
    *,
    model: dict[str, str],
    originality: Originality,
    ranking: Sequence[RankedTake],
    loudness: Mapping[str, float],
    soundfont: Soundfont,
    timings: Mapping[str, float],
    vocal: dict[str, Any] | None,
) -> SongReport:
    """The report on a song. `score` is what `midi` reads as; `loudness` is that of song.wav."""
    properties = measure(request, plan, midi, score)
    if request.candidates is not None:
        # Where nothing is to be composed (a variation of strength 0) there are none.
        met = len(ranking) == request.candidates or plan.holes == ()
        properties["candidates"] = Measured(requested=request.candidates, measured=len(ranking), met=met)
    return SongReport(
        job_id=job_id,
        seed=plan.seed,
        style=plan.style.name,
        model=model,
        properties=properties,
        originality=originality,
        loudness=dict(loudness),
        soundfont=soundfont.described(),
        timings={stage: round(seconds, 3) for stage, seconds in timings.items()},
        notes=score.note_count,
        seconds=round(score.seconds if plan.edit is not None else plan.seconds, 3),
        ranking=list(ranking),
        vocal=vocal,
    )
