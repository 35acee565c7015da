"""From a folder of MIDI to a song by a model trained on it, by the command line."""

import json
from pathlib import Path
from typing import Any

import pytest
import soundfile
from bandmate_music.midi.write import write_midi
from bandmate_music.score import Lyric, Notes, Part, Score, TempoChange

from tests.support.platform_process import PlatformProcess, run_bandmate
from tests.support.tunes import write_tunes

pytestmark = pytest.mark.slow


def answer(home: Path, *arguments: str) -> Any:
    result = run_bandmate(home, *arguments, "--json", timeout=240)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


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

    refused = run_bandmate(home, "models", "promote", "my-band")
    assert refused.returncode == 1
    assert "my-band (rnn) cannot be compared with starter-" in " ".join(refused.stderr.split()), "one take says nothing"
    answer(home, "models", "promote", "my-band", "--force")
    listed = {model["id"]: model["aliases"] for model in answer(home, "models")["items"]}
    assert "production" in listed["my-band"]
    by_default = answer(home, "song", "--bars", "2", "--seed", "1", "--out", str(tmp_path / "again"))
    assert by_default["report"]["model"]["id"] == "my-band"
    assert answer(home, "models", "rollback")["model"].startswith("starter-")
    after_rollback = answer(home, "song", "--bars", "2", "--seed", "1", "--out", str(tmp_path / "starter"))
    assert after_rollback["report"]["model"]["id"].startswith("starter-")
    second_rollback = run_bandmate(home, "models", "rollback")
    assert second_rollback.returncode == 1
    assert "Error: " in second_rollback.stderr


def test_a_score_is_sung_with_its_other_parts_and_its_alignment_again(
    platform: PlatformProcess, home: Path, tmp_path: Path
) -> None:
    quarter = 480
    tune = Notes.from_rows([(4 * quarter + number * quarter, quarter, 62 + number, 80) for number in range(4)])
    lyrics = tuple(Lyric((4 + number) * quarter, text) for number, text in enumerate(("so", "the", "rain", "goes")))
    bass = Notes.from_rows([(number * 2 * quarter, 2 * quarter, 38 + 5 * (number % 2), 80) for number in range(4)])
    score = Score((Part("Voice", 52, tune, lyrics=lyrics), Part("Bass", 32, bass)), tempi=(TempoChange(0, 120.0),))
    (tmp_path / "rain.mid").write_bytes(write_midi(score))
    sung = answer(home, "sing", str(tmp_path / "rain.mid"), "--transpose", "2", "--out", str(tmp_path / "sung"))
    assert {
        "vocals.wav",
        "mix.wav",
        "stems/bass.wav",
        "alignment.json",
        "lyrics.lrc",
        "pitch.svg",
        "report.json",
    } <= set(sung["files"])
    voice, rate = soundfile.read(tmp_path / "sung" / "vocals.wav")
    mix, _ = soundfile.read(tmp_path / "sung" / "mix.wav")
    assert abs(voice[: int(1.8 * rate)]).max() < 0.03, "before its entry the voice does no more than breathe"
    assert abs(mix[int(0.1 * rate) : int(1.8 * rate)]).max() > 0.05, "while the bass plays"
    alignment = json.loads((tmp_path / "sung" / "alignment.json").read_text())
    assert [(note["start"], note["pitch"]) for note in alignment["notes"]] == [
        (2.0, 64),
        (2.5, 65),
        (3.0, 66),
        (3.5, 67),
    ]
    again = answer(home, "sing", str(tmp_path / "sung" / "alignment.json"), "--out", str(tmp_path / "again"))
    assert "mix.wav" not in again["files"]
    assert (tmp_path / "again" / "vocals.wav").read_bytes() == (tmp_path / "sung" / "vocals.wav").read_bytes()
