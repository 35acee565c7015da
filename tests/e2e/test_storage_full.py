"""A full disk: the job fails as storage-full, and succeeds once there is space again."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.history import faults
from tests.support.platform_process import PlatformProcess, run_bandmate

SONG = {"style": "folk", "bars": 16, "tempo": 60, "seed": 2}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system with space for the starter model, twice, and for one long song."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path, leave_bytes: int) -> Path:
    """Fill a file system up to `leave_bytes`; removing the file frees it again."""
    ballast = folder / "ballast"
    free = os.statvfs(folder)
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, free.f_bavail * free.f_frsize - leave_bytes)
    return ballast


def test_a_song_on_a_full_disk_fails_as_storage_full_and_can_be_redriven(small_disk: Path) -> None:
    platform = PlatformProcess(small_disk / "home")
    try:
        platform.start()
        ballast = fill(small_disk, 2_500_000)
        job = platform.submit("songs", SONG)
        ended = platform.finished("songs", job, 60)
        assert ended["state"] == "failed"
        assert ended["error"]["type"] == "storage-full"
        assert "Traceback" not in ended["error"]["detail"]

        ballast.unlink()
        redriven = run_bandmate(platform.home, "jobs", "redrive", job)
        assert redriven.returncode == 0, redriven.stderr
        assert platform.finished("songs", job, 60)["state"] == "succeeded"
    finally:
        platform.stop()
    assert faults(platform.home) == []


def test_a_full_home_is_reported_before_anything_starts(small_disk: Path) -> None:
    fill(small_disk, 0)
    result = run_bandmate(small_disk / "home", "song", "--bars", "2", cwd=small_disk.parent, timeout=60)
    assert result.returncode == 1
    assert "No space left" in result.stderr
    assert "Traceback" not in result.stderr
