"""The handler of vocal jobs: speech, sing, mix."""

import json
from collections.abc import Callable, Sequence
from statistics import median

import numpy as np
from bandmate_music.audio.loudness import integrated_lufs, true_peak_dbtp
from bandmate_music.audio.wav import to_wav
from bandmate_music.language.hints import hint_of
from bandmate_shared.contracts.vocals import VocalReport, VocalRequest
from bandmate_shared.errors import InvalidRequest
from bandmate_shared.jobs.execution.context import Done, JobContext
from bandmate_shared.objects.blobs import blob_key
from bandmate_shared.singing.catalogue import Voice
from bandmate_shared.singing.check import SungLanguage
from bandmate_shared.singing.from_score import with_notes
from bandmate_shared.singing.singers import notes_outside, singer_for, singer_named
from numpy.typing import NDArray

from bandmate_vocal.check import check, language_of
from bandmate_vocal.ensemble import sing_backing
from bandmate_vocal.outputs.alignment import align_request
from bandmate_vocal.outputs.files import add_aliases, add_alignment, add_stems
from bandmate_vocal.settings import VocalSettings, vocal_settings
from bandmate_vocal.speech.base import SingingEngine, SpeechEngine
from bandmate_vocal.speech.open import open_engine
from bandmate_vocal.sung_voices import SungVoices
from bandmate_vocal.synthesis.hints import with_hints
from bandmate_vocal.synthesis.measure import Intonation, intonation_of, track_melody, vowel_onset_errors
from bandmate_vocal.synthesis.mix import mix, read_instrumental, read_voice
from bandmate_vocal.synthesis.performance import PreparedLyrics, perform, prepare_lyrics
from bandmate_vocal.synthesis.tone import polish


def sing(context: JobContext, settings: VocalSettings | None = None) -> Done:
    """Sing a VocalRequest: `vocals.wav`, the files of `outputs` and, with an instrumental, `song.wav`.

    Returns a VocalReport, which `vocal.json` holds as well.
    `settings` defaults to those of the process.
    """
    settings = settings or vocal_settings()
    request = with_notes(VocalRequest.model_validate(context.job.request), settings.file_limits)
    check(request)
    language = language_of(request)
    names = [request.voice_of(singer) for singer in request.singers()]
    engine = open_engine(settings, context.storage, request.engine, language.tag, names, context.reserve_call)
    _check_hints(request, engine)

    known = SungVoices(context.storage, context.job.tenant) if isinstance(engine, SingingEngine) else None
    before = None if known is None else known.get(request, engine.name)
    if before is not None:
        context.stage("sing", "the voice was sung before")
        for artifact in before.artifacts:
            context.adopt(artifact)
        described = {"language_source": language.source, "notices": request.notices}
        report = before.report.model_copy(update=described)
    else:
        report = _sing_voice(context, request, engine, language)
        if known is not None:
            known.put(request, engine.name, context.artifacts, report)

    context.stage("mix", "mixing" if request.instrumental else "measuring the result")
    gains, loudness = _add_mix(context, request)
    context.close_stage()
    timings = {stage: round(seconds, 3) for stage, seconds in context.timings.items()}
    report = report.model_copy(update={"gains": gains, "loudness": loudness, "timings": timings})
    answer = report.model_dump(mode="json")
    context.add("vocal.json", json.dumps(answer, indent=1).encode(), "application/json")
    add_aliases(context)
    return Done(answer)


def _sing_voice(
    context: JobContext, request: VocalRequest, engine: SpeechEngine | SingingEngine, language: SungLanguage
) -> VocalReport:
    """Sing: `vocals.wav` and the files beside it. Returns what was measured of the voice alone."""
    singers = request.singers()
    names = [request.voice_of(singer) for singer in singers]
    context.stage("speech", f"reading the words of {len(request.notes)} notes")
    voices: list[str] = []
    lines: list[PreparedLyrics] = []
    suited: list[tuple[Voice, Sequence[int]]] = []
    for number, (name, notes) in enumerate(zip(names, singers.values(), strict=True)):
        pitches = [note.pitch for note in notes]
        singer = singer_named(name) if name else singer_for(pitches)
        if singer is not None:
            suited.append((singer, pitches))
        chosen = singer.name if singer else name
        voices.append(engine.choose_voice(language.tag, chosen, float(median(pitches))))
        progress = _share_of(context.progress, number, len(singers))
        lines.append(prepare_lyrics(notes, engine, voices[-1], progress))

    sung = {
        singer: with_hints(notes, line.phrases, request.seed)
        for (singer, notes), line in zip(singers.items(), lines, strict=True)
    }
    words = sum(line.words for line in lines)
    context.stage("sing", f"singing {words} words")
    stems: list[NDArray[np.float32]] = []
    for number, (line, notes) in enumerate(zip(lines, sung.values(), strict=True)):
        progress = _share_of(context.progress, number, len(singers))
        stems.append(polish(perform(line, notes, request.seconds, request.seed, progress)))
    backing = [
        sing_backing(request.ensemble, notes, voice, engine, language.tag, request.seconds, request.seed)
        for voice, notes in zip(voices, singers.values(), strict=True)
    ]
    stem = _together(stems, [beside for beside in backing if beside is not None])
    context.add("vocals.wav", to_wav(stem), "audio/wav")
    add_stems(context, list(singers), stems)
    tracks = [track_melody(stem, notes) for stem, notes in zip(stems, singers.values(), strict=True)]
    measured = [intonation_of(tracked, notes) for tracked, notes in zip(tracks, singers.values(), strict=True)]
    phrases = {singer: line.phrases for singer, line in zip(singers, lines, strict=True)}
    alignment = align_request(request, language.tag, sung, phrases)
    add_alignment(context, alignment, dict(zip(singers, tracks, strict=True)))
    onsets = np.concatenate(
        [
            vowel_onset_errors(stem, [vowel for phrase in line.phrases for vowel in phrase.vowels])
            for stem, line in zip(stems, lines, strict=True)
        ]
    )

    return VocalReport(
        engine=engine.name,
        voice=voices[0],
        language=language.tag,
        language_source=language.source,
        voices=voices if len(voices) > 1 else [],
        singer_range=(suited[0][0].lowest, suited[0][0].highest) if suited else None,
        notes_outside_range=sum(notes_outside(singer, pitches) for singer, pitches in suited),
        notes=len(request.notes),
        words=words,
        hummed=sum(line.hummed for line in lines),
        mended=sum(line.mended for line in lines),
        within_50_cents=round(_mean_share(measured), 4),
        worst_note_cents=round(max(each.worst_note_cents for each in measured), 1),
        vowel_onset_median_ms=round(1000.0 * float(median(onsets)), 1) if len(onsets) else 0.0,
        billed_characters=engine.usage.billed_characters,
        speech_from_cache=engine.usage.from_cache,
        notices=request.notices,
        loudness={},
        timings={},
    )


def _add_mix(context: JobContext, request: VocalRequest) -> tuple[dict[str, float], dict[str, float]]:
    """With a band `song.wav`; returns the gains of voice and band, and the loudness of the song or else of the voice.

    The voice is read back, so that one that was sung before gives the same bytes as one that was sung now.
    """
    [vocals] = [artifact for artifact in context.artifacts if artifact.name == "vocals.wav"]
    voice = read_voice(context.storage.get(blob_key(vocals.sha256)))
    gains: dict[str, float] = {}
    if request.instrumental is not None:
        instrumental = context.workdir / "instrumental.wav"
        context.storage.fetch(blob_key(request.instrumental), instrumental)
        song = mix(voice, read_instrumental(instrumental, request.seconds))
        context.add("song.wav", to_wav(song.sound), "audio/wav")
        measured = song.integrated_lufs, song.true_peak_dbtp
        gains = {"vocals": round(song.voice_gain * song.gain, 6), "band": round(song.gain, 6)}
    else:
        measured = integrated_lufs(voice[:, None]), true_peak_dbtp(voice[:, None])
    return gains, {"integrated_lufs": round(measured[0], 2), "true_peak_dbtp": round(measured[1], 2)}


def _check_hints(request: VocalRequest, engine: SpeechEngine | SingingEngine) -> None:
    """Raises InvalidRequest for pronunciations in brackets that the engine cannot follow."""
    if isinstance(engine, SingingEngine):
        return
    hinted = next((note.syllable for note in request.notes if note.syllable and hint_of(note.syllable)), None)
    if hinted is not None:
        raise InvalidRequest(
            f"{engine.name} says words as they are written and cannot follow the pronunciation in {hinted[:40]!r}; the "
            f"engine hibari can, which sings English. Take the brackets out, or name that engine"
        )


def _share_of(progress: Callable[[float], None], number: int, count: int) -> Callable[[float], None]:
    """Progress of one singer's share of a stage."""
    return lambda share: progress((number + share) / count)


def _together(stems: Sequence[NDArray[np.float32]], beside: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """The singers at once with the voices beside them, with the level and at most the peak that one of them has."""
    if len(stems) == 1 and not beside:
        return stems[0]
    total: NDArray[np.float32] = np.stack([*stems, *beside]).sum(axis=0) / np.float32(np.sqrt(len(stems)))
    peak = float(np.abs(total).max())
    limit = max(float(np.abs(stem).max()) for stem in stems)
    return total * np.float32(limit / peak) if peak > limit else total


def _mean_share(measured: Sequence[Intonation]) -> float:
    frames = sum(each.frames for each in measured)
    return sum(each.within_50_cents * each.frames for each in measured) / frames if frames else 0.0
