"""Invalid input is refused with a clear error by API and command line, without a hang or a traceback."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.platform_process import PlatformProcess, run_bandmate

JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffdb004300") + bytes(200)
BAD_SONGS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown style": ({"style": "no-such-style"}, "no-such-style"),
    "unknown key": ({"key": "H sharp"}, "H sharp"),
    "unknown model": ({"model": "no-such-model"}, "no-such-model"),
    "unknown metre": ({"metre": "4/5"}, "4/5"),
    "empty lyrics": ({"lyrics": " \n "}, "empty"),
    "no syllables": ({"lyrics": "123 !?\n456"}, "no syllables"),
    "10,000 lines": ({"lyrics": "la\n" * 10_000}, "lyrics"),
    "201 lines": ({"lyrics": "la\n" * 201}, "201 lines"),
    "negative bars": ({"bars": -1}, "bars"),
    "tempo 0": ({"tempo": 0}, "tempo"),
    "a JPEG as prompt": ({"prompt": base64.b64encode(JPEG).decode()}, "prompt"),
    "a prompt that is not base64": ({"prompt": "not base64 !"}, "prompt"),
    "a field that does not exist": ({"styel": "folk"}, "styel"),
}
BAD_COMMANDS: dict[str, tuple[list[str], str]] = {
    "unknown style": (["song", "--style", "no-such-style"], "no-such-style"),
    "unknown key": (["song", "--key", "H sharp"], "H sharp"),
    "unknown model": (["song", "--model", "no-such-model"], "no-such-model"),
    "empty lyrics": (["song", "--lyrics", ""], "empty"),
    "no syllables": (["song", "--lyrics", "123 !?"], "no syllables"),
    "10,000 lines": (["song", "--lyrics", "{many}"], "lyrics"),
    "a lyrics file that is not there": (["song", "--lyrics", "missing.txt"], "missing.txt"),
    "negative bars": (["song", "--bars", "-1"], "bars"),
    "tempo 0": (["song", "--tempo", "0"], "tempo"),
    "a JPEG as prompt": (["song", "--prompt", "{jpeg}"], "prompt"),
    "a prompt that is not there": (["song", "--prompt", "missing.mid"], "missing.mid"),
    "a source that is not there": (["ingest", "missing-folder", "--name", "x"], "missing-folder"),
    "a folder with nothing to read": (["ingest", "{empty}", "--name", "x"], "no"),
    "an unknown dataset": (["train", "--dataset", "no-such-dataset"], "no-such-dataset"),
    "an unknown job": (["jobs", "show", "song_00000000000000000000000000"], "song_0"),
    "a melody that is not there": (["sing", "missing.json"], "missing.json"),
}


@pytest.mark.parametrize("name", BAD_SONGS)
def test_the_api_refuses_with_a_problem_that_names_the_error(platform: PlatformProcess, name: str) -> None:
    request, expected = BAD_SONGS[name]
    response = platform.http("POST", "/v1/songs", json=request)
    assert response.status_code in (400, 404, 413, 422), response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert expected in problem["detail"]
    assert problem["type"]
    assert "Traceback" not in response.text


@pytest.mark.parametrize("name", BAD_COMMANDS)
def test_the_command_line_refuses_with_one_line(
    platform: PlatformProcess, home: Path, tmp_path: Path, name: str
) -> None:
    arguments, expected = BAD_COMMANDS[name]
    (tmp_path / "many.txt").write_text("la la\n" * 10_000)
    (tmp_path / "photo.mid").write_bytes(JPEG)
    (tmp_path / "empty").mkdir()
    places = {"many": tmp_path / "many.txt", "jpeg": tmp_path / "photo.mid", "empty": tmp_path / "empty"}
    result = run_bandmate(home, *(argument.format(**places) for argument in arguments), cwd=tmp_path, timeout=60)
    assert result.returncode == 1, result.stdout + result.stderr
    lines = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1, result.stderr
    assert expected in lines[0]
    assert "Traceback" not in result.stderr


def test_with_json_the_error_is_json(platform: PlatformProcess, home: Path) -> None:
    result = run_bandmate(home, "song", "--style", "no-such-style", "--json")
    assert result.returncode == 1
    error = json.loads(result.stdout)["error"]
    assert error["type"] == "unknown-style"
    assert "no-such-style" in error["detail"]


def test_a_contract_is_checked_before_any_platform_is_started(tmp_path: Path) -> None:
    result = run_bandmate(tmp_path / "home", "song", "--bars", "0")
    assert result.returncode == 1
    assert "bars" in result.stderr
    assert not (tmp_path / "home" / "run").exists()


def test_an_invalid_setting_is_named(tmp_path: Path) -> None:
    result = run_bandmate(tmp_path / "home", "jobs", "list", env={"BANDMATE_LEASE_SECONDS": "-3"})
    assert result.returncode == 1
    assert "lease_seconds" in result.stderr.lower()
    assert "Traceback" not in result.stderr


def test_refused_requests_left_no_jobs(platform: PlatformProcess, home: Path) -> None:
    """Runs last: the refused requests above have left no job, except the dataset of the empty folder."""
    jobs = json.loads(run_bandmate(home, "jobs", "list", "--limit", "100", "--json").stdout)
    assert {job["kind"] for job in jobs} <= {"dataset"}


def test_a_song_that_cannot_be_planned_is_refused_before_a_platform_starts(tmp_path: Path) -> None:
    home = tmp_path / "home"
    for options, reason in (
        (["--style", "polka"], "there is no style"),
        (["--lyrics", "[Chorus]"], "no syllables"),
        (["--bars", "8", "--form", "verse 8, chorus 8"], "16 bars"),
    ):
        result = run_bandmate(home, "song", *options, timeout=60)
        assert result.returncode == 1
        assert reason in result.stderr
    assert not (home / "logs").exists()
