"""The walk of somebody with songs of their own: ingest, train, promote, go on from a song, roll back.

40 songs and a few seconds of training here; `make walk-test` takes 200 songs and ten minutes, and there the model has
to beat the starter on the songs that were held out.
"""

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from bandmate_music.midi.read import read_midi
from bandmate_music.score import Score
from bandmate_shared.settings import SharedSettings

from tests.support.own_songs import BAND, BARS, write_own_songs
from tests.support.platform_process import PlatformProcess, run_bandmate

pytestmark = pytest.mark.slow

SONGS = int(os.environ.get("BANDMATE_WALK_SONGS", "40"))
MINUTES = float(os.environ.get("BANDMATE_WALK_MINUTES", "0.1"))
ROUNDING = 0.002
"""Nats a note: what is published is rounded to bfloat16, and measured so."""
WHOLE = MINUTES >= 5
"""The training is long enough for it to be judged."""
_SMALL_STEPS = () if WHOLE else ("--set", "streams=4", "--set", "steps=128", "--set", "samples=0")


def answer(home: Path, *arguments: str, timeout: float = 240) -> Any:
    result = run_bandmate(home, *arguments, "--json", timeout=timeout)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def onsets(score: Score, name: str, bars: int) -> list[tuple[int, int]]:
    """Tick and pitch of the notes of a part in the first bars, which are of 4/4."""
    (part,) = [part for part in score.parts if part.name == name]
    rows = zip(part.notes.onset.tolist(), part.notes.pitch.tolist(), strict=True)
    return sorted((onset, pitch) for onset, pitch in rows if onset < bars * 4 * score.ticks_per_quarter)


@pytest.mark.timeout(120 + 90 * MINUTES)
def test_own_songs_become_a_model_that_goes_on_from_them(platform: PlatformProcess, home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mysongs"
    songs = write_own_songs(folder, SONGS)
    (folder / "broken.mid").write_bytes(b"MThd" + bytes(20))
    (folder / "zz-copy.mid").write_bytes((folder / "song-001.mid").read_bytes())

    report = answer(home, "ingest", str(folder), "--name", "mine")
    assert (report["files"], report["accepted"]) == (SONGS + 2, SONGS)
    assert {(file["name"], file["reason"]) for file in report["rejected"]} == {
        ("mysongs/broken.mid", "unreadable"),
        ("mysongs/zz-copy.mid", "duplicate"),
    }
    assert report["statistics"]["notes"] == sum(song.note_count for song in songs), "no note is lost"
    assert (report["steps"]["metre-estimated"], report["statistics"]["metres"]) == (SONGS // 4, {"4/4": SONGS})
    tables = home / "store" / "datasets" / "mine" / report["version"]
    parts = pq.read_table(tables / "parts.parquet").to_pylist()
    assert {(part["name"], part["program"], part["is_drum"]) for part in parts} == set(BAND)
    assert len(pq.read_table(tables / "files.parquet")) == SONGS + 2, "every file is named"

    limit = ["--set", f"max_minutes={MINUTES}"]
    trained = answer(
        home, "train", "--dataset", "mine", "--name", "own", *limit, *_SMALL_STEPS, timeout=60 + 90 * MINUTES
    )
    result = trained["result"]
    assert (result["model"], result["initial"][:8]) == ("own", "starter-")
    history = [row for row in json.loads(_artifact(home, trained, "history.json")) if "valid_loss" in row]
    before, after = history[0]["valid_loss"], result["metrics"]["valid_loss"]
    best = min(row["valid_loss"] for row in history)
    assert after <= best + ROUNDING, "the best weights are published, and the starter's were the first"
    if WHOLE:
        assert after < before - 0.05, "better than the starter on songs that neither has seen"
        seconds = (_time(trained["finished_at"]) - _time(trained["started_at"])).total_seconds()
        assert seconds <= max(66 * MINUTES, 60 * MINUTES + 15)
    else:
        assert best < before or result["notes"], "a training that learnt nothing says so"

    [style] = [style for style in answer(home, "styles")["items"] if style["own"]]
    assert (style["name"], style["model"]) == ("mysongs", "own"), "not yet in production"

    starter, own = (answer(home, "models", "show", name) for name in (result["initial"], "own"))
    promoted = run_bandmate(home, "models", "promote", "own")
    assert (promoted.returncode == 0) == _is_no_worse(starter["metrics"], own["metrics"]), promoted.stderr
    if promoted.returncode:
        assert result["initial"] in "".join(promoted.stderr.split()), "it is the starter that it is compared with"
        answer(home, "models", "promote", "own", "--force")

    out = tmp_path / "out"
    wish = ["--prompt", str(folder / "song-003.mid"), "--bars", str(BARS + 4), "--seed", "2", "--out", str(out)]
    song = answer(home, "song", *wish)
    assert song["report"]["model"]["id"] == "own", "the model in production"
    assert song["report"]["model"]["style"] == "mysongs"
    assert any("1/4" in note and "4/4 was found" in note for note in song["report"]["choices"])
    score = read_midi((out / "song.mid").read_bytes(), SharedSettings().file_limits)
    assert {(part.name, part.program, part.is_drum) for part in score.parts} == set(BAND), "the band is kept"
    for name, _, _ in BAND:
        assert onsets(score, name, BARS) == onsets(songs[3], name, BARS), "what was there stays"
        assert len(onsets(score, name, BARS + 4)) > len(onsets(score, name, BARS)), f"{name} goes on"

    assert answer(home, "models", "rollback")["model"] == result["initial"]
    aliases = {model["id"]: model["aliases"] for model in answer(home, "models")["items"]}
    assert "production" not in aliases["own"]


def _is_no_worse(starter: dict[str, float], own: dict[str, float]) -> bool:
    """By what both were measured by: the datasets differ, so it is not their losses."""
    overlap = "overlap_share" if "overlap_share" in starter and "overlap_share" in own else "overlap"
    overlaps = overlap in starter and overlap in own and own[overlap] >= starter[overlap] - 0.05
    valid = "generated_valid_share"
    return overlaps and (valid not in starter or own.get(valid, 1.0) >= starter[valid] - 0.02)


def _artifact(home: Path, job: dict[str, Any], name: str) -> bytes:
    (artifact,) = [artifact for artifact in job["artifacts"] if artifact["name"] == name]
    (blob,) = (home / "store").rglob(artifact["sha256"])
    return blob.read_bytes()


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
