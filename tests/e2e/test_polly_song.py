"""A song with lyrics through the real platform, sung over Amazon Polly's wire format: in tune, and billed once."""

import io
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.support.platform_process import PlatformProcess
from tests.support.polly_server import PollyServer

WORDS = "The kettle sings, the window glows\nA fiddle hums beneath the snow"
REQUEST = {"style": "folk", "key": "D", "tempo": 100, "metre": "4/4", "bars": 4, "seed": 11, "lyrics": WORDS}


@pytest.fixture(scope="module")
def polly() -> Iterator[PollyServer]:
    with PollyServer() as server:
        yield server


@pytest.fixture(scope="module")
def singing(polly: PollyServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformProcess]:
    settings = {
        "BANDMATE_SPEECH_ENGINE": "polly",
        "BANDMATE_POLLY_VOICES": '{"alto": "Salli", "tenor": "Matthew"}',
        "AWS_ENDPOINT_URL_POLLY": polly.url,
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "AKIDTEST",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    process = PlatformProcess(tmp_path_factory.mktemp("polly") / "home", settings)
    try:
        yield process.start()
    finally:
        process.stop()


def vocal_report(platform: PlatformProcess, song: dict[str, Any]) -> dict[str, Any]:
    report = json.loads(artifact(platform, song, "report.json"))
    vocal: dict[str, Any] = report["vocal"]
    return vocal


def artifact(platform: PlatformProcess, song: dict[str, Any], name: str) -> bytes:
    response = platform.http("GET", f"/v1/songs/{song['id']}/artifacts/{name}")
    assert response.status_code == 200, response.text
    return response.content


def test_a_repeated_song_is_not_billed_again(singing: PlatformProcess, polly: PollyServer) -> None:
    polly.throttle(1)
    song = singing.finished("songs", singing.submit("songs", REQUEST))
    assert song["state"] == "succeeded", song["error"]
    first = vocal_report(singing, song)
    assert first["engine"] == "polly-neural"
    assert first["voice"] in ("Salli", "Matthew")
    assert first["within_50_cents"] > 0.95
    assert abs(first["vowel_onset_median_ms"]) < 15
    assert first["billed_characters"] == 2 * len(WORDS.replace(",", "").replace("\n", ""))
    calls = len(polly.calls)
    assert calls == 4
    voice, _ = soundfile.read(io.BytesIO(artifact(singing, song, "vocals.wav")))
    assert np.sqrt(np.mean(voice**2)) > 0.01

    again = singing.finished("songs", singing.submit("songs", REQUEST))
    second = vocal_report(singing, again)
    assert (second["billed_characters"], second["speech_from_cache"]) == (0, 2)
    assert len(polly.calls) == calls
    assert artifact(singing, again, "vocals.wav") == artifact(singing, song, "vocals.wav")
