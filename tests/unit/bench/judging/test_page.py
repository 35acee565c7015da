"""`bandmate benchmark page` writes the evaluation page of a model from its folder alone."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from bandmate_bench.cli.app import app
from bandmate_shared.errors import NotFound
from typer.testing import CliRunner

from tests.support.composition_requests import LINE_UPS


@pytest.fixture
def folder(make_model: Callable[..., Path], tmp_path: Path) -> Path:
    """A model folder with an evaluation of one style."""
    folder = tmp_path / "model"
    shutil.copytree(make_model("transformer"), folder)
    request = {
        **{"style": "song", "tonic": 2, "mode": "minor", "numerator": 3, "denominator": 4, "bars": 2, "tempo": 90},
        "parts": [part.model_dump(mode="json") for part in LINE_UPS["song"]],
        "seeds": [7],
    }
    styles = {"song": {"takes": 2, "bars": 2, "composed": None, "training": None, "samples": [request]}}
    evaluation = {"metrics": {"valid_loss": 2.5, "song.seen_share": 0.25}, "styles": styles}
    (folder / "evaluation.json").write_text(json.dumps(evaluation))
    return folder


def test_the_page_plays_what_the_model_composes(folder: Path, tmp_path: Path) -> None:
    pages = []
    for name in ("first.html", "second.html"):
        result = CliRunner().invoke(app, ["page", "--model", str(folder), "--out", str(tmp_path / "new" / name)])
        assert result.exit_code == 0, result.output
        pages.append((tmp_path / "new" / name).read_text())
    assert pages[0] == pages[1], "the same request, the same music"
    assert pages[0].count("<audio") == pages[0].count("<svg") == 1
    assert "D minor, 3/4" in pages[0]
    assert "seen_share" in pages[0]


def test_a_model_without_an_evaluation_is_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "evaluation.json").unlink()
    result = CliRunner().invoke(app, ["page", "--model", str(folder), "--out", str(tmp_path / "page.html")])
    assert isinstance(result.exception, NotFound)
    assert "evaluation_takes=0" in str(result.exception)
