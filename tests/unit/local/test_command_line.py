"""The command line's own judgement: what is a file and what are words, how faults read, what a stage took."""

from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from bandmate_local.cli.ingest import _absolute
from bandmate_local.cli.main import app
from bandmate_local.cli.progress import StageDisplay
from bandmate_local.cli.song import text_or_file
from bandmate_local.cli.train import _assignment
from bandmate_local.settings import LocalSettings
from bandmate_shared.contracts.jobs import JobEvent
from bandmate_shared.errors import BandmateError, InvalidRequest, NotFound
from pydantic import ValidationError
from typer.testing import CliRunner


def test_words_are_taken_as_they_are_and_files_are_read(tmp_path: Path) -> None:
    file = tmp_path / "words.txt"
    file.write_text("Über the hills\n", encoding="utf-8")
    assert text_or_file(str(file)) == "Über the hills\n"
    assert text_or_file("Over the hills\nand far away") == "Over the hills\nand far away"
    assert text_or_file("so it goes.txt said he") == "so it goes.txt said he"
    assert text_or_file("") == ""


def test_a_missing_file_and_one_that_is_no_text_are_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"nowhere\.txt"):
        text_or_file("nowhere.txt")
    photo = tmp_path / "photo"
    photo.write_bytes(bytes.fromhex("ffd8ffe0"))
    with pytest.raises(InvalidRequest, match="UTF-8"):
        text_or_file(str(photo))


def test_sources_become_absolute_and_schemes_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "midi").mkdir()
    monkeypatch.chdir(tmp_path)
    assert _absolute("midi") == str(tmp_path / "midi")
    assert _absolute("music21:bach") == "music21:bach"
    with pytest.raises(NotFound, match="no-such-folder"):
        _absolute("no-such-folder")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("epochs=3", ("epochs", 3)),
        ("lr=1e-3", ("lr", 0.001)),
        ("tied=true", ("tied", True)),
        ("name=a=b", ("name", "a=b")),
    ],
)
def test_a_hyperparameter_takes_the_type_it_looks_like(text: str, expected: tuple[str, object]) -> None:
    assert _assignment(text) == expected


def test_a_hyperparameter_without_a_value_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="NAME=VALUE"):
        _assignment("epochs")


def test_the_display_times_stages_by_the_jobs_own_clock(capsys: pytest.CaptureFixture[str]) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    history = [
        ("job.queued", 0.0, {}),
        ("job.running", 0.5, {}),
        ("stage", 0.5, {"stage": "compose", "message": "asking the model"}),
        ("progress", 1.0, {"stage": "compose", "fraction": 0.5}),
        ("stage", 2.0, {"stage": "render"}),
        ("job.running", 2.2, {}),
        ("stage", 3.0, {"stage": "compose"}),
        ("job.succeeded", 3.25, {}),
    ]
    display = StageDisplay()
    with display:
        for seq, (kind, seconds, data) in enumerate(history, 1):
            time = start + timedelta(seconds=seconds)
            display.show(JobEvent(job_id="song_x", seq=seq, type=kind, time=time, data=data))
    assert display.seconds == {"queued": 0.5, "compose": 1.75, "render": 1.0}
    told = capsys.readouterr().err
    assert "asking the model" in told
    assert "50%" in told
    assert "done in 1.5 s" in told


def test_the_embedded_platform_stays_on_loopback() -> None:
    assert LocalSettings(host="::1").host == "::1"
    with pytest.raises(ValidationError, match="loopback"):
        LocalSettings(host="0.0.0.0")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """What a command line asks the API for."""
    sent: list[dict[str, Any]] = []

    def submit(_session: object, _noun: str, request: dict[str, Any], _display: object) -> None:
        sent.append(request)
        raise typer.Exit(0)

    monkeypatch.setattr("bandmate_local.cli.song.perform", submit)
    monkeypatch.setattr("bandmate_local.cli.song.platform_session", lambda *_: nullcontext())

    def run(*arguments: str) -> dict[str, Any]:
        sent.clear()
        result = CliRunner().invoke(app, ["song", *arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return sent[0]

    return run


def test_every_wish_has_an_option(asked: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    request = asked(
        *("--instruments", "violin, guitar,drums", "--chords", "C | F", "--density", "dense", "--polyphony", "3"),
        *("--temperature", "0.9", "--top-p", "0.8", "--top-k", "12", "--candidates", "8"),
    )
    assert request == {
        "instruments": ["violin", "guitar", "drums"], "chords": "C | F", "density": "dense", "polyphony": 3,
        "temperature": 0.9, "top_p": 0.8, "top_k": 12, "candidates": 8,
    }  # fmt: skip
    (tmp_path / "band.json").write_text('[{"instrument": "violin", "low": "G3"}]')
    assert asked("--tracks", str(tmp_path / "band.json"))["tracks"] == [{"instrument": "violin", "low": "G3"}]


def test_wishes_about_a_piece(asked: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    piece = tmp_path / "mine.mid"
    piece.write_bytes(b"MThd")
    assert asked("--prompt", str(piece), "--infill", "5-8", "--tracks", "Bass, drums") == {
        "prompt": "TVRoZA==", "infill": {"bars": "5-8", "tracks": ["Bass", "drums"]}
    }  # fmt: skip
    assert asked("--prompt", "song:song_1", "--infill", "5-8")["infill"] == {"bars": "5-8", "tracks": "all"}
    assert asked("--prompt", "song:song_1", "--add", "bass", "--add", "drums,flute")["add"] == [
        "bass",
        "drums",
        "flute",
    ]
    assert asked("--prompt", "upload:1", "--variation", "0.3") == {"prompt": "upload:1", "variation": 0.3}
    varied = asked("--prompt", "upload:1", "--variation", "0.3", "--tracks", "Bass")
    assert varied["infill"] == {"bars": "all", "tracks": ["Bass"]}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--prompt", "nowhere.mid"), "no file nowhere.mid"),
        (("--tracks", "violin"), "JSON list"),
        (("--chords", "C | H"), "bar 2"),
        (("--infill", "5-8"), "prompt"),
        (("--instruments", "vioin"), "Violin"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_before_anything_starts(
    asked: Callable[..., dict[str, Any]], arguments: tuple[str, ...], says: str
) -> None:
    with pytest.raises((BandmateError, ValidationError), match=says):
        asked(*arguments)
