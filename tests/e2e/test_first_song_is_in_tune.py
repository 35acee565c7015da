"""The song that `make song` makes, judged by a pitch tracker that is not the service's own."""

import io
import shlex
from pathlib import Path
from typing import Any

import pytest
import soundfile
from bandmate_music.midi.read import read_midi
from bandmate_shared.settings import SharedSettings

from tests.support.ear import hear
from tests.support.platform_process import PlatformProcess

ROOT = Path(__file__).parents[2]


def first_song_request() -> dict[str, Any]:
    """The song of `make song`, as a request body."""
    line = next(
        line for line in (ROOT / "Makefile").read_text().splitlines() if "bandmate song" in line and "\t" in line
    )
    words = shlex.split(line.split("bandmate song", 1)[1])
    options = dict(zip([word.removeprefix("--") for word in words[::2]], words[1::2], strict=True))
    del options["out"]
    request: dict[str, Any] = {**options, "lyrics": (ROOT / options["lyrics"]).read_text()}
    for name, kind in (("bars", int), ("seed", int), ("tempo", float)):
        request[name] = kind(request[name])
    return request


@pytest.mark.slow
def test_95_percent_of_the_voiced_frames_are_within_50_cents(platform: PlatformProcess) -> None:
    job = platform.finished("songs", platform.submit("songs", first_song_request()))
    assert job["state"] == "succeeded", job["error"]

    def artifact(name: str) -> bytes:
        return platform.http("GET", f"/v1/songs/{job['id']}/artifacts/{name}").content

    score = read_midi(artifact("song.mid"), SharedSettings().file_limits)
    melody = next(part for part in score.parts if part.lyrics).notes
    begins = score.seconds_at(melody.onset)
    lengths = score.seconds_at(melody.onset + melody.duration) - begins
    notes = list(zip(begins.tolist(), lengths.tolist(), melody.pitch.tolist(), strict=True))
    voice, rate = soundfile.read(io.BytesIO(artifact("vocals.wav")), dtype="float32", always_2d=True)

    entire_notes = hear(voice.mean(axis=1), rate, notes)
    assert entire_notes.frames > 400
    assert entire_notes.share >= 0.95
    interior = hear(voice.mean(axis=1), rate, notes, skip_begin=0.02, skip_end=0.05)
    assert interior.share >= 0.98
    assert interior.worst_cents < 25.0
