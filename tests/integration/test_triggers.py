"""The processes for the watched folder and the schedules, as containers run them."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.spawned import Spawn


@pytest.fixture
def start(tmp_path: Path, spawn: Spawn) -> Callable[..., "subprocess.Popen[str]"]:
    """`start("watch", NAME=value)`: the process, with those settings."""

    def run(command: str, **settings: str) -> "subprocess.Popen[str]":
        own = {"BANDMATE_HOME": str(tmp_path / "home"), "BANDMATE_HEALTH_FILE": str(tmp_path / "health.json")}
        command_line = [sys.executable, "-m", "bandmate_generate.triggers.main", command]
        return spawn(command_line, env={**os.environ, **own, **settings}, stderr=subprocess.PIPE)

    return run


def healthy(tmp_path: Path) -> bool:
    check = [sys.executable, "-m", "bandmate_shared.service", "healthcheck"]
    environment = {**os.environ, "BANDMATE_HEALTH_FILE": str(tmp_path / "health.json")}
    return subprocess.run(check, env=environment, capture_output=True, timeout=30, check=False).returncode == 0


def test_the_watch_touches_its_health_file_and_stops_on_sigterm(
    start: Callable[..., "subprocess.Popen[str]"], tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    watched = tmp_path / "watched"
    quick = {"BANDMATE_WATCH_SECONDS": "0.05", "BANDMATE_WATCH_SETTLE_SECONDS": "0.1"}
    process = start("watch", BANDMATE_WATCH_FOLDER=str(watched), **quick)
    wait_until(watched.is_dir, "the watch to make its folder")
    (watched / "a.mid").write_bytes(b"no music")
    wait_until((watched / "failed" / "a.mid.txt").exists, "the file to be refused")
    assert healthy(tmp_path)
    process.send_signal(signal.SIGTERM)
    assert process.wait(15) == 0


def test_the_schedule_touches_its_health_file_and_stops_on_sigterm(
    start: Callable[..., "subprocess.Popen[str]"], tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    (tmp_path / "songs.json").write_text('[{"name": "a", "cron": "0 0 1 1 *", "request": {}}]')
    process = start("beat", BANDMATE_SCHEDULES=str(tmp_path / "songs.json"))
    wait_until((tmp_path / "health.json").exists, "the health file")
    wait_until(lambda: healthy(tmp_path), "the process to be well")
    process.send_signal(signal.SIGTERM)
    assert process.wait(15) == 0


@pytest.mark.parametrize(
    ("command", "settings", "reason"),
    [
        ("watch", {}, "set BANDMATE_WATCH_FOLDER"),
        ("beat", {}, "set BANDMATE_SCHEDULES"),
        ("beat", {"BANDMATE_SCHEDULES": "/nowhere/songs.toml"}, "Invalid schedules: /nowhere/songs.toml"),
        ("dance", {}, "usage: "),
    ],
)
def test_an_invalid_setting_is_reported_in_one_line(
    start: Callable[..., "subprocess.Popen[str]"], command: str, settings: dict[str, str], reason: str
) -> None:
    _, errors = start(command, **settings).communicate(timeout=60)
    assert reason in errors
    assert "Traceback" not in errors
