"""The vocal job as a worker runs it: real store, real files, the real voice."""

import io
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import soundfile
from bandmate_shared.contracts.jobs import JobState
from bandmate_shared.contracts.vocals import VocalReport, VocalRequest
from bandmate_shared.http.app import create_app
from bandmate_shared.jobs.inprocess import InProcessQueue
from bandmate_shared.jobs.model import Job, NewJob
from bandmate_shared.runtime import Runtime
from bandmate_shared.storage import blob_key, put_blob
from bandmate_vocal.api import routers
from bandmate_vocal.sing import sing
from fastapi.testclient import TestClient

NOTES = [
    {"onset": 0.3, "duration": 0.5, "pitch": 60, "syllable": "mor", "word_end": False},
    {"onset": 0.8, "duration": 0.5, "pitch": 64, "syllable": "ning"},
    {"onset": 1.3, "duration": 0.9, "pitch": 62, "syllable": "light", "line_end": True},
]


def request_of(**changes: Any) -> dict[str, Any]:
    return VocalRequest.model_validate({"notes": NOTES, "seconds": 3.0, **changes}).model_dump(mode="json")


def run(runtime: Runtime, queue: InProcessQueue, request: dict[str, Any]) -> Job:
    job = runtime.store.submit(NewJob("vocal", request)).job
    queue.run_all(runtime, {"vocal": sing})
    return runtime.store.get(job.id)


@pytest.fixture
def instrumental(runtime: Runtime) -> str:
    times = np.arange(3 * 44100) / 44100
    buffer = io.BytesIO()
    chord = sum(np.sin(2 * np.pi * pitch * k * times) / k for pitch in (131, 165, 196) for k in range(1, 12))
    soundfile.write(buffer, np.stack([0.05 * chord] * 2, axis=1), 44100, format="WAV")
    return put_blob(runtime.storage, buffer.getvalue())


def read(runtime: Runtime, job: Job, name: str) -> tuple[np.ndarray, int]:
    (artifact,) = [artifact for artifact in job.artifacts if artifact.name == name]
    assert artifact.media_type == "audio/wav"
    return soundfile.read(io.BytesIO(runtime.storage.get(blob_key(artifact.sha256))))


def test_a_melody_with_words_and_a_band_becomes_a_song(
    runtime: Runtime, queue: InProcessQueue, instrumental: str
) -> None:
    job = run(runtime, queue, request_of(instrumental=instrumental))
    assert job.state is JobState.SUCCEEDED, job.error
    assert sorted(artifact.name for artifact in job.artifacts) == ["song.wav", "vocal.json", "vocals.wav"]
    vocals, rate = read(runtime, job, "vocals.wav")
    song, _ = read(runtime, job, "song.wav")
    assert (rate, vocals.shape, song.shape) == (44100, (132300,), (132300, 2))
    assert job.result is not None
    report = VocalReport.model_validate(job.result)
    assert (report.engine, report.voice, report.notes, report.words) == ("espeak-ng", "en-us+linda", 3, 2)
    assert report.within_50_cents > 0.95
    assert abs(report.vowel_onset_median_ms) < 20.0
    assert report.loudness["integrated_lufs"] == pytest.approx(-14.0, abs=0.2)
    assert report.loudness["true_peak_dbtp"] <= -1.0
    assert {"speech", "sing", "mix"} <= report.timings.keys()
    (artifact,) = [artifact for artifact in job.artifacts if artifact.name == "vocal.json"]
    assert json.loads(runtime.storage.get(blob_key(artifact.sha256))) == job.result
    stages = [event.data["stage"] for event in runtime.store.events(job.id) if event.type == "stage"]
    assert stages == ["speech", "sing", "mix"]


def test_the_same_request_gives_the_same_bytes_and_another_seed_others(
    runtime: Runtime, queue: InProcessQueue, instrumental: str
) -> None:
    def hashes(seed: int) -> dict[str, str]:
        job = run(runtime, queue, request_of(instrumental=instrumental, seed=seed))
        return {each.name: each.sha256 for each in job.artifacts if each.name.endswith(".wav")}

    first, second, other = hashes(1), hashes(1), hashes(2)
    assert first == second
    assert first["vocals.wav"] != other["vocals.wav"]


def test_without_a_band_there_is_the_voice_alone(runtime: Runtime, queue: InProcessQueue) -> None:
    job = run(runtime, queue, request_of(voice="tenor"))
    assert sorted(artifact.name for artifact in job.artifacts) == ["vocal.json", "vocals.wav"]
    assert job.result is not None
    assert job.result["voice"] == "en-us"


@pytest.mark.parametrize(
    ("changes", "error", "detail"),
    [
        ({"voice": "pavarotti"}, "unknown-voice", "alto"),
        ({"language": "tlh"}, "unknown-voice", "en-us"),
        ({"instrumental": "0" * 64}, "not-found", "not in the store"),
        ({"instrumental": "band.wav"}, "invalid-request", "64 hexadecimal digits"),
        ({"seconds": 1.0}, "invalid-request", "the last note ends at 2.20 s"),
    ],
)
def test_what_cannot_be_sung_fails_at_once_and_says_why(
    runtime: Runtime, queue: InProcessQueue, changes: dict[str, Any], error: str, detail: str
) -> None:
    job = run(runtime, queue, request_of(**changes))
    assert job.state is JobState.FAILED
    assert job.attempt == 1
    assert job.error is not None
    assert job.error.type == error
    assert detail in job.error.detail


def test_an_instrumental_that_is_no_audio_fails_the_job(runtime: Runtime, queue: InProcessQueue) -> None:
    job = run(runtime, queue, request_of(instrumental=put_blob(runtime.storage, b"\xff\xd8\xff\xe0 a picture")))
    assert job.error is not None
    assert job.error.type == "unreadable-file"


def test_odd_words_and_extreme_notes_are_sung_all_the_same(runtime: Runtime, queue: InProcessQueue) -> None:
    rows = [
        ("o'er", 60, 0.4),
        ("42", 24, 0.4),
        ("😀", 96, 0.4),
        ("—", 65, 0.03),
        ("strengths", 62, 0.03),
        ("shh", 60, 0.4),
    ]
    rows += [("你好", 62, 0.4), (None, 60, 1e-6), ("US", 64, 0.3)]
    notes, time = [], 0.0
    for syllable, pitch, duration in rows:
        notes.append({"onset": time, "duration": duration, "pitch": pitch, "syllable": syllable})
        time += duration
    job = run(runtime, queue, request_of(notes=notes))
    assert job.state is JobState.SUCCEEDED, job.error
    assert job.result is not None
    assert job.result["hummed"] == 2
    assert job.result["within_50_cents"] > 0.8
    voice, _ = read(runtime, job, "vocals.wav")
    for note in notes:
        if note["duration"] > 0.1:
            begin, end = int(note["onset"] * 44100), int((note["onset"] + note["duration"]) * 44100)
            assert np.abs(voice[begin:end]).max() > 0.01, note


@pytest.fixture
def client(runtime: Runtime) -> Iterator[TestClient]:
    with TestClient(create_app(runtime, "vocal", routers(runtime)), base_url="http://127.0.0.1") as opened:
        yield opened


def test_the_service_takes_melodies_over_http(
    runtime: Runtime, queue: InProcessQueue, client: TestClient, instrumental: str
) -> None:
    answer = client.post("/v1/vocals", json={"notes": NOTES, "seconds": 3.0, "instrumental": instrumental})
    assert answer.status_code == 202
    queue.run_all(runtime, {"vocal": sing})
    shown = client.get(answer.headers["location"]).json()
    assert shown["state"] == "succeeded"
    audio = client.get(f"{answer.headers['location']}/artifacts/vocals.wav")
    assert audio.content[:4] == b"RIFF"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"notes": []}, "notes"),
        ({"notes": [{**NOTES[0], "pitch": 12}]}, "pitch"),
        ({"notes": [NOTES[1], NOTES[0]]}, "one voice sings one note"),
        ({"notes": [{**NOTES[0], "syllable": None}]}, "no note carries a syllable"),
        ({"seconds": 1.0}, "the last note ends"),
        ({"instrumental": "ab" * 32}, "not in the store"),
    ],
)
def test_a_bad_request_is_refused_at_the_door(client: TestClient, changes: dict[str, Any], words: str) -> None:
    answer = client.post("/v1/vocals", json={"notes": NOTES, "seconds": 3.0, **changes})
    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert words in answer.text


def test_importing_the_service_is_light() -> None:
    import subprocess
    import sys

    heavy = ["numpy", "scipy", "soundfile", "pyloudnorm"]
    code = f"import bandmate_vocal.api, bandmate_vocal.tasks, sys; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
