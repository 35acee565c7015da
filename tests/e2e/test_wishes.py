"""Song options through the real platform: by HTTP, the submissions stream and the command line."""

import base64
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from bandmate_music.midi.edit import given_tracks
from bandmate_music.midi.events import split_chunks

from tests.support.platform_process import PlatformProcess, eventually, run_bandmate

BAR = 1920
PLAYED_EARLY = 24
"""Ticks by which a played note may lie beside the grid: 480 a quarter."""
BAND = {
    "style": "pop",
    "key": "C",
    "bars": 6,
    "metre": "4/4",
    "seed": 21,
    "instruments": ["violin", "piano", "bass"],
    "chords": "C | Am | F | G",
    "density": "medium",
    "polyphony": 3,
    "candidates": 2,
}


@pytest.fixture(scope="module")
def song(platform: PlatformProcess) -> dict[str, Any]:
    """One song with many options, shared by the tests of this module."""
    return make_song(platform, BAND)


def make_song(platform: PlatformProcess, request: dict[str, Any]) -> dict[str, Any]:
    job = platform.finished("songs", platform.submit("songs", request))
    assert job["state"] == "succeeded", job["error"]
    return job


def artifact(platform: PlatformProcess, job: dict[str, Any], name: str) -> bytes:
    response = platform.http("GET", f"/v1/songs/{job['id']}/artifacts/{name}")
    assert response.status_code == 200, response.text
    return response.content


def report(platform: PlatformProcess, job: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(artifact(platform, job, "report.json"))
    assert {name for name, entry in content["properties"].items() if entry["hard"] and not entry["met"]} == set()
    return content


def test_the_song_and_its_report_match_the_request(platform: PlatformProcess, song: dict[str, Any]) -> None:
    properties = report(platform, song)["properties"]
    assert set(properties["instruments"]["measured"]) == {"Violin", "Piano", "Bass"}
    assert max(properties["polyphony"]["measured"].values()) <= 3
    assert properties["chords"]["measured"]["share"] > 0.5
    assert {"level", "notes_a_quarter"} <= set(properties["density"]["measured"]["Piano"])
    assert len(report(platform, song)["ranking"]) == 2


def test_only_the_given_bars_are_recomposed(platform: PlatformProcess, song: dict[str, Any]) -> None:
    again = make_song(
        platform, {"prompt": f"song:{song['id']}", "infill": {"bars": "5-6", "tracks": ["Violin"]}, "seed": 1}
    )
    before, after = artifact(platform, song, "song.mid"), artifact(platform, again, "song.mid")
    old_chunks, new_chunks = split_chunks(before), split_chunks(after)
    changed = [
        number for number in range(len(old_chunks.tracks)) if old_chunks.track(number) != new_chunks.track(number)
    ]
    assert changed == [1]
    tracks = zip(given_tracks(before), given_tracks(after), strict=True)
    assert all(
        [note for note in old.notes if note[0] < 4 * BAR] == [note for note in new.notes if note[0] < 4 * BAR]
        for old, new in tracks
    )
    assert report(platform, again)["properties"]["untouched"]["met"]
    assert again["request"]["style"] == "pop"


def test_a_song_is_extended(platform: PlatformProcess, song: dict[str, Any]) -> None:
    longer = make_song(platform, {"prompt": f"song:{song['id']}", "bars": 8, "seed": 2})
    properties = report(platform, longer)["properties"]
    assert (properties["bars"]["measured"], properties["prompt"]["measured"]["bars"]) == (8, 6)
    assert set(properties["instruments"]["measured"]) == {"Violin", "Piano", "Bass"}
    before, after = (given_tracks(artifact(platform, job, "song.mid")) for job in (song, longer))
    for old, new in zip(before, after, strict=True):
        opening = sorted((note[0], note[2]) for note in new.notes if note[0] < 6 * BAR - PLAYED_EARLY)
        assert [pitch for _, pitch in opening] == [note[2] for note in old.notes]
        # The song was played; the one that goes on from it has its notes on the model's grid.
        assert all(
            abs(new_onset - note[0]) <= PLAYED_EARLY for (new_onset, _), note in zip(opening, old.notes, strict=True)
        )


def test_the_queue_takes_the_same_options(platform: PlatformProcess, song: dict[str, Any]) -> None:
    client = shutil.which("redis-cli") or str(Path(sys.executable).with_name("redis-cli"))
    request = json.dumps({"prompt": f"song:{song['id']}", "add": ["drums"], "density": 3, "seed": 77})
    command = [client, "-u", platform.info["broker_url"], "XADD", "bandmate-submissions", "*", "request", request]
    subprocess.run(command, check=True, capture_output=True, timeout=20)

    def submitted() -> list[dict[str, Any]]:
        listed = platform.http("GET", "/v1/songs").json()["items"]
        return [job for job in listed if job["request"]["seed"] == 77]

    eventually(lambda: len(submitted()) == 1, "the submission to become a job")
    job = platform.finished("songs", submitted()[0]["id"])
    assert job["state"] == "succeeded", job["error"]
    before, after = (artifact(platform, finished, "song.mid") for finished in (song, job))
    assert split_chunks(after).chunks[: len(split_chunks(before).chunks)] == split_chunks(before).chunks
    assert given_tracks(after)[-1].is_drum


def test_the_command_line_takes_the_same_options(
    platform: PlatformProcess, home: Path, song: dict[str, Any], tmp_path: Path
) -> None:
    given_file = tmp_path / "given.mid"
    given_file.write_bytes(artifact(platform, song, "song.mid"))
    result = run_bandmate(
        home,
        *("song", "--prompt", str(given_file), "--variation", "0.4", "--tracks", "Piano, bass", "--seed", "5"),
        *("--candidates", "2", "--style", "pop", "--out", str(tmp_path / "out"), "--json"),
    )
    assert result.returncode == 0, result.stderr
    properties = json.loads(result.stdout)["report"]["properties"]
    assert properties["untouched"]["met"]
    assert set(properties["variation"]["measured"]["notes"]) <= {"Piano", "Bass"}
    assert given_tracks((tmp_path / "out" / "song.mid").read_bytes())[0] == given_tracks(given_file.read_bytes())[0]


def test_impossible_options_are_refused_at_once(platform: PlatformProcess, home: Path, song: dict[str, Any]) -> None:
    request = {"prompt": base64.b64encode(artifact(platform, song, "song.mid")).decode(), "infill": {"bars": "5-9"}}
    refused = platform.http("POST", "/v1/songs", json=request)
    assert refused.status_code == 422
    assert "there is no bar 9: the given piece has 6 bars" in refused.json()["detail"]
    result = run_bandmate(home, "song", "--chords", "C | Hm7")
    assert result.returncode == 1
    assert "bar 2" in result.stderr
    assert "Hm7" in result.stderr
