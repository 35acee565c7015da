"""The song job with a real model in a real model server: every artifact, the same bytes twice, sung words, takes."""

import io
import json
import os
import time
import wave
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import pytest
from bandmate_generate.audio.render import TAIL_SECONDS
from bandmate_generate.planning.plan import plan_song
from bandmate_generate.planning.song_plan import EditPlan, WritePlan
from bandmate_generate.settings import GenerateSettings
from bandmate_generate.song import song, take_seed
from bandmate_music.audio.loudness import integrated_lufs, true_peak_dbtp
from bandmate_music.midi.read import read_midi
from bandmate_shared.contracts.songs import SongReport, SongRequest
from bandmate_shared.jobs.execution.context import Done, Handler, JobContext
from bandmate_shared.jobs.execution.inprocess import InProcessQueue
from bandmate_shared.jobs.model import Job, NewJob
from bandmate_shared.objects.blobs import blob_key
from bandmate_shared.runtime import Runtime

from tests.support.language_model import LanguageModel

from .conftest import Workplace

FILES = {
    "song.mid",
    "song.musicxml",
    "pianoroll.png",
    "instrumental.wav",
    "song.wav",
    "report.json",
    "notes.json",
    "timemap.json",
    "peaks.json",
}
SUNG = {"vocals.wav", "vocal.json", "alignment.json", "lyrics.lrc", "pitch.svg", "words.json"}
LYRICS = "The river runs beneath the moon\nAnd carries all my dreams away"


def handlers(settings: GenerateSettings, **more_handlers: Handler) -> Mapping[str, Handler]:
    return {"song": partial(song, settings=settings), "take": partial(song, settings=settings), **more_handlers}


def run(place: Workplace, **fields: Any) -> Job:
    """Submit and run a song; `vocal` jobs are sung by the real vocal service."""
    from bandmate_vocal.sing import sing

    request = SongRequest.model_validate(fields)
    submitted = place.runtime.store.submit(NewJob("song", request.model_dump(mode="json")))
    queue = place.runtime.publisher
    assert isinstance(queue, InProcessQueue)
    queue.run_all(place.runtime, handlers(place.settings, vocal=sing))
    return place.runtime.store.get(submitted.job.id)


def content(runtime: Runtime, job: Job, name: str) -> bytes:
    artifact = job.artifact(name)
    assert artifact is not None, f"{name} is missing"
    return runtime.storage.get(blob_key(artifact.sha256))


def report_of(runtime: Runtime, job: Job) -> SongReport:
    return SongReport.model_validate_json(content(runtime, job, "report.json"))


def samples(data: bytes) -> np.ndarray:
    with wave.open(io.BytesIO(data)) as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (44100, 2, 2)
        return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, 2).astype(np.float32) / 32767


def test_a_song_without_words(workplace: Workplace) -> None:
    job = run(workplace, style="folk", key="E minor", bars=6, tempo=104, metre="4/4", seed=11)
    assert job.error is None
    runtime = workplace.runtime
    stems = {"stems/fiddle.wav", "stems/guitar.wav", "stems/double-bass.wav"}
    assert {artifact.name for artifact in job.artifacts} == FILES | stems

    score = read_midi(content(runtime, job, "song.mid"), runtime.settings.file_limits)
    assert score.tempi[0].tempo == pytest.approx(104, abs=0.01)
    assert 5 * 1920 < score.end <= 6 * 1920
    sound = samples(content(runtime, job, "song.wav"))
    assert len(sound) == round((6 * 4 * 60 / 104 + TAIL_SECONDS) * 44100)
    assert integrated_lufs(sound) == pytest.approx(-14.0, abs=0.5)
    assert true_peak_dbtp(sound) <= -1.0

    report = report_of(runtime, job)
    assert report.seed == 11
    assert report.model["id"] == workplace.model.id
    assert all(report.properties[name].met for name in ("tempo", "metre", "bars", "range"))
    assert report.soundfont["licence"]
    assert {"compose", "score", "render", "mix"} <= set(report.timings)
    assert report.notes == score.note_count


def test_the_same_request_gives_the_same_bytes(workplace: Workplace) -> None:
    fields = {"style": "pop", "bars": 4, "seed": 5}
    first, second = run(workplace, **fields), run(workplace, **fields)
    assert first.id != second.id
    hashes = [{a.name: a.sha256 for a in job.artifacts if a.name != "report.json"} for job in (first, second)]
    assert hashes[0] == hashes[1]
    other = run(workplace, **{**fields, "seed": 6})
    assert other.artifact("song.mid") != first.artifact("song.mid")


def test_a_song_without_a_seed_tells_the_one_it_took(workplace: Workplace) -> None:
    job = run(workplace, style="chorale", bars=2)
    assert job.result is not None
    again = run(workplace, style="chorale", bars=2, seed=job.result["seed"])
    assert again.artifact("song.mid") == job.artifact("song.mid")


def test_words_are_sung_on_the_melody(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    planned: list[SongRequest] = []

    def plan_once(request: SongRequest, *rest: Any) -> WritePlan | EditPlan:
        planned.append(request)
        return plan_song(request, *rest)

    monkeypatch.setattr("bandmate_generate.song.plan_song", plan_once)
    job = run(workplace, style="folk", key="D", lyrics=LYRICS, seed=3, metre="4/4", tempo=92)
    assert job.error is None
    runtime = workplace.runtime
    stems = {"stems/guitar.wav", "stems/double-bass.wav"}
    assert {artifact.name for artifact in job.artifacts} == FILES | stems | SUNG
    score = read_midi(content(runtime, job, "song.mid"), runtime.settings.file_limits)
    voice = score.parts[0]
    assert " ".join(_words(voice.lyrics)) == LYRICS.replace("\n", " ")
    report = report_of(runtime, job)
    assert report.properties["bars"].measured == 4
    assert report.properties["lyrics"].met
    assert report.vocal is not None
    assert report.vocal["within_50_cents"] >= 0.95
    assert report.timings["sing"] > 0
    events = [event.type for event in runtime.store.events(job.id)]
    assert events.index("bandmate.song.generated") < events.index("bandmate.song.completed")
    assert len(planned) == 1, "what the report needs of the plan is saved while the singer sings"
    children = runtime.store.children(job.id)
    assert [child.kind for child in children] == ["vocal"]
    assert children[0].request["instrumental"] == job.artifact("instrumental.wav").sha256  # type: ignore[union-attr]


def _words(lyrics: Any) -> list[str]:
    words, word = [], ""
    for lyric in lyrics:
        word += lyric.text
        if lyric.word_end:
            words.append(word)
            word = ""
    return words


def test_a_singer_who_fails_fails_the_song_with_the_reason(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Joanna is a voice of Amazon Polly, which nobody may use without credentials."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    job = run(workplace, style="folk", lyrics=LYRICS, seed=3, voice="Joanna")
    assert job.state == "failed"
    assert job.error is not None
    assert job.error.type == "speech-denied"
    assert "no usable AWS credentials" in job.error.detail


def test_a_song_says_in_which_language_it_is_sung(workplace: Workplace) -> None:
    job = run(workplace, style="folk", lyrics="Stille Nacht, heilige Nacht, alles schläft, einsam wacht", seed=3)
    assert job.result is not None, job.error
    report = report_of(workplace.runtime, job)
    assert (report.language, report.language_source) == ("de", "words")
    assert report.vocal is not None
    assert (report.vocal["language"], report.vocal["language_source"]) == ("de", "words")


def test_takes_differ_and_the_first_is_the_single_one(workplace: Workplace) -> None:
    job = run(workplace, style="song", bars=2, takes=2, seed=9)
    assert job.result is not None
    assert [take["seed"] for take in job.result["takes"]] == [9, take_seed(9, 1)]
    names = {artifact.name for artifact in job.artifacts}
    assert {"take-1/song.wav", "take-2/song.mid", "take-2/report.json"} <= names
    assert job.artifact("take-1/song.mid").sha256 != job.artifact("take-2/song.mid").sha256  # type: ignore[union-attr]
    single = run(workplace, style="song", bars=2, seed=9)
    assert job.artifact("take-1/song.mid").sha256 == single.artifact("song.mid").sha256  # type: ignore[union-attr]


def test_a_song_goes_on_from_a_prompt(workplace: Workplace) -> None:
    import base64

    runtime = workplace.runtime
    first = run(workplace, style="song", key="G", bars=2, metre="4/4", seed=2)
    encoded = base64.b64encode(content(runtime, first, "song.mid")).decode()
    longer = run(workplace, style="song", bars=4, prompt=encoded, seed=4)
    assert longer.error is None
    limits = runtime.settings.file_limits
    scores = [read_midi(content(runtime, job, "song.mid"), limits) for job in (first, longer)]
    assert report_of(runtime, longer).properties["prompt"].measured["bars"] == 2
    opening = scores[1].parts[1].notes
    prompt_pitches = opening.pitch[opening.onset < 2 * 1920]
    assert sorted(prompt_pitches.tolist()) == sorted(scores[0].parts[1].notes.pitch.tolist())


def test_a_model_that_is_away_is_tried_again_and_named(workplace: Workplace) -> None:
    settings = workplace.settings.model_copy(update={"model_url": "http://127.0.0.1:9", "model_start_seconds": 0.2})
    submitted = workplace.runtime.store.submit(NewJob("song", SongRequest(bars=2).model_dump(mode="json")))
    queue = workplace.runtime.publisher
    assert isinstance(queue, InProcessQueue)
    deadline = time.monotonic() + 60  # The store lets a little time pass between attempts.
    while not (job := workplace.runtime.store.get(submitted.job.id)).state.is_final:
        assert time.monotonic() < deadline, f"still {job.state} after attempt {job.attempt}"
        queue.run_all(workplace.runtime, handlers(settings))
        time.sleep(0.05)
    assert job.state == "failed"
    assert job.attempt == workplace.settings.max_attempts
    assert job.error is not None
    assert "model container at http://127.0.0.1:9" in job.error.detail


def test_an_unknown_style_fails_at_once(workplace: Workplace) -> None:
    job = run(workplace, style="polka")
    assert job.state == "failed"
    assert job.attempt == 1
    assert job.error is not None
    assert job.error.type == "unknown-style"


def test_the_report_is_json_that_anyone_reads(workplace: Workplace) -> None:
    job = run(workplace, style="quartet", bars=3, metre="3/4", seed=8)
    report = json.loads(content(workplace.runtime, job, "report.json"))
    assert report["kind"] == "song"
    assert set(report["properties"]["instruments"]["measured"]) <= {"Violin I", "Violin II", "Viola", "Cello"}
    assert len(report["properties"]["chords"]["measured"]) == 3


def test_cancelling_stops_the_song(workplace: Workplace) -> None:
    store = workplace.runtime.store
    job = store.submit(NewJob("song", SongRequest(bars=2, seed=1).model_dump(mode="json"))).job

    def cancelled_at_once(context: JobContext) -> Any:
        store.cancel(job.id, "local")
        answer = song(context, workplace.settings)
        assert not isinstance(answer, Done), "the song was finished in spite of it"
        return answer

    queue = workplace.runtime.publisher
    assert isinstance(queue, InProcessQueue)
    queue.run_all(workplace.runtime, {"song": cancelled_at_once})
    assert store.get(job.id).state == "cancelled"


def test_words_on_demand_are_written_kept_and_sung(workplace: Workplace) -> None:
    with LanguageModel() as model:
        settings = workplace.settings.model_copy(update={"words_url": f"{model.url}/v1", "words_model": "small"})
        place = Workplace(workplace.runtime, settings, workplace.model)
        job = run(place, lyrics={"about": "rain"}, bars=4, style="folk", seed=3, text="a folk song about rain, and fog")
    words = content(place.runtime, job, "words.txt").decode()
    assert words == "The rain is falling on the roof\nIt sings a song for me"
    report = report_of(place.runtime, job)
    assert report.properties["lyrics"].met
    assert report.vocal is not None
    assert report.text is not None
    assert [entry.field for entry in report.text.understood] == ["style", "about"]
