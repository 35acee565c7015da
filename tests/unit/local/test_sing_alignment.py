"""`bandmate sing` of an alignment or a vocal request as JSON."""

import json
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import typer
from bandmate_local.cli.main import app
from bandmate_shared.errors import InvalidRequest
from typer.testing import CliRunner

NOTES = [
    {"start": 0.3, "end": 0.8, "pitch": 60, "syllable": "mor", "word_end": False, "word": "morning", "word_index": 0},
    {"start": 0.8, "end": 1.3, "pitch": 64, "syllable": "ning", "word": "morning", "word_index": 0, "vowel_onset": 0.8},
]


@pytest.fixture
def request_from(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """The request that a command line sends to the API."""
    sent: list[dict[str, Any]] = []

    def submit(_session: object, _noun: str, request: dict[str, Any], _display: object) -> None:
        sent.append(request)
        raise typer.Exit(0)

    monkeypatch.setattr("bandmate_local.cli.sing.run_job", submit)
    monkeypatch.setattr("bandmate_local.cli.sing.platform_session", lambda *_: nullcontext())

    def run(*arguments: str) -> dict[str, Any]:
        sent.clear()
        result = CliRunner().invoke(app, ["sing", *arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return sent[0]

    return run


@pytest.fixture
def alignment(tmp_path: Path) -> Path:
    path = tmp_path / "alignment.json"
    path.write_text(json.dumps({"kind": "alignment", "language": "en", "seconds": 2.0, "seed": 5, "notes": NOTES}))
    return path


def test_an_alignment_is_sung_as_it_stands(request_from: Callable[..., dict[str, Any]], alignment: Path) -> None:
    request = request_from(str(alignment))
    assert (request["seconds"], request["seed"], request["language"]) == (2.0, 5, "en")
    assert [(note["onset"], note["duration"], note["pitch"], note["syllable"]) for note in request["notes"]] == [
        (0.3, 0.5, 60, "mor"),
        (0.8, 0.5, 64, "ning"),
    ]


def test_options_change_the_singer_and_the_pitch(request_from: Callable[..., dict[str, Any]], alignment: Path) -> None:
    request = request_from(str(alignment), "--voice", "tenor", "--transpose", "-12")
    assert (request["voice"], [note["pitch"] for note in request["notes"]]) == ("tenor", [48, 52])


def test_what_is_for_scores_is_refused(request_from: Callable[..., dict[str, Any]], alignment: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"--lyrics, --tempo: .* sung as they stand"):
        request_from(str(alignment), "--lyrics", "la la", "--tempo", "100")
    alignment.write_text("{")
    with pytest.raises(InvalidRequest, match="is not JSON"):
        request_from(str(alignment))


def test_an_edit_that_overlaps_is_refused_by_its_note(
    request_from: Callable[..., dict[str, Any]], alignment: Path
) -> None:
    value = json.loads(alignment.read_text())
    value["notes"][0]["end"] = 1.2
    alignment.write_text(json.dumps(value))
    with pytest.raises(ValueError, match="note 1 begins before the one before it ends"):
        request_from(str(alignment))
