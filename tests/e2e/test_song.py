"""A sung song through the real platform: by HTTP, the submissions stream and the command line."""

import hashlib
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import soundfile

from tests.support.platform_process import PlatformProcess, eventually, run_bandmate

WORDS = "The kettle sings, the window glows\nA fiddle hums beneath the snow"
REQUEST = {"style": "folk", "key": "D", "tempo": 100, "metre": "4/4", "bars": 4, "seed": 11, "lyrics": WORDS}
PROMISED = {"song.mid", "song.musicxml", "instrumental.wav", "pianoroll.png", "song.wav", "vocals.wav", "report.json"}


@pytest.fixture(scope="module")
def song(platform: PlatformProcess) -> dict[str, Any]:
    """One sung song, shared by the tests of this module."""
    job = platform.finished("songs", platform.submit("songs", REQUEST))
    assert job["state"] == "succeeded", job["error"]
    return job


def artifact(platform: PlatformProcess, job: dict[str, Any], name: str) -> bytes:
    response = platform.http("GET", f"/v1/songs/{job['id']}/artifacts/{name}")
    assert response.status_code == 200, response.text
    return response.content


def events(platform: PlatformProcess, job_id: str, after: int = 0) -> list[dict[str, Any]]:
    response = platform.http(
        "GET", f"/v1/songs/{job_id}/events", headers={"Last-Event-ID": str(after)} if after else {}
    )
    return [json.loads(line[5:]) for line in response.text.splitlines() if line.startswith("data:")]


def hashes_of_music(job: dict[str, Any]) -> dict[str, str]:
    """Hashes of all files except the reports, which contain the job's id and its duration."""
    return {entry["name"]: entry["sha256"] for entry in job["artifacts"] if entry["media_type"] != "application/json"}


def test_every_promised_file_is_what_its_hash_says(platform: PlatformProcess, song: dict[str, Any]) -> None:
    listed = {entry["name"]: entry for entry in song["artifacts"]}
    assert set(listed) >= PROMISED
    assert any(name.startswith("stems/") for name in listed)
    for name, entry in listed.items():
        data = artifact(platform, song, name)
        assert len(data) == entry["size"]
        assert hashlib.sha256(data).hexdigest() == entry["sha256"]


def test_the_song_has_the_requested_length_and_is_not_silent(platform: PlatformProcess, song: dict[str, Any]) -> None:
    lengths = {}
    for name in ("song.wav", "instrumental.wav", "vocals.wav"):
        samples, rate = soundfile.read(io.BytesIO(artifact(platform, song, name)), always_2d=True)
        lengths[name] = len(samples) / rate
        assert abs(samples).max() > 0.05, f"{name} is silent"
    four_bars = 4 * 4 * 60 / 100
    assert all(four_bars <= seconds < four_bars + 8 for seconds in lengths.values()), lengths


def test_the_report_measures_the_requested_properties(platform: PlatformProcess, song: dict[str, Any]) -> None:
    report = json.loads(artifact(platform, song, "report.json"))
    assert report["seed"] == 11
    assert report["job_id"] == song["id"]
    missed = {name: entry for name, entry in report["properties"].items() if not entry["met"]}
    assert missed == {}
    assert report["loudness"]["integrated_lufs"] == pytest.approx(-14.0, abs=1.0)
    assert report["loudness"]["true_peak_dbtp"] <= -0.9


def test_events_can_be_read_from_any_point(platform: PlatformProcess, song: dict[str, Any]) -> None:
    history = events(platform, song["id"])
    assert history[0]["type"] == "job.queued"
    assert history[-1]["type"] == "job.succeeded"
    stages = [event["data"]["stage"] for event in history if event["type"] == "stage"]
    assert [stage for stage in ("compose", "score", "render", "report") if stage not in stages] == []
    middle = history[len(history) // 2]["seq"]
    assert events(platform, song["id"], after=middle) == history[middle:]


def test_the_same_request_gives_the_same_bytes(platform: PlatformProcess, song: dict[str, Any]) -> None:
    again = platform.finished("songs", platform.submit("songs", REQUEST))
    assert hashes_of_music(again) == hashes_of_music(song)


def test_a_redis_cli_command_submits_a_song(platform: PlatformProcess) -> None:
    client = shutil.which("redis-cli") or str(Path(sys.executable).with_name("redis-cli"))
    request = json.dumps({"style": "folk", "bars": 2, "seed": 3})
    command = [client, "-u", platform.info["broker_url"], "XADD", "bandmate-submissions", "*", "request", request]
    subprocess.run(command, check=True, capture_output=True, timeout=20)

    def submitted() -> list[dict[str, Any]]:
        listed = platform.http("GET", "/v1/songs").json()["items"]
        return [job for job in listed if job["request"]["seed"] == 3]

    eventually(lambda: len(submitted()) == 1, "the submission to become a job")
    job = platform.finished("songs", submitted()[0]["id"])
    assert job["state"] == "succeeded", job["error"]


def test_an_invalid_submission_becomes_a_dead_letter_with_the_reason(platform: PlatformProcess, home: Path) -> None:
    with platform.redis() as client:
        client.xadd("bandmate-submissions", {"request": '{"style": "folk", "bars": -2}'})
        client.xadd("bandmate-submissions", {"request": '{"style": "no-such-style"}'})
        client.xadd("bandmate-submissions", {"request": "not json"})

    def reasons() -> list[str]:
        result = run_bandmate(home, "jobs", "dead-letters", "--json")
        return [letter["reason"] for letter in json.loads(result.stdout) if letter["queue"] == "bandmate-submissions"]

    eventually(lambda: len(reasons()) == 3, "three dead letters")
    text = "\n".join(reasons())
    assert "bars" in text
    assert "no-such-style" in text
    assert "not JSON" in text


def test_the_command_line_uses_the_platform_that_runs(platform: PlatformProcess, home: Path, tmp_path: Path) -> None:
    before = {process.pid for process in platform.processes()}
    words = tmp_path / "words.txt"
    words.write_text(WORDS)
    result = run_bandmate(
        home,
        *("song", "--style", "folk", "--key", "D", "--bars", "4", "--metre", "4/4", "--seed", "11"),
        *("--lyrics", str(words), "--out", str(tmp_path / "out"), "--json"),
    )
    assert result.returncode == 0, result.stderr
    answer = json.loads(result.stdout)
    assert answer["state"] == "succeeded"
    assert answer["report"]["seed"] == 11
    assert (tmp_path / "out" / "song.wav").stat().st_size > 100_000
    assert set(answer["files"]) >= PROMISED
    assert {process.pid for process in platform.processes()} == before


def test_the_api_describes_itself(platform: PlatformProcess) -> None:
    assert platform.http("GET", "/docs").status_code == 200
    paths = platform.http("GET", "/openapi.json").json()["paths"]
    assert {"/v1/songs", "/v1/datasets", "/v1/trainings", "/v1/models", "/v1/vocals"} <= set(paths)
    assert "bandmate_" in platform.http("GET", "/metrics").text
