"""The vocal job as a worker runs it, with a real store, real files and the real voice."""

import base64
import io
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import soundfile
from bandmate_shared.contracts.alignments import Alignment
from bandmate_shared.contracts.jobs import Artifact, JobState
from bandmate_shared.contracts.vocals import VocalReport, VocalRequest
from bandmate_shared.http.app import create_app
from bandmate_shared.jobs.execution.inprocess import InProcessQueue
from bandmate_shared.jobs.model import Job, NewJob
from bandmate_shared.objects.blobs import blob_key, put_blob
from bandmate_shared.runtime import Runtime
from bandmate_vocal.api import routers
from bandmate_vocal.sing import sing
from bandmate_vocal.speech import choice
from fastapi.testclient import TestClient

from tests.support.musicxml import document, sung

NOTES = [
    {"onset": 0.3, "duration": 0.5, "pitch": 60, "syllable": "mor", "word_end": False},
    {"onset": 0.8, "duration": 0.5, "pitch": 64, "syllable": "ning"},
    {"onset": 1.3, "duration": 0.9, "pitch": 62, "syllable": "light", "line_end": True},
]


FILES = {"vocals.wav", "vocal.json", "report.json", "alignment.json", "lyrics.lrc", "pitch.svg"}


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
    assert {artifact.name for artifact in job.artifacts} == FILES | {"song.wav", "mix.wav"}
    hashes = {artifact.name: artifact.sha256 for artifact in job.artifacts}
    assert (hashes["mix.wav"], hashes["report.json"]) == (hashes["song.wav"], hashes["vocal.json"])
    vocals, rate = read(runtime, job, "vocals.wav")
    song, _ = read(runtime, job, "song.wav")
    assert (rate, vocals.shape, song.shape) == (44100, (132300,), (132300, 2))
    assert job.result is not None
    report = VocalReport.model_validate(job.result)
    assert (report.engine, report.voice, report.notes, report.words) == ("hibari", "alto", 3, 2)
    assert report.within_50_cents > 0.95
    assert abs(report.vowel_onset_median_ms) < 20.0
    assert report.loudness["integrated_lufs"] == pytest.approx(-14.0, abs=0.2)
    assert report.loudness["true_peak_dbtp"] <= -1.0
    assert {"speech", "sing", "mix"} <= report.timings.keys()
    (artifact,) = [artifact for artifact in job.artifacts if artifact.name == "vocal.json"]
    assert json.loads(runtime.storage.get(blob_key(artifact.sha256))) == job.result
    stages = [event.data["stage"] for event in runtime.store.events(job.id) if event.type == "stage"]
    assert stages == ["speech", "sing", "mix"]


@pytest.mark.process  # The score is read in the sandbox, by the thread of the request.
def test_a_score_is_read_when_it_is_submitted(client: TestClient) -> None:
    soprano = ("Soprano", [sung("C5 mor- D5 ning E5 light F5 now")])
    file = base64.b64encode(document(soprano, ("Bass", [sung("C3 down E3 low", 4)]))).decode()
    answer = client.post("/v1/vocals", json={"score": {"file": file, "part": "Soprano", "tempo": 60, "transpose": -12}})
    assert answer.status_code == 202, answer.text
    request = answer.json()["request"]
    assert [(note["onset"], note["pitch"], note["syllable"]) for note in request["notes"]] == [
        (0.0, 60, "mor"),
        (1.0, 62, "ning"),
        (2.0, 64, "light"),
        (3.0, 65, "now"),
    ]
    assert (request["score"], request["language"]) == (None, "en")
    both = client.post("/v1/vocals", json={"score": {"file": file}}).json()["request"]["notes"]
    assert {note["singer"] for note in both} == {0, 1}
    for score, words in (({"file": "??"}, "not Base64"), ({"file": file, "part": "Oboe"}, "1 Soprano (with words)")):
        refused = client.post("/v1/vocals", json={"score": score})
        assert (refused.status_code, words in refused.json()["detail"]) == (422, True)
    assert "give either" in client.post("/v1/vocals", json={"seconds": 2.0}).text


def test_two_singers_sing_at_once_each_in_tune_by_its_own_voice(runtime: Runtime, queue: InProcessQueue) -> None:
    low = [{**note, "pitch": note["pitch"] - 16, "singer": 1} for note in NOTES]  # type: ignore[operator]
    job = run(runtime, queue, request_of(notes=[*NOTES, *low], voices=["soprano", "bass"]))
    assert job.state is JobState.SUCCEEDED, job.error
    report = VocalReport.model_validate(job.result)
    assert (report.notes, report.words, len(set(report.voices))) == (6, 4, 2)
    assert report.within_50_cents > 0.95
    duet, _ = read(runtime, job, "vocals.wav")
    alone, _ = read(runtime, run(runtime, queue, request_of(voices=["soprano"])), "vocals.wav")
    level = [float(np.sqrt(np.mean(sound**2))) for sound in (duet, alone)]
    assert level[0] == pytest.approx(level[1], rel=0.35)
    assert np.abs(duet).max() <= 1.0
    assert {artifact.name for artifact in job.artifacts} == FILES | {"stems/singer-1.wav", "stems/singer-2.wav"}
    second, _ = read(runtime, job, "stems/singer-2.wav")
    assert second.shape == duet.shape


def test_the_alignment_can_be_sung_again_to_the_same_voice(runtime: Runtime, queue: InProcessQueue) -> None:
    job = run(runtime, queue, request_of(voice="tenor", seed=3))
    (artifact,) = [artifact for artifact in job.artifacts if artifact.name == "alignment.json"]
    alignment = Alignment.model_validate_json(runtime.storage.get(blob_key(artifact.sha256)))
    assert [(note.syllable, note.word, note.word_index) for note in alignment.notes] == [
        ("mor", "morning", 0),
        ("ning", "morning", 0),
        ("light", "light", 1),
    ]
    for note in alignment.notes:
        assert note.vowel_onset == pytest.approx(note.start, abs=0.001)
    again = run(runtime, queue, alignment.request().model_dump(mode="json"))
    assert again.state is JobState.SUCCEEDED, again.error
    assert {a.sha256 for a in job.artifacts if a.name == "vocals.wav"} <= {a.sha256 for a in again.artifacts}


def test_the_same_request_gives_the_same_bytes_and_another_seed_others(
    runtime: Runtime, queue: InProcessQueue, instrumental: str
) -> None:
    def hashes(seed: int) -> dict[str, str]:
        job = run(runtime, queue, request_of(instrumental=instrumental, seed=seed))
        return {artifact.name: artifact.sha256 for artifact in job.artifacts if artifact.name.endswith(".wav")}

    first, second, other = hashes(1), hashes(1), hashes(2)
    assert first == second
    assert first["vocals.wav"] != other["vocals.wav"]


def test_without_a_band_there_is_the_voice_alone(runtime: Runtime, queue: InProcessQueue) -> None:
    job = run(runtime, queue, request_of(voice="tenor"))
    assert {artifact.name for artifact in job.artifacts} == FILES
    assert job.result is not None
    assert (job.result["engine"], job.result["voice"]) == ("hibari", "tenor")
    assert (job.result["singer_range"], job.result["notes_outside_range"]) == ([46, 64], 0)


def test_another_language_and_voices_of_its_own_are_left_to_espeak(runtime: Runtime, queue: InProcessQueue) -> None:
    for changes, voice in (({"voice": "linda"}, "en-us+linda"), ({"language": "nl", "voice": "alto"}, "nl+linda")):
        job = run(runtime, queue, request_of(**changes))
        assert job.result is not None
        assert (job.result["engine"], job.result["voice"]) == ("espeak-ng", voice)


def test_a_given_melody_keeps_its_pitch_and_the_report_counts_what_lies_outside_the_range(
    runtime: Runtime, queue: InProcessQueue
) -> None:
    job = run(runtime, queue, request_of(notes=[{**note, "pitch": note["pitch"] + 12} for note in NOTES], voice="alto"))
    assert job.result is not None
    assert job.result["notes_outside_range"] == 3
    assert job.result["within_50_cents"] > 0.9


@pytest.mark.parametrize(
    ("changes", "error", "detail"),
    [
        ({"voice": "pavarotti"}, "unknown-voice", "the nearest are"),
        ({"voice": "tenro"}, "unknown-voice", "the nearest are tenor, "),
        ({"engine": "expeak"}, "unknown-engine", "the nearest are espeak, "),
        ({"language": "tlh"}, "unknown-voice", "the nearest are"),
        ({"instrumental": "0" * 64}, "not-found", "not in the store"),
        ({"instrumental": "band.wav"}, "invalid-request", "64 hexadecimal digits"),
        ({"seconds": 1.0}, "invalid-request", "the last note ends at 2.20 s"),
    ],
)
def test_melodies_that_cannot_be_sung_fail_at_once_with_the_reason(
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
    rows += [("", 62, 0.4), (None, 60, 1e-6), ("US", 64, 0.3)]
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


def finished_song(runtime: Runtime, tenant: str, instrumental: str) -> None:
    """A finished song of a tenant's, with this instrumental."""
    lease = runtime.store.claim(runtime.store.submit(NewJob("song", {}, tenant)).job.id, "tester")
    assert lease is not None
    artifact = Artifact(name="instrumental.wav", sha256=instrumental, size=1, media_type="audio/wav")
    runtime.store.succeed(lease, {}, [artifact])


def test_an_instrumental_of_another_tenant_is_refused_like_one_that_does_not_exist(
    runtime: Runtime, client: TestClient, instrumental: str
) -> None:
    finished_song(runtime, "another", instrumental)

    def refusal(sha256: str) -> str:
        answer = client.post("/v1/vocals", json={"notes": NOTES, "seconds": 3.0, "instrumental": sha256})
        assert answer.status_code == 422
        return str(answer.json()["detail"]).replace(sha256, "")

    assert refusal(instrumental) == refusal("ab" * 32)
    finished_song(runtime, "local", instrumental)
    accepted = client.post("/v1/vocals", json={"notes": NOTES, "seconds": 3.0, "instrumental": instrumental})
    assert accepted.status_code == 202


def test_the_service_takes_melodies_over_http(
    runtime: Runtime, queue: InProcessQueue, client: TestClient, instrumental: str
) -> None:
    finished_song(runtime, "local", instrumental)
    answer = client.post("/v1/vocals", json={"notes": NOTES, "seconds": 3.0, "instrumental": instrumental})
    assert answer.status_code == 202
    queue.run_all(runtime, {"vocal": sing})
    job = client.get(answer.headers["location"]).json()
    assert job["state"] == "succeeded"
    audio = client.get(f"{answer.headers['location']}/artifacts/vocals.wav")
    assert audio.content[:4] == b"RIFF"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"notes": []}, "notes"),
        ({"notes": [{**NOTES[0], "pitch": 12}]}, "pitch"),
        ({"notes": [NOTES[1], NOTES[0]]}, "one singer sings one note"),
        ({"notes": [{**NOTES[0], "syllable": None}]}, "no note carries a syllable"),
        ({"seconds": 1.0}, "the last note ends"),
        ({"instrumental": "ab" * 32}, "no job of yours"),
    ],
)
def test_a_bad_request_is_refused_when_submitted(client: TestClient, changes: dict[str, Any], words: str) -> None:
    answer = client.post("/v1/vocals", json={"notes": NOTES, "seconds": 3.0, **changes})
    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert words in answer.text


def test_importing_the_service_loads_no_heavy_libraries() -> None:
    import subprocess
    import sys

    heavy = ["numpy", "scipy", "soundfile"]
    code = f"import bandmate_vocal.api, bandmate_vocal.tasks, sys; print([m for m in {heavy} if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_the_language_is_named_with_what_named_it(runtime: Runtime, queue: InProcessQueue) -> None:
    words = [
        ("Stil", False),
        ("le", True),
        ("Nacht", True),
        ("hei", False),
        ("li", False),
        ("ge", True),
        ("Nacht", True),
    ]
    notes = [
        {"onset": 0.4 * number, "duration": 0.4, "pitch": 60 + number % 3, "syllable": text, "word_end": end}
        for number, (text, end) in enumerate(words)
    ]
    for changes, expected in [
        ({}, ("de", "words", "de+linda")),
        ({"language": "de-AT"}, ("de-AT", "request", "de+linda")),
        ({"language": "de", "language_source": "score"}, ("de", "score", "de+linda")),
        ({"voice": "en-gb+linda"}, ("en-GB", "voice", "en-gb+linda")),
    ]:
        job = run(runtime, queue, request_of(notes=notes, engine="espeak", **changes))
        assert job.result is not None, job.error
        assert (job.result["language"], job.result["language_source"], job.result["voice"]) == expected


def test_another_script_is_refused_at_submission(runtime: Runtime) -> None:
    request = request_of(notes=[{"onset": 0, "duration": 1, "pitch": 60, "syllable": "夜"}])
    with TestClient(create_app(runtime, "vocal", routers(runtime)), base_url="http://127.0.0.1") as client:
        answer = client.post("/v1/vocals", json=request)
        assert (answer.status_code, answer.json()["type"].rpartition(":")[2].rpartition("/")[2]) == (
            422,
            "script-not-sung",
        )
        assert "Chinese script" in answer.json()["detail"]
        answer = client.post("/v1/vocals", json=request_of(voice="sopranno"))
        assert "the nearest are soprano, " in answer.json()["detail"]


def test_voices_are_listed_with_what_installs_them(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    with TestClient(create_app(runtime, "vocal", routers(runtime)), base_url="http://127.0.0.1") as client:
        items = {
            voice["name"]: voice for voice in client.get("/v1/voices", params={"language": "de-AT"}).json()["items"]
        }
        assert {"alto", "tenor", "pico-de", "Vicki"} <= items.keys()
        assert not {"pico-fr", "Joanna"} & items.keys()
        assert items["alto"]["installed"] is True
        monkeypatch.setitem(choice._IS_HERE, "pico", lambda _: False)
        items = {voice["name"]: voice for voice in client.get("/v1/voices").json()["items"]}
        assert (items["pico-de"]["installed"], items["pico-de"]["install"]) == (False, "pip install 'bandmate[pico]'")
        assert items["alto"]["sung_by"]["de"] == "espeak"
        assert client.get("/v1/voices", params={"language": "tlh"}).status_code == 422


def test_an_engine_that_is_not_installed_names_the_line_that_installs_it(
    runtime: Runtime, queue: InProcessQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(choice._IS_HERE, "pico", lambda _: False)
    for changes in ({"engine": "pico"}, {"voice": "pico-en"}):
        job = run(runtime, queue, request_of(**changes))
        assert job.error is not None
        assert job.error.type == "speech-engine-missing"
        assert "`pip install 'bandmate[pico]'`" in job.error.detail
