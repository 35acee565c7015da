"""What a finished song is handed over as: data for a player, engraved pages, other formats, one archive."""

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import soundfile
from bandmate_generate.api import routers
from bandmate_music.midi.read import read_midi
from bandmate_shared.http.app import create_app
from bandmate_shared.jobs.model import Job
from starlette.testclient import TestClient

from .conftest import Workplace
from .test_song import content, report_of
from .test_song_edits import ask

SONG = {"style": "folk", "key": "D", "bars": 4, "metre": "4/4", "seed": 5, "lyrics": "The river runs\nBeneath the moon"}


@pytest.fixture
def client(workplace: Workplace) -> Iterator[TestClient]:
    app = create_app(workplace.runtime, "Bandmate generate", routers(workplace.runtime))
    with TestClient(app, "http://127.0.0.1") as client:
        yield client


def test_a_sung_song_is_handed_over_whole(client: TestClient, workplace: Workplace) -> None:
    song = ask(workplace, **SONG)
    _check_player_data(workplace, song)
    _check_gains(workplace, song)
    path = f"/v1/songs/{song.id}"
    page = client.get(f"{path}/score.svg")
    assert (page.status_code, page.headers["content-type"]) == (200, "image/svg+xml")
    assert page.text.lstrip().startswith("<svg")
    assert int(page.headers["score-pages"]) >= 1
    assert client.get(f"{path}/score.svg").content == page.content, "the same bytes each time"
    assert client.get(f"{path}/score.svg", headers={"If-None-Match": page.headers["etag"]}).status_code == 304
    assert client.get(f"{path}/score.svg", params={"page": 99}).status_code == 404
    _check_positions(client.get(f"{path}/score.json").json(), int(page.headers["score-pages"]))
    wav, rate = soundfile.read(io.BytesIO(content(workplace.runtime, song, "song.wav")), dtype="int16")
    flac, flac_rate = soundfile.read(io.BytesIO(client.get(f"{path}/audio/song.flac").content), dtype="int16")
    assert rate == flac_rate
    assert np.array_equal(wav, flac), "without loss"
    for extension, media_type in (("mp3", "audio/mpeg"), ("opus", "audio/ogg")):
        answer = client.get(f"{path}/audio/stems/guitar.{extension}")
        assert answer.headers["content-type"] == media_type
        assert soundfile.info(io.BytesIO(answer.content)).duration == pytest.approx(len(wav) / rate, abs=0.2)
        assert len(answer.content) < len(wav) * 4 / 3
    assert client.get(f"{path}/audio/song.aiff").status_code == 404
    _check_archive(client.get(f"{path}/archive.zip").content)
    assert client.get(f"{path}/archive.zip").content == client.get(f"{path}/archive.zip").content
    assert client.get(f"{path}/archive.zip", params={"take": 2}).status_code == 404


def _check_player_data(workplace: Workplace, song: Job) -> None:
    read = lambda name: json.loads(content(workplace.runtime, song, name))  # noqa: E731
    score = read_midi(content(workplace.runtime, song, "song.mid"), workplace.runtime.settings.file_limits)
    notes = read("notes.json")["parts"]
    assert [len(part["notes"]) for part in notes] == [len(part.notes) for part in score.parts]
    assert [part["stem"] for part in notes] == [None, "guitar", "double-bass"], "the singer has no stem of the band"
    timemap = read("timemap.json")
    assert [bar["number"] for bar in timemap["bars"]] == [1, 2, 3, 4]
    assert timemap["bars"][1]["tick"] == 1920
    assert timemap["bars"][1]["seconds"] == pytest.approx(score.seconds_at([1920])[0], abs=1e-3)
    assert [section["title"] for section in timemap["sections"]] == [mark.text for mark in score.sections]
    peaks = read("peaks.json")
    assert peaks["stems"].keys() == {"guitar", "double-bass", "song", "vocals"}
    assert all(len(points) == 2 * peaks["columns"] for points in peaks["stems"].values())
    assert max(peaks["stems"]["song"]) > 20


def _check_positions(positions: dict[str, Any], pages: int) -> None:
    """Every bar has its place on a page, and its notes stand in it from left to right."""
    assert positions["pages"] == pages
    assert [bar["bar"] for bar in positions["bars"]] == [1, 2, 3, 4]
    right, top = 0.0, 0.0
    for bar in positions["bars"]:
        assert 1 <= bar["page"] <= pages
        assert bar["left"] == pytest.approx(right) or bar["top"] > top, "beside the bar before, or on a new line"
        right, top = bar["right"], bar["top"]
        shares, places = zip(*bar["onsets"], strict=True)
        assert shares[0] == 0.0
        assert list(shares) == sorted(set(shares))
        assert list(places) == sorted(set(places))
        assert bar["left"] < places[0] <= places[-1] < bar["right"]
        assert bar["bottom"] - bar["top"] > 0.05


def _check_gains(workplace: Workplace, song: Job) -> None:
    """With its gains the stems add up to about the song.

    What is left are the limiter, the dips of the band under the words, and the voice's channel strip and room.
    """
    gains = report_of(workplace.runtime, song).mix["gains"]
    assert gains.keys() == {"guitar", "double-bass", "vocals"}

    def sound(name: str) -> np.ndarray:
        samples, _ = soundfile.read(io.BytesIO(content(workplace.runtime, song, name)), dtype="float32", always_2d=True)
        return np.repeat(samples, 2, axis=1) if samples.shape[1] == 1 else samples

    mix = sum(gain * sound("vocals.wav" if name == "vocals" else f"stems/{name}.wav") for name, gain in gains.items())
    master = sound("song.wav")
    length = min(len(mix), len(master))
    left = float(np.sqrt(np.mean((mix[:length] - master[:length]) ** 2)))
    assert left < 0.65 * float(np.sqrt(np.mean(master**2)))


def _check_archive(data: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        assert {"song.wav", "song.mid", "song.musicxml", "report.json", "lyrics.lrc", "lyrics.srt"} <= set(names)
        assert [name for name in names if name.startswith("stems/")] == [
            "stems/01-vocals.wav",
            "stems/02-guitar.wav",
            "stems/03-double-bass.wav",
        ]
        lines = archive.read("lyrics.lrc").decode().splitlines()
        assert [line.partition("]")[2] for line in lines[1:]] == ["The river runs", "Beneath the moon"]
        assert "1\n00:00:" in archive.read("lyrics.srt").decode()
        assert archive.testzip() is None
