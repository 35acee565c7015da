"""The vocal job: speech, sing, mix."""

import json
from statistics import median

from bandmate_shared.audio.loudness import integrated_lufs, true_peak_dbtp
from bandmate_shared.audio.wav import to_wav
from bandmate_shared.contracts.vocals import VocalReport, VocalRequest
from bandmate_shared.jobs.context import Done, JobContext
from bandmate_shared.storage import blob_key

from bandmate_vocal.check import check
from bandmate_vocal.engines import open_engine
from bandmate_vocal.measure import intonation, vowel_onset_errors
from bandmate_vocal.mix import mix, read_instrumental
from bandmate_vocal.performance import sing_phrases, speak_lyrics
from bandmate_vocal.settings import VocalSettings, vocal_settings
from bandmate_vocal.tone import polish


def sing(context: JobContext, settings: VocalSettings | None = None) -> Done:
    """Sing a VocalRequest: `vocals.wav`, `vocal.json`, and with an instrumental `song.wav`; answers a VocalReport.

    Without `settings` those of the process.
    """
    request = VocalRequest.model_validate(context.job.request)
    check(request)
    engine = open_engine(settings or vocal_settings(), context.storage)
    notes = request.notes

    context.stage("speech", f"speaking the words of {len(notes)} notes")
    middle = float(median(note.pitch for note in notes))
    voice = engine.choose_voice(request.language, request.voice, middle)
    spoken = speak_lyrics(notes, engine, voice, context.progress)

    context.stage("sing", f"singing {spoken.words} words")
    stem = polish(sing_phrases(spoken, notes, request.seconds, request.seed, context.progress))
    context.add("vocals.wav", to_wav(stem), "audio/wav")
    heard = intonation(stem, notes)
    onsets = vowel_onset_errors(stem, [vowel for phrase in spoken.phrases for vowel in phrase.vowels])

    context.stage("mix", "mixing" if request.instrumental else "listening to the result")
    if request.instrumental is not None:
        instrumental = context.workdir / "instrumental.wav"
        context.storage.fetch(blob_key(request.instrumental), instrumental)
        song = mix(stem, read_instrumental(instrumental, request.seconds))
        context.add("song.wav", to_wav(song), "audio/wav")
    else:
        song = stem[:, None]
    loudness = {
        "integrated_lufs": round(integrated_lufs(song), 2),
        "true_peak_dbtp": round(true_peak_dbtp(song), 2),
    }
    context.close_stage()
    report = VocalReport(
        engine=engine.name,
        voice=voice,
        notes=len(notes),
        words=spoken.words,
        hummed=spoken.hummed,
        mended=spoken.mended,
        within_50_cents=round(heard.within_50_cents, 4),
        worst_note_cents=round(heard.worst_note_cents, 1),
        vowel_onset_median_ms=round(1000.0 * float(median(onsets)), 1) if len(onsets) else 0.0,
        billed_characters=engine.usage.billed_characters,
        speech_from_cache=engine.usage.from_cache,
        loudness=loudness,
        timings={stage: round(seconds, 3) for stage, seconds in context.timings.items()},
    )
    answer = report.model_dump(mode="json")
    context.add("vocal.json", json.dumps(answer, indent=1).encode(), "application/json")
    return Done(answer)
