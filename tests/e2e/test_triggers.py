"""The watched folder and the schedules on a real platform."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from bandmate_music.midi.write import write_midi

from tests.support.history import faults
from tests.support.platform_process import PlatformProcess, eventually
from tests.support.tunes import tune


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[PlatformProcess]:
    schedules = tmp_path / "songs.toml"
    schedules.write_text(
        '[[schedule]]\nname = "every-minute"\ncron = "* * * * *"\nrequest = { style = "folk", bars = 2, seed = 11 }\n'
    )
    settings = {
        "BANDMATE_WATCH_FOLDER": str(tmp_path / "watched"),
        "BANDMATE_WATCH_SECONDS": "0.1",
        "BANDMATE_WATCH_SETTLE_SECONDS": "0.3",
        "BANDMATE_SCHEDULES": str(schedules),
    }
    process = PlatformProcess(tmp_path / "home", settings)
    yield process
    process.stop()


def songs(platform: PlatformProcess) -> list[dict[str, object]]:
    page = platform.http("GET", "/v1/songs", params={"limit": 100})
    assert page.status_code == 200, page.text
    return list(page.json()["items"])


def scheduled(platform: PlatformProcess) -> list[str]:
    jobs = [platform.job("songs", str(song["id"])) for song in songs(platform)]
    return [str(job["id"]) for job in jobs if job["request"].get("seed") == 11]


def test_a_dropped_file_and_a_schedule_become_songs_also_after_a_restart(
    platform: PlatformProcess, tmp_path: Path
) -> None:
    platform.start()
    watched = tmp_path / "watched"
    eventually(watched.is_dir, "the watched folder")
    midi = write_midi(tune(1, bars=4))
    (watched / "tune.mid.json").write_text('{"style": "folk", "bars": 6, "seed": 7}')
    (watched / "tune.mid").write_bytes(midi)
    (watched / "photo.mid").write_bytes(b"\xff\xd8\xff\xe0")
    eventually((watched / "done" / "tune.mid.job").exists, "the dropped tune to be taken", seconds=60)
    eventually((watched / "failed" / "photo.mid.txt").exists, "the photo to be refused", seconds=60)
    job = platform.finished("songs", (watched / "done" / "tune.mid.job").read_text().strip())
    assert job["state"] == "succeeded", job
    assert base64.b64decode(job["request"]["prompt"]) == midi
    assert "a JPEG image" in (watched / "failed" / "photo.mid.txt").read_text()

    eventually(lambda: scheduled(platform) != [], "the schedule's song", seconds=120)
    assert platform.finished("songs", scheduled(platform)[0])["state"] == "succeeded"

    platform.interrupt()
    (watched / "tune.mid").write_bytes(midi)
    (watched / "tune.mid.json").write_text('{"seed": 7, "style": "folk", "bars": 6}')
    platform.start()
    eventually((watched / "done" / "tune (2).mid.job").exists, "the same tune to be taken again", seconds=60)
    assert (watched / "done" / "tune (2).mid.job").read_text().strip() == job["id"]
    for song in songs(platform):
        platform.finished("songs", str(song["id"]))
    platform.stop()
    assert faults(platform.home) == []
