"""A song sung with Amazon Polly's wire format and a voice with natural intonation, judged by pitch."""

import html
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from bandmate_shared.contracts.jobs import JobState
from bandmate_shared.contracts.vocals import VocalReport, VocalRequest
from bandmate_shared.jobs.execution.inprocess import InProcessQueue
from bandmate_shared.jobs.model import Job, NewJob
from bandmate_shared.objects.blobs import blob_key
from bandmate_shared.objects.directory import DirectoryStorage
from bandmate_shared.runtime import Runtime
from bandmate_vocal.settings import VocalSettings
from bandmate_vocal.sing import sing
from bandmate_vocal.speech.espeak.engine import EspeakEngine
from bandmate_vocal.speech.polly.client import PollyClient
from bandmate_vocal.speech.polly.engine import PollyEngine
from bandmate_vocal.synthesis.measure import vowel_onset_errors

from tests.support.polly_server import PollyServer

MAX_ONSET_ERROR = 0.025


@pytest.mark.parametrize(
    ("tune", "voice", "form", "with_espeak"),
    [
        ("alto", "Joanna", "neural", False),
        ("tenor", "Joey", "standard", True),
        ("eighths", "Joanna", "standard", True),
        ("alto", "Matthew", "neural", True),  # a man's voice, sung an octave and more above where it speaks
    ],
)
def test_the_song_is_sung_on_pitch_and_on_the_beat(
    polly: PollyServer,
    singing,
    melodies,
    pitch_judge,
    tmp_path: Path,
    tune: str,
    voice: str,
    form: str,
    with_espeak: bool,
) -> None:
    espeak = EspeakEngine() if with_espeak else None
    engine = PollyEngine(PollyClient(form), DirectoryStorage(tmp_path), espeak=espeak)
    performed = singing(*melodies[tune], voice, engine)
    share, worst = pitch_judge(performed.voice, performed.notes)
    assert share >= 0.97
    assert worst < 20.0
    vowels = [vowel for phrase in performed.spoken.phrases for vowel in phrase.vowels]
    errors = vowel_onset_errors(performed.voice, vowels)
    assert len(errors) >= 8
    assert abs(float(np.median(errors))) < 0.012
    assert float(np.percentile(np.abs(errors), 80)) < MAX_ONSET_ERROR
    assert performed.spoken.mended <= 1


def request_of(notes: list[Any], seconds: float, **changes: Any) -> dict[str, Any]:
    return VocalRequest(notes=notes, seconds=seconds, **changes).model_dump(mode="json")


def run(runtime: Runtime, queue: InProcessQueue, request: dict[str, Any]) -> Job:
    settings = VocalSettings(home=runtime.settings.home, speech_engine="polly")
    job = runtime.store.submit(NewJob("vocal", request)).job
    queue.run_all(runtime, {"vocal": lambda context: sing(context, settings)})
    return runtime.store.get(job.id)


def hashes(job: Job) -> dict[str, str]:
    return {artifact.name: artifact.sha256 for artifact in job.artifacts}


def test_the_job_reports_its_cost_and_a_repeat_costs_nothing(
    polly: PollyServer, runtime: Runtime, queue: InProcessQueue, melodies, pitch_judge
) -> None:
    notes, seconds = melodies["alto"]
    first = run(runtime, queue, request_of(notes, seconds))
    assert first.state is JobState.SUCCEEDED, first.error
    report = VocalReport.model_validate(first.result)
    letters = sum(len(html.unescape(re.sub("<.*?>", "", call["Text"]))) for call in polly.calls)
    assert (report.engine, report.voice) == ("polly-neural", "Joanna")
    assert report.billed_characters == letters == 2 * 130
    assert len(polly.calls) == 6  # three lines, whatever the number of pitches they are sung at
    voice, rate = soundfile.read(io.BytesIO(runtime.storage.get(blob_key(hashes(first)["vocals.wav"]))))
    assert rate == 44100
    share, _ = pitch_judge(voice.astype(np.float32), notes)
    assert share >= 0.95
    assert report.within_50_cents == pytest.approx(share, abs=0.03)

    second = run(runtime, queue, request_of(notes, seconds))
    assert hashes(second)["vocals.wav"] == hashes(first)["vocals.wav"]
    assert second.result is not None
    assert (second.result["billed_characters"], second.result["speech_from_cache"]) == (0, 3)
    higher = [note.model_copy(update={"pitch": note.pitch + 2}) for note in notes]
    third = run(runtime, queue, request_of(higher, seconds, seed=7, voice="Joanna"))
    assert third.result is not None
    assert third.result["billed_characters"] == 0
    assert len(polly.calls) == 6


def test_a_voice_that_polly_has_not_fails_the_job_at_once(
    polly: PollyServer, runtime: Runtime, queue: InProcessQueue, melodies
) -> None:
    notes, seconds = melodies["alto"]
    job = run(runtime, queue, request_of(notes, seconds, voice="en-us+linda", engine="polly"))
    assert job.state is JobState.FAILED
    assert job.error is not None
    assert job.error.type == "unknown-voice"
    assert "Joanna" in job.error.detail
    assert job.attempt == 1
    assert polly.calls == []


def test_words_without_a_pronunciation_are_hummed(polly: PollyServer, runtime: Runtime, queue: InProcessQueue) -> None:
    rows = [("o'er", 60, 0.4), ("42", 55, 0.4), ("😀", 67, 0.4), ("shh", 60, 0.4), ("<b>", 62, 0.4), (None, 64, 0.4)]
    notes = [
        {"onset": 0.4 * number, "duration": length, "pitch": pitch, "syllable": syllable}
        for number, (syllable, pitch, length) in enumerate(rows)
    ]
    job = run(runtime, queue, request_of(notes, 2.6))
    assert job.state is JobState.SUCCEEDED, job.error
    assert job.result is not None
    assert job.result["hummed"] == 1
    assert job.result["within_50_cents"] > 0.8


def test_a_language_other_than_english(polly: PollyServer, runtime: Runtime, queue: InProcessQueue) -> None:
    words = ["Grü", "ße", "an", "das", "schö", "ne", "Mäd", "chen"]
    ends = [False, True, True, True, False, True, False, True]
    notes = [
        {"onset": 0.3 + 0.5 * n, "duration": 0.5, "pitch": 60 + n % 5, "syllable": word, "word_end": end}
        for n, (word, end) in enumerate(zip(words, ends, strict=True))
    ]
    job = run(runtime, queue, request_of(notes, 5.0, language="de", voice="alto"))
    assert job.state is JobState.SUCCEEDED, job.error
    assert job.result is not None
    assert (job.result["voice"], job.result["mended"]) == ("Vicki", 0)
    assert job.result["within_50_cents"] > 0.95
