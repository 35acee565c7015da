"""The song job, from the request to its report.

start:     plan → compose (the best of the model's candidates that breaks no hard wish) → score → render → mix
           without words → report; with words → wait for the singer
mix-down:  the singer's files become the song's → report
takes:     each take was a job of its own; their files become the song's
"""

import json
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bandmate_shared import tracing
from bandmate_shared.audio.wav import to_wav
from bandmate_shared.contracts.jobs import Artifact, JobState
from bandmate_shared.contracts.songs import Originality, RankedTake, SongRequest
from bandmate_shared.contracts.vocals import VocalRequest
from bandmate_shared.errors import BandmateError
from bandmate_shared.jobs.context import Done, JobContext, Wait
from bandmate_shared.jobs.model import START_PHASE, NewJob
from bandmate_shared.music.bars import bars_of
from bandmate_shared.music.limits import Limits
from bandmate_shared.music.midi_read import read_midi
from bandmate_shared.music.musicxml_write import write_musicxml
from bandmate_shared.music.score import Score
from bandmate_shared.registry import resolve_model
from bandmate_shared.storage import blob_key

from bandmate_generate.mix import Mixed, mix
from bandmate_generate.model_endpoint import open_model_endpoint, styles_of
from bandmate_generate.pianoroll import draw_pianoroll
from bandmate_generate.pick import pick
from bandmate_generate.plan import SongPlan, plan_song
from bandmate_generate.players import Player, players, with_metre
from bandmate_generate.render import TAIL_SECONDS, Audio, Band, band
from bandmate_generate.report import make_report
from bandmate_generate.score import sung_notes
from bandmate_generate.seeds import derived, seed_of_job
from bandmate_generate.settings import GenerateSettings, generate_settings
from bandmate_generate.soundfont import Soundfont, find_soundfont

MIX_DOWN, TAKES = "mix-down", "takes"


def song(context: JobContext, settings: GenerateSettings | None = None) -> Done | Wait:
    """Handler of `song` and `take` jobs; without `settings` those of the process."""
    request = SongRequest.model_validate(context.job.request)
    seed = request.seed if request.seed is not None else seed_of_job(context.job.id)
    if context.job.phase == TAKES:
        return _gather_takes(context, seed)
    settings = settings or generate_settings()
    if context.job.phase == START_PHASE and request.takes > 1:
        return _spawn_takes(request, seed)
    plan = plan_song(request, seed, settings)
    if context.job.phase == MIX_DOWN:
        return _mix_down(context, request, plan, settings)
    return _start(context, request, plan, settings)


def _start(context: JobContext, request: SongRequest, plan: SongPlan, settings: GenerateSettings) -> Done | Wait:
    font = find_soundfont(settings)
    with ThreadPoolExecutor(1) as loader:
        # The soundfont is decoded while the model, another process, composes.
        loading: Future[Band] = loader.submit(band, font.path)
        chosen = _compose(context, request, plan, settings)

        context.stage("score", "writing the score")
        score, bars = chosen.score, len(bars_of(chosen.score)) if plan.edit is not None else plan.bars
        context.add("song.mid", chosen.midi, "audio/midi")
        context.add("song.musicxml", write_musicxml(score, least_bars=bars), "application/vnd.recordare.musicxml+xml")
        context.add("pianoroll.png", draw_pianoroll(score, bars, _subtitle(plan, bars)), "image/png")

        heard = players(plan, score)
        seconds = _seconds(plan, score)
        context.stage("render", f"playing {len(heard)} parts with {font.name}")
        dry = _render(context, heard, score, loading.result(), seconds)

    context.stage("mix", "mixing the band")
    mixed = mix(dry, [player.place for player in heard])
    instrumental = _add_sound(context, mixed, heard)
    loudness = {"integrated_lufs": round(mixed.integrated_lufs, 2), "true_peak_dbtp": round(mixed.true_peak_dbtp, 2)}
    saved = {
        "model": chosen.model,
        "originality": chosen.originality.model_dump(mode="json"),
        "ranking": [one.model_dump(mode="json") for one in chosen.ranking],
        "loudness": loudness,
        "soundfont": font.described(),
    }
    if not plan.sung:
        context.adopt(instrumental.model_copy(update={"name": "song.wav"}))
        context.stage("report", "measuring the song")
        return _report(context, request, plan, settings, saved, None)

    context.event(
        "bandmate.song.generated", {"job": context.job.id, "artifacts": [one.name for one in context.artifacts]}
    )
    context.stage("sing", "waiting for the singer")
    vocal = VocalRequest(
        notes=sung_notes(plan, score),
        voice=plan.singer,
        seconds=plan.seconds + TAIL_SECONDS,
        instrumental=instrumental.sha256,
        seed=plan.seed,
    )
    context.close_stage()
    saved["timings"] = context.timings
    return Wait([NewJob("vocal", vocal.model_dump(mode="json"))], MIX_DOWN, saved)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The take that becomes the song, as a file and as what the file reads as; the model as the report names it."""

    midi: bytes
    score: Score
    originality: Originality
    ranking: list[RankedTake]
    model: dict[str, str]


def _compose(context: JobContext, request: SongRequest, plan: SongPlan, settings: GenerateSettings) -> Chosen:
    """The best of the model's candidates. Where nothing is to be composed it is the given piece."""
    context.stage("compose", f"composing {_composed(plan)} in {plan.key.name}")
    manifest = resolve_model(context.storage, request.model, context.job.tenant)
    asked = plan.composition(request.candidates or settings.candidates)
    styles = styles_of(context.storage, manifest)
    if styles and asked.style not in styles:
        # A model of one's own knows its own styles: its first one plays this style's line-up.
        asked = asked.model_copy(update={"style": styles[0]})
    model = {"id": manifest.id, "sha256": manifest.sha256, "architecture": manifest.architecture, "style": asked.style}
    if plan.edit is not None and not plan.holes:
        given = plan.edit.given
        return Chosen(given.data, with_metre(given.score), Originality(), [], model)
    with open_model_endpoint(settings) as endpoint, tracing.span(f"ask {manifest.id}", kind="client"):
        answer = endpoint.compose(context.storage, manifest, asked)
    context.check()
    picked = pick(request, plan, answer.takes, lambda midi: _read(plan, midi, settings))
    return Chosen(picked.midi, picked.score, answer.takes[picked.take].originality, picked.ranking, model)


def _read(plan: SongPlan, midi: bytes, settings: GenerateSettings) -> Score:
    """A song's file read back; what holds a stranger's bytes is read in the sandbox."""
    if plan.edit is None:
        return read_midi(midi, Limits.from_settings(settings))
    from bandmate_shared.music.sandbox import read_untrusted

    return with_metre(read_untrusted(midi, "song.mid", settings))


def _seconds(plan: SongPlan, score: Score) -> float:
    return plan.seconds if plan.edit is None else score.seconds


def _render(context: JobContext, heard: list[Player], score: Score, player: Band, seconds: float) -> list[Audio]:
    dry = []
    for number, one in enumerate(heard):
        dry.append(player.play(one.part, score, seconds + TAIL_SECONDS))
        context.progress((number + 1) / len(heard), one.part.name)
    return dry


def _add_sound(context: JobContext, mixed: Mixed, heard: list[Player]) -> Artifact:
    for number, (one, stem) in enumerate(zip(heard, mixed.stems, strict=True)):
        context.add(f"stems/{one.stem}.wav", to_wav(stem), "audio/wav")
        context.progress((number + 1) / (len(heard) + 1))
    return context.add("instrumental.wav", to_wav(mixed.master), "audio/wav")


def _mix_down(context: JobContext, request: SongRequest, plan: SongPlan, settings: GenerateSettings) -> Done:
    """The singer has finished: take over the vocals and the mix, and report."""
    vocal = _only_successful(context)[0]
    context.stage("report", "measuring the song")
    for artifact in vocal.artifacts:
        context.adopt(artifact)
    sung = vocal.result or {}
    saved = dict(context.job.saved)
    saved["loudness"] = sung.get("loudness", saved["loudness"])
    return _report(context, request, plan, settings, saved, sung)


def _report(
    context: JobContext,
    request: SongRequest,
    plan: SongPlan,
    settings: GenerateSettings,
    saved: dict[str, Any],
    vocal: dict[str, Any] | None,
) -> Done:
    midi = next(artifact for artifact in context.artifacts if artifact.name == "song.mid")
    timings = {**saved.get("timings", {}), **context.timings}
    if vocal is not None:
        timings["sing"] = sum(vocal.get("timings", {}).values())
        timings.update({f"vocal.{stage}": spent for stage, spent in vocal.get("timings", {}).items()})
    font = saved["soundfont"]
    data = context.storage.get(blob_key(midi.sha256))
    score = _read(plan, data, settings)
    report = make_report(
        context.job.id,
        request,
        plan,
        data,
        score,
        model=saved["model"],
        originality=Originality.model_validate(saved["originality"]),
        ranking=[RankedTake.model_validate(one) for one in saved.get("ranking", [])],
        loudness=saved["loudness"],
        soundfont=Soundfont(font["name"], Path(font["path"]), font["licence"]),
        timings=timings,
        vocal=vocal,
    )
    content = report.model_dump(mode="json")
    context.add("report.json", json.dumps(content, indent=1, ensure_ascii=False).encode(), "application/json")
    return Done(
        {
            "seed": plan.seed,
            "title": plan.title,
            "style": plan.style.name,
            "key": plan.key.name,
            "tempo": plan.tempo,
            "metre": plan.metre.name,
            "bars": plan.bars if plan.edit is None else len(plan.edit.given.bars),
            "seconds": report.seconds,
            "model": saved["model"]["id"],
            "sung": bool(plan.sung),
            "loudness": saved["loudness"],
        }
    )


def _spawn_takes(request: SongRequest, seed: int) -> Wait:
    """One job a take. The first has the request's own seed: it is the song that a single take would have been."""
    children = [
        NewJob("take", request.model_copy(update={"takes": 1, "seed": take_seed(seed, number)}).model_dump(mode="json"))
        for number in range(request.takes)
    ]
    return Wait(children, TAKES, {})


def take_seed(seed: int, number: int) -> int:
    """The seed of the take with that number, counted from 0."""
    return seed if number == 0 else derived(seed, f"take {number}")


def _gather_takes(context: JobContext, seed: int) -> Done:
    """Every take's files, below `take-1/`, `take-2/`, …"""
    takes = []
    for number, child in enumerate(_only_successful(context), start=1):
        for artifact in child.artifacts:
            context.adopt(artifact.model_copy(update={"name": f"take-{number}/{artifact.name}"}))
        takes.append({"job": child.id, "folder": f"take-{number}", **(child.result or {})})
    return Done({"seed": seed, "takes": takes})


class ChildFailed(BandmateError):
    """A vocal or a take failed; carries the child's own type and title."""

    def __init__(self, error_type: str, title: str, detail: str) -> None:
        super().__init__(detail)
        self.type = error_type
        self.title = title


def _only_successful(context: JobContext) -> list[Any]:
    """The children, in the order they were asked for. Raises ChildFailed with the first failure."""
    for child in context.children:
        if child.state is not JobState.SUCCEEDED:
            error = child.error
            raise ChildFailed(
                error.type if error else "child-cancelled",
                error.title if error else "A part of the job was cancelled",
                error.detail if error else f"{child.id} was cancelled",
            )
    return context.children


def _composed(plan: SongPlan) -> str:
    """`12 bars`; in a given piece `3 of 64 bars of Bass and Drums`."""
    if plan.holes is None:
        return f"{plan.bars - plan.prompt_bars} bars"
    parts = sorted({hole.part for hole in plan.holes})
    bars = {bar for hole in plan.holes for bar in range(hole.first_bar, hole.first_bar + hole.bars)}
    count = len(plan.edit.given.bars) if plan.edit is not None else plan.bars
    of = " and ".join(plan.specs[part].name for part in parts) if len(parts) < 3 else f"{len(parts)} tracks"
    return f"{len(bars)} of {count} bars of {of}" if bars else "nothing"


def _subtitle(plan: SongPlan, bars: int) -> str:
    return (
        f"{plan.style.name} · {plan.key.name} · {plan.metre.name} · {plan.tempo:g} bpm · "
        f"{bars} {'bar' if bars == 1 else 'bars'} · seed {plan.seed}"
    )
