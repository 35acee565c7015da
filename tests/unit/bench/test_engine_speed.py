"""`bandmate benchmark speed`: the figures are there with and without a peer."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from bandmate_bench.engine_speed import measure
from bandmate_local.cli.main import app
from bandmate_model.model_files import ModelUnusable
from typer.testing import CliRunner

from tests.unit.model.engine.networks import composer_folder


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return composer_folder(tmp_path_factory.mktemp("toy"), max_position_embeddings=256)


def test_figures_without_a_peer(toy: Path, tmp_path: Path) -> None:
    out = tmp_path / "speed.json"
    result = CliRunner().invoke(
        app,
        ["benchmark", "speed", "--folder", str(toy), "--songs", "3", "--rounds", "1", "--no-peer", "--json", str(out)],
    )
    assert result.exit_code == 0, result.output
    figures = json.loads(out.read_text())
    for name in ("one", "in_flight", "prompt", "composed_one", "composed_in_flight"):
        assert figures[name]["tokens_per_second"] > 0
        assert "times_peer" not in figures[name]
    assert 0 < figures["first_bar_seconds"] < 30
    assert figures["memory_mib"] >= 0
    assert "peer" not in figures


def test_a_missing_peer_says_how_to_get_it(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    result = CliRunner().invoke(app, ["benchmark", "speed", "--folder", str(toy), "--rounds", "1"])
    assert result.exit_code != 0
    assert "bandmate-bench[peers]" in str(result.exception) + result.output


def test_a_composer_without_tokens_has_no_such_speed() -> None:
    gan = SimpleNamespace(composer=object(), info=SimpleNamespace(id="walls", architecture="gan"))
    with pytest.raises(ModelUnusable, match="walls is a gan"):
        measure(gan, songs=1, rounds=1, peer=False)  # type: ignore[arg-type]
