"""The song job, from the request to its report.

start:     plan → compose → choose → score → render → mix → report; with words → wait for the singer
mix-down:  the singer's files become the song's → report
takes:     each take was a job of its own; their files become the song's

The plan is made in the first phase alone: what the later ones need of it lies in the job's `saved`.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any

from bandmate_music.analysis.bars import bars_of
from bandmate_music.audio.wav import to_wav
from bandmate_music.musicxml.write import write_musicxml
from bandmate_music.score import Score
from bandmate_shared.contracts.composition import ComposedTake, CompositionAnswer, CompositionRequest
from bandmate_shared.contracts.jobs import Artifact, JobState
from bandmate_shared.contracts.languages import LanguageSource
from bandmate_shared.contracts.songs import RankedTake, SongReport, SongRequest, SongWords, WordsWish
from bandmate_shared.contracts.trainings import ModelManifest
from bandmate_shared.contracts.vocals import VocalRequest
from bandmate_shared.errors import BandmateError
from bandmate_shared.jobs.execution.context import Done, JobContext, Wait
from bandmate_shared.jobs.model import Job, NewJob
from bandmate_shared.objects.blobs import blob_key
from bandmate_shared.observability import tracing
from bandmate_shared.registry.models import is_starter, resolve_model

from bandmate_generate.audio.mix import Mixed, mix
from bandmate_generate.audio.render import TAIL_SECONDS, Audio, Band, band
from bandmate_generate.audio.soundfont import find_soundfont
from bandmate_generate.compose import compose
from bandmate_generate.delivery.player_data import (
    notes_json,
    peaks_json,
    peaks_of,
    seconds_of,
    timemap_json,
    with_sung_peaks,
)
from bandmate_generate.endpoints.base import learnt_of
from bandmate_generate.endpoints.open import open_model_endpoint
from bandmate_generate.lyrics_writing.open import write_words
from bandmate_generate.planning.learnt import Learnt
from bandmate_generate.planning.plan import plan_song
from bandmate_generate.planning.prompt import with_source
from bandmate_generate.planning.song_plan import EditPlan, WritePlan
from bandmate_generate.planning.unlearnt_drums import without_unlearnt_drums
from bandmate_generate.report import make_report
from bandmate_generate.scoring.notation import notated
from bandmate_generate.scoring.pianoroll import draw_pianoroll
from bandmate_generate.scoring.players import Player, players
from bandmate_generate.scoring.score import length_seconds
from bandmate_generate.scoring.song_file import read_back
from bandmate_generate.scoring.song_words import song_words, sung_notes
from bandmate_generate.seeds import derived, seed_of_job
from bandmate_generate.selection.pick import Chosen, choose, given_piece
from bandmate_generate.settings import GenerateSettings, generate_settings

MIX_DOWN, TAKES = "mix-down", "takes"
Plan = WritePlan | EditPlan


def song(context: JobContext, settings: GenerateSettings | None = None) -> Done | Wait:
    """Handler of `song` and `take` jobs; without `settings` those of the process."""
    request = SongRequest.model_validate(context.job.request)
    seed = request.seed if request.seed is not None else seed_of_job(context.job.id)
    if context.job.phase == TAKES:
        return _gather_takes(context, seed)
    if context.job.phase == MIX_DOWN:
        return _mix_down(context)
    settings = settings or generate_settings()
    if isinstance(request.lyrics, WordsWish):
        request = request.model_copy(update={"lyrics": _write_words(context, request, seed, settings)})
    if request.takes > 1:
        return _spawn_takes(request, seed)
    return _make_song(context, request, seed, settings)


def _write_words(context: JobContext, request: SongRequest, seed: int, settings: GenerateSettings) -> str:
    """Have the words written that the request describes, and keep them as `words.txt`."""
    assert isinstance(request.lyrics, WordsWish), "only called for words that are to be written"
    context.stage("words", f"writing words about {request.lyrics.about}")
    words = write_words(request, seed, settings)
    context.add("words.txt", words.encode(), "text/plain; charset=utf-8")
    context.check()
    return words


def _make_song(context: JobContext, request: SongRequest, seed: int, settings: GenerateSettings) -> Done | Wait:
    """plan → compose → choose → score → render → mix → report; with words the singer comes before the report."""
    source = with_source(request, context.storage, context.job.tenant)
    request = source.request
    manifest = resolve_model(context.storage, request.model, context.job.tenant)
    learnt = learnt_of(context.storage, manifest)
    plan = plan_song(request, seed, settings, source.words, learnt)
    font = find_soundfont(settings)
    composed = _compose(context, request, plan, manifest, learnt, settings)
    plan = composed.plan
    chosen = _choose(request, composed, settings)
    sounding_players = players(plan, chosen.performance)
    _add_score(context, plan, chosen, sounding_players)
    context.stage("render", f"playing {len(sounding_players)} parts with {font.name}")
    seconds = length_seconds(plan, chosen.performance)
    stems = _render(context, sounding_players, chosen.performance, band(font.path), seconds + TAIL_SECONDS)
    context.stage("mix", "mixing the band")
    mixed = mix(stems, [player.settings for player in sounding_players])
    instrumental = _add_sound(context, mixed, sounding_players)
    loudness = {"integrated_lufs": round(mixed.integrated_lufs, 2), "true_peak_dbtp": round(mixed.true_peak_dbtp, 2)}
    report = make_report(context.job.id, request, plan, chosen, model=composed.model, loudness=loudness, soundfont=font)
    draft = _Draft(report.model_dump(mode="json"), _result(plan, report), {})
    if plan.singing is not None if isinstance(plan, EditPlan) else plan.sung:
        words = song_words(plan, chosen.midi, chosen.performance)
        context.add("words.json", words.model_dump_json(indent=1).encode(), "application/json")
        return _wait_for_singer(context, plan, words, instrumental, draft)
    context.adopt(instrumental.model_copy(update={"name": "song.wav"}))
    context.stage("report", "writing the report")
    return _finish(context, draft, vocal=None)


@dataclass(frozen=True, slots=True)
class _Composed:
    """The candidates, none where nothing is to be composed, and those that broke their frame; the plan with its tune;
    the model as the report names it."""

    plan: Plan
    takes: list[ComposedTake]
    broken: list[RankedTake]
    model: dict[str, str]


def _compose(
    context: JobContext,
    request: SongRequest,
    plan: Plan,
    manifest: ModelManifest,
    learnt: Learnt,
    settings: GenerateSettings,
) -> _Composed:
    """Ask the model for candidates."""
    context.stage("compose", f"composing {_composed_bars_text(plan)} in {plan.key.name}")
    if not learnt.drums:
        plan = without_unlearnt_drums(request, plan, manifest.id)
    # A model of one's own knows its own styles: its first one plays this style's line-up.
    styles = learnt.styles
    style = styles[0] if styles and plan.style.model_style not in styles else plan.style.model_style
    model = {
        "id": manifest.id,
        "sha256": manifest.sha256,
        "architecture": manifest.architecture,
        "style": style,
    }

    def ask(composition: CompositionRequest) -> CompositionAnswer:
        context.check()
        composition = composition.model_copy(update={"style": style})
        with open_model_endpoint(settings) as endpoint, tracing.span(f"ask {manifest.id}", kind="client"):
            return endpoint.compose(context.storage, manifest, composition)

    if not plan.holes:
        return _Composed(plan, [], [], model)
    is_own_model = not is_starter(context.storage, manifest)
    composed = compose(request, plan, request.candidates or settings.candidates, ask, is_own_model=is_own_model)
    context.check()
    return _Composed(composed.plan, composed.takes, composed.refused, model)


def _choose(request: SongRequest, composed: _Composed, settings: GenerateSettings) -> Chosen:
    """The best candidate that breaks no hard wish; the given piece itself where nothing was to be composed."""
    plan = composed.plan
    if isinstance(plan, EditPlan) and not plan.holes:
        return given_piece(request, plan)
    return choose(
        request, plan, composed.takes, lambda midi: read_back(plan, midi, settings.file_limits), composed.broken
    )


def _add_score(context: JobContext, plan: Plan, chosen: Chosen, sounding_players: list[Player]) -> None:
    context.stage("score", "writing the score")
    bars = plan.bars if isinstance(plan, WritePlan) else len(bars_of(chosen.score))
    context.add("song.mid", chosen.midi, "audio/midi")
    musicxml = write_musicxml(notated(chosen.score), min_bars=bars)
    context.add("song.musicxml", musicxml, "application/vnd.recordare.musicxml+xml")
    subtitle = (
        f"{plan.style.name} · {plan.key.name} · {plan.metre.name} · {plan.tempo:g} bpm · "
        f"{bars} {'bar' if bars == 1 else 'bars'} · seed {plan.seed}"
    )
    stems = {player.part.name: player.stem for player in sounding_players}
    context.add("notes.json", notes_json(chosen.performance, stems), "application/json")
    timemap = timemap_json(chosen.performance, length_seconds(plan, chosen.performance))
    context.add("timemap.json", timemap, "application/json")
    context.add("pianoroll.png", draw_pianoroll(chosen.score, bars, subtitle), "image/png")


def _render(
    context: JobContext, sounding_players: list[Player], score: Score, synthesiser: Band, seconds: float
) -> list[Audio]:
    """A dry stem for each player, `seconds` long."""
    count = len(sounding_players)

    def report_progress(done: int) -> None:
        context.progress(done / count, sounding_players[done - 1].part.name)

    return synthesiser.play_all([player.part for player in sounding_players], score, seconds, report_progress)


def _add_sound(context: JobContext, mixed: Mixed, sounding_players: list[Player]) -> Artifact:
    """Store the stems and the instrumental; the artifact of the latter."""
    for number, (player, stem) in enumerate(zip(sounding_players, mixed.stems, strict=True), start=1):
        context.add(f"stems/{player.stem}.wav", to_wav(stem), "audio/wav")
        context.progress(number / (len(sounding_players) + 1))
    peaks = {player.stem: peaks_of(stem) for player, stem in zip(sounding_players, mixed.stems, strict=True)}
    peaks["song"] = peaks_of(mixed.master)
    context.add("peaks.json", peaks_json(peaks, seconds_of(mixed.master)), "application/json")
    return context.add("instrumental.wav", to_wav(mixed.master), "audio/wav")


@dataclass(frozen=True, slots=True)
class _Draft:
    """What the report needs, as JSON, so that a job can wait for its singer: the report but for timings and vocals, the
    job's result, and the seconds spent in each stage so far."""

    report: dict[str, Any]
    result: dict[str, Any]
    timings: dict[str, float]


def _result(plan: Plan, report: SongReport) -> dict[str, Any]:
    """The job's result."""
    return {
        "seed": plan.seed,
        "title": plan.title,
        "style": plan.style.name,
        "key": plan.key.name,
        "tempo": plan.tempo,
        "metre": plan.metre.name,
        "bars": plan.bars if isinstance(plan, WritePlan) else len(plan.given.bars),
        "seconds": report.seconds,
        "model": report.model["id"],
        "sung": plan.has_words,
        "loudness": report.loudness,
    }


def _wait_for_singer(context: JobContext, plan: Plan, words: SongWords, instrumental: Artifact, draft: _Draft) -> Wait:
    names = [artifact.name for artifact in context.artifacts]
    context.event("bandmate.song.generated", {"job": context.job.id, "artifacts": names})
    context.stage("sing", "waiting for the singer")
    vocal = VocalRequest(
        notes=sung_notes(words),
        voice=words.voice,
        language=words.language,
        language_source=_language_source(plan),
        engine=words.engine,
        ensemble=words.ensemble,
        seconds=words.seconds + TAIL_SECONDS,
        instrumental=instrumental.sha256,
        seed=words.seed,
    )
    context.close_stage()
    saved = asdict(_Draft(draft.report, draft.result, context.timings))
    return Wait([NewJob("vocal", vocal.model_dump(mode="json"))], MIX_DOWN, saved)


def _language_source(plan: Plan) -> LanguageSource | None:
    if isinstance(plan, EditPlan):
        return None if plan.singing is None else plan.singing.language_source
    return None if plan.language is None else plan.language.source


def _mix_down(context: JobContext) -> Done:
    """The singer has finished: take over the vocals and the mix, and report."""
    vocal = _successful_children(context)[0]
    context.stage("report", "writing the report")
    for artifact in vocal.artifacts:
        context.adopt(artifact)
    _add_sung_peaks(context)
    return _finish(context, _Draft(**context.job.saved), vocal=vocal.result or {})


def _add_sung_peaks(context: JobContext) -> None:
    """The waveforms of the singer and of the song with the singer, beside those of the band."""
    files = {artifact.name: artifact for artifact in context.artifacts}
    sounds = {
        name: context.storage.get(blob_key(files[f"{name}.wav"].sha256))
        for name in ("vocals", "song")
        if f"{name}.wav" in files
    }
    peaks = context.storage.get(blob_key(files["peaks.json"].sha256))
    context.add("peaks.json", with_sung_peaks(peaks, sounds), "application/json")


def _mix_gains(context: JobContext, vocal: dict[str, Any] | None) -> dict[str, float]:
    """The factor of each stem by which they add up to the song, but for the limiter and the voice's room."""
    names = [artifact.name for artifact in context.artifacts if artifact.name.startswith("stems/")]
    gains = (vocal or {}).get("gains") or {}
    mix = {name.removeprefix("stems/").removesuffix(".wav"): float(gains.get("band", 1.0)) for name in names}
    return mix | ({"vocals": float(gains.get("vocals", 1.0))} if vocal is not None else {})


def _finish(context: JobContext, draft: _Draft, vocal: dict[str, Any] | None) -> Done:
    """Store report.json, with the timings and what the singer measured, and end the job."""
    timings = {**draft.timings, **context.timings}
    loudness = draft.report["loudness"]
    if vocal is not None:
        loudness = vocal.get("loudness", loudness)
        stages = vocal.get("timings", {})
        timings["sing"] = sum(stages.values())
        timings.update({f"vocal.{stage}": seconds for stage, seconds in stages.items()})
    timings = {stage: round(seconds, 3) for stage, seconds in timings.items()}
    report = draft.report | {"loudness": loudness, "timings": timings, "vocal": vocal}
    report["mix"] = {"gains": _mix_gains(context, vocal)}
    checked = SongReport.model_validate(report).model_dump(mode="json")
    context.add("report.json", json.dumps(checked, indent=1, ensure_ascii=False).encode(), "application/json")
    return Done(draft.result | {"loudness": loudness})


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
    for number, child in enumerate(_successful_children(context), start=1):
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


def _successful_children(context: JobContext) -> list[Job]:
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


def _composed_bars_text(plan: Plan) -> str:
    """`12 bars`; in a given piece `3 of 64 bars of Bass and Drums`."""
    if isinstance(plan, WritePlan):
        return f"{plan.bars - plan.prompt_bars} bars"
    parts = sorted({hole.part for hole in plan.holes})
    bars = {bar for hole in plan.holes for bar in range(hole.first_bar, hole.first_bar + hole.bars)}
    names = " and ".join(plan.specs[part].name for part in parts) if len(parts) < 3 else f"{len(parts)} tracks"
    return f"{len(bars)} of {len(plan.given.bars)} bars of {names}" if bars else "nothing"
