"""The command line: parsing of options, error texts, and the progress display."""

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from bandmate_local.cli.ingest import _absolute
from bandmate_local.cli.lazy_commands import COMMANDS
from bandmate_local.cli.main import app
from bandmate_local.cli.progress import StageDisplay
from bandmate_local.cli.song import text_or_file
from bandmate_local.cli.train import _assignment, _initial
from bandmate_local.settings import LocalSettings
from bandmate_shared import __version__
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


def test_a_sentence_is_shown_as_it_was_understood_without_a_platform() -> None:
    result = CliRunner().invoke(app, ["song", "a purple waltz in D minor", "--bars", "8", "--dry-run", "--json"])
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert answer["request"] == {"style": "waltz", "key": "D minor", "bars": 8}
    assert [entry["words"] for entry in answer["understood"]] == ["waltz", "in D minor"]
    assert answer["ignored"] == ["purple"]


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
    output = capsys.readouterr().err
    assert "asking the model" in output
    assert "50%" in output
    assert "done in 1.5 s" in output


def test_plain_lines_say_how_far_a_stage_is_from_the_first_second(capsys: pytest.CaptureFixture[str]) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    display = StageDisplay()
    history = [
        (0.0, "stage", {"stage": "train", "message": "training mine"}),
        (0.4, "progress", {"fraction": 0.0, "message": "starting the trainer"}),
        (5.0, "progress", {"fraction": 0.01, "message": "step 20"}),
        (16.0, "progress", {"fraction": 0.02, "message": "step 60"}),
    ]
    for seq, (seconds, kind, data) in enumerate(history, 1):
        time = start + timedelta(seconds=seconds)
        display.show(JobEvent(job_id="training_x", seq=seq, type=kind, time=time, data=data))
    output = capsys.readouterr().err
    assert "starting the trainer" in output
    assert "step 20" not in output
    assert "step 60" in output


@pytest.mark.parametrize("arguments", [["--json", "styles"], ["styles", "--json"]])
def test_json_may_stand_before_the_subcommand_and_after_it(arguments: list[str]) -> None:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "waltz" in [style["name"] for style in json.loads(result.stdout)["items"]]


def test_a_training_starts_from_the_starter_where_its_weights_fit() -> None:
    assert _initial(None, "transformer", {}) == "starter"
    assert _initial(None, "transformer", {"hidden": 512}) is None
    assert _initial(None, "rnn", {}) is None
    assert _initial("none", "transformer", {}) is None
    assert _initial("mine", "rnn", {}) == "mine"


def test_the_embedded_platform_stays_on_loopback() -> None:
    assert LocalSettings(host="::1").host == "::1"
    with pytest.raises(ValidationError, match="loopback"):
        LocalSettings(host="0.0.0.0")


@pytest.fixture
def request_from(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """The request that a command line sends to the API."""
    sent: list[dict[str, Any]] = []

    def submit(_session: object, _noun: str, request: dict[str, Any], _display: object) -> None:
        sent.append(request)
        raise typer.Exit(0)

    monkeypatch.setattr("bandmate_local.cli.song.run_job", submit)
    monkeypatch.setattr("bandmate_local.cli.song.platform_session", lambda *_: nullcontext())

    def run(*arguments: str) -> dict[str, Any]:
        sent.clear()
        result = CliRunner().invoke(app, ["song", *arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return sent[0]

    return run


def test_every_wish_has_an_option(request_from: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    request = request_from(
        *("--instruments", "violin, guitar,drums", "--chords", "C | F", "--density", "dense", "--polyphony", "3"),
        *("--temperature", "0.9", "--top-p", "0.8", "--top-k", "12", "--candidates", "8"),
    )
    assert request == {
        "instruments": ["violin", "guitar", "drums"],
        "chords": "C | F",
        "density": "dense",
        "polyphony": 3,
        "temperature": 0.9,
        "top_p": 0.8,
        "top_k": 12,
        "candidates": 8,
    }
    (tmp_path / "band.json").write_text('[{"instrument": "violin", "low": "G3"}]')
    assert request_from("--tracks", str(tmp_path / "band.json"))["tracks"] == [{"instrument": "violin", "low": "G3"}]


def test_the_form_by_names_or_as_json(request_from: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    assert request_from("--form", "intro 4, Verse 1 8,chorus , outro 2")["sections"] == [
        {"name": "intro", "bars": 4},
        {"name": "Verse 1", "bars": 8},
        {"name": "chorus"},
        {"name": "outro", "bars": 2},
    ]
    (tmp_path / "form.json").write_text('[{"name": "verse", "chords": "C | F"}]')
    assert request_from("--sections", str(tmp_path / "form.json"))["sections"] == [{"name": "verse", "chords": "C | F"}]


def test_wishes_about_a_piece(request_from: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    piece = tmp_path / "mine.mid"
    piece.write_bytes(b"MThd")
    assert request_from("--prompt", str(piece), "--infill", "5-8", "--tracks", "Bass, drums") == {
        "prompt": "TVRoZA==",
        "infill": {"bars": "5-8", "tracks": ["Bass", "drums"]},
    }
    assert request_from("--prompt", "song:song_1", "--infill", "5-8")["infill"] == {"bars": "5-8", "tracks": "all"}
    assert request_from("--prompt", "song:song_1", "--add", "bass", "--add", "drums,flute")["add"] == [
        "bass",
        "drums",
        "flute",
    ]
    assert request_from("--prompt", "upload:1", "--variation", "0.3") == {"prompt": "upload:1", "variation": 0.3}
    varied = request_from("--prompt", "upload:1", "--variation", "0.3", "--tracks", "Bass")
    assert varied["infill"] == {"bars": "all", "tracks": ["Bass"]}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--prompt", "nowhere.mid"), "no file nowhere.mid"),
        (("--tracks", "violin"), "JSON list"),
        (("--sections", "verse"), "JSON list"),
        (("--sections", "[]", "--form", "verse"), "not by both"),
        (("--form", ","), "sections"),
        (("--form", "verse 400"), "200"),
        (("--chords", "C | H"), "bar 2"),
        (("--infill", "5-8"), "prompt"),
        (("--instruments", "vioin"), "Violin"),
    ],
)
def test_an_invalid_option_is_refused_before_a_platform_starts(
    request_from: Callable[..., dict[str, Any]], arguments: tuple[str, ...], message: str
) -> None:
    with pytest.raises((BandmateError, ValidationError), match=message):
        request_from(*arguments)


def test_the_version_is_printed() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.output) == (0, f"bandmate {__version__}\n")


def test_styles_and_instruments_are_listed_without_a_platform() -> None:
    run = CliRunner().invoke
    assert "jazz-waltz" in run(app, ["styles"]).output
    styles = json.loads(run(app, ["styles", "--json"]).output)["items"]
    assert {"name", "description", "tempi", "metres", "tracks"} <= styles[0].keys()
    assert not any(style["own"] for style in styles)
    assert "Acoustic Guitar (steel)" in run(app, ["instruments", "guitar"]).output
    [found] = json.loads(run(app, ["instruments", "sitar", "--json"]).output)["items"]
    assert found["program"] == 104


def test_an_unknown_style_is_refused_before_a_platform_starts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def platform(*_services: str) -> nullcontext[None]:
        raise AssertionError("a platform was started")

    monkeypatch.setattr("bandmate_local.cli.song.platform_session", platform)
    midi = tmp_path / "tune.mid"
    midi.write_bytes(b"MThd")
    for options in ([], ["--prompt", str(midi)]):
        error = CliRunner().invoke(app, ["song", "--style", "countri", *options]).exception
        assert isinstance(error, BandmateError)
        assert "the nearest are country," in error.detail


def test_every_command_of_the_table_can_be_loaded_and_a_mistyped_one_is_answered() -> None:
    listed = CliRunner().invoke(app, ["--help"]).output
    assert all(f"\n  {name} " in listed for name in COMMANDS)
    wrong = CliRunner().invoke(app, ["sogn"])
    assert wrong.exit_code == 2
    assert "'song'" in wrong.output


def test_a_command_loads_none_of_the_others() -> None:
    script = (
        "import sys; from typer.testing import CliRunner; from bandmate_local.cli.main import app;"
        "CliRunner().invoke(app, ['song', '--bars', '0']);"
        "print([name for name in sys.modules if name.split('.')[0] in ('sqlalchemy', 'celery', 'bandmate_bench')])"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
