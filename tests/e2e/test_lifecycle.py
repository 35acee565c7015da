"""Start and stop of the platform: no process is left, a second platform is refused, unfinished jobs continue."""

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.history import faults
from tests.support.platform_process import BANDMATE, PlatformProcess, environment, eventually, is_gone, run_bandmate
from tests.support.spawned import restore_sigint

LONG_SONG = {"style": "folk", "bars": 24, "seed": 5}


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[PlatformProcess]:
    process = PlatformProcess(tmp_path / "home")
    yield process
    process.stop()


def test_ctrl_c_stops_all_processes_and_unfinished_jobs_continue_at_the_next_start(platform: PlatformProcess) -> None:
    platform.start()
    jobs = [platform.submit("songs", {**LONG_SONG, "seed": seed}) for seed in (5, 6)]
    eventually(lambda: platform.job("songs", jobs[0])["stage"] is not None, "the first song to be worked on")
    processes = platform.processes()
    assert len(processes) >= 8

    assert platform.interrupt() == 0
    assert [process for process in processes if not is_gone(process)] == []
    assert not (platform.home / "run" / "platform.json").exists()

    platform.start()
    finished = [platform.finished("songs", job) for job in jobs]
    assert [job["state"] for job in finished] == ["succeeded", "succeeded"]
    platform.stop()
    assert faults(platform.home) == []


def test_a_second_platform_on_the_same_home_is_refused(platform: PlatformProcess) -> None:
    platform.start()
    result = run_bandmate(platform.home, "up", "--port", "0", timeout=30)
    assert result.returncode == 1
    assert "a platform is running" in result.stderr
    assert platform.http("GET", "/readyz").status_code == 200, "the first must not have been disturbed"


def test_a_taken_port_is_named(tmp_path: Path, platform: PlatformProcess) -> None:
    platform.start()
    port = platform.url.rsplit(":", 1)[1]
    result = run_bandmate(tmp_path / "other", "up", "--port", port, timeout=30)
    assert result.returncode == 1
    assert port in result.stderr
    assert "--port" in result.stderr


def test_kill_nine_of_the_supervisor_leaves_nothing_running_and_the_home_usable(platform: PlatformProcess) -> None:
    platform.start()
    job = platform.submit("songs", LONG_SONG)
    eventually(lambda: platform.job("songs", job)["stage"] is not None, "the song to be worked on")
    processes = platform.processes()
    platform.kill()
    eventually(lambda: all(is_gone(process) for process in processes), "every process to be gone", 10)

    platform.start()
    ended = platform.finished("songs", job)
    assert ended["state"] == "succeeded", ended["error"]
    platform.stop()
    assert faults(platform.home) == []


def test_a_command_without_a_platform_starts_a_temporary_one(tmp_path: Path) -> None:
    home = tmp_path / "home"
    result = run_bandmate(home, "song", "--bars", "2", "--seed", "1", "--out", str(tmp_path / "out"), "--json")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "out" / "song.mid").read_bytes()[:4] == b"MThd"
    assert [process for process in psutil.process_iter(["environ"]) if _belongs_to(process, home)] == []
    assert faults(home) == []


def test_ctrl_c_during_a_command_keeps_the_job_and_leaves_nothing_running(platform: PlatformProcess) -> None:
    home = platform.home
    # Long enough to compose that the signal comes while it does.
    long = ("--bars", "64", "--candidates", "3")
    command = [BANDMATE, "song", *long, "--seed", "9", "--out", str(home.parent / "out")]
    process = subprocess.Popen(
        command,
        env=environment(home),
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        preexec_fn=restore_sigint,
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if "compose" in line:
                break
        process.send_signal(signal.SIGINT)
        errors = process.stderr.read()
        assert process.wait(20) == 130
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
    assert "goes on when a platform runs" in errors
    assert "Traceback" not in errors
    assert [other for other in psutil.process_iter(["environ"]) if _belongs_to(other, home)] == []

    platform.start()
    (job,) = json.loads(run_bandmate(home, "jobs", "list", "--kind", "song", "--json").stdout)
    assert platform.finished("songs", job["id"])["state"] == "succeeded"


def _belongs_to(process: psutil.Process, home: Path) -> bool:
    return (process.info["environ"] or {}).get("BANDMATE_HOME") == str(home)
