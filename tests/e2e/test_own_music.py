"""From a folder of one's own MIDI to a song by a model trained on it, all by the command line."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.platform_process import PlatformProcess, run_bandmate
from tests.tunes import write_tunes

pytestmark = pytest.mark.slow


def answer(home: Path, *arguments: str) -> Any:
    done = run_bandmate(home, *arguments, "--json", timeout=240)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_ingest_train_song_promote_and_roll_back(platform: PlatformProcess, home: Path, tmp_path: Path) -> None:
    write_tunes(tmp_path / "midi", 12)
    (tmp_path / "midi" / "broken.mid").write_bytes(b"MThd" + bytes(20))
    report = answer(home, "ingest", str(tmp_path / "midi"), "--name", "tunes")
    assert (report["files"], report["accepted"]) == (13, 12)
    assert [(rejected["reason"], rejected["name"][-10:]) for rejected in report["rejected"]] == [
        ("unreadable", "broken.mid")
    ]
    assert answer(home, "ingest", str(tmp_path / "midi"), "--name", "tunes")["files_processed"] == 0

    tiny = {"epochs": 1, "hidden": 16, "layers": 1, "streams": 2, "steps": 64, "evaluation_takes": 1}
    options = [word for name, value in tiny.items() for word in ("--set", f"{name}={value}")]
    trained = answer(home, "train", "--dataset", "tunes", "--model", "rnn", "--name", "my-band", *options)
    assert trained["result"]["model"] == "my-band"
    lineage = answer(home, "models", "show", "my-band")
    assert lineage["dataset"]["name"] == "tunes"
    assert lineage["dataset"]["sha256"] == report["sha256"]

    song = answer(home, "song", "--model", "my-band", "--bars", "2", "--seed", "1", "--out", str(tmp_path / "out"))
    assert song["report"]["model"]["id"] == "my-band"
    assert (tmp_path / "out" / "song.mid").read_bytes()[:4] == b"MThd"

    answer(home, "models", "promote", "my-band")
    listed = {model["id"]: model["aliases"] for model in answer(home, "models")["items"]}
    assert "production" in listed["my-band"]
    by_default = answer(home, "song", "--bars", "2", "--seed", "1", "--out", str(tmp_path / "again"))
    assert by_default["report"]["model"]["id"] == "my-band"
    nothing_before = run_bandmate(home, "models", "rollback")
    assert nothing_before.returncode == 1
    assert "Error: " in nothing_before.stderr
