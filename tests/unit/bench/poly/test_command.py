"""The command line of `bandmate benchmark poly`."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import typer
from bandmate_bench.cli.poly import poly
from bandmate_bench.poly import __main__ as module
from bandmate_bench.poly import bench
from bandmate_bench.poly.recipes import Recipe
from typer.testing import CliRunner

TINY = Recipe(members=1, epochs=2, dropout=0.0, hidden_lags=0.0, width=4, kernel=3)


@pytest.fixture
def folder(
    tmp_path: Path, write_set: Callable[..., None], piece: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> Path:
    monkeypatch.setitem(bench.RECIPES, "jsb", TINY)
    write_set(tmp_path, "jsb", {"train": [piece(1, 30)], "test": [piece(2, 12), piece(3, 5)]})
    return tmp_path


def test_table_json_and_values_of_frames(folder: Path) -> None:
    app = typer.Typer()
    app.command()(poly)
    files = ["--per-frame", str(folder / "frames.npz"), "--json", str(folder / "numbers.json")]
    result = CliRunner().invoke(app, ["--data", str(folder), "--sets", "jsb", "--split", "test", *files])
    assert result.exit_code == 0, result.output
    numbers = json.loads((folder / "numbers.json").read_text())
    with np.load(folder / "frames.npz", allow_pickle=False) as arrays:
        assert arrays["jsb.piece"].tolist() == [0] * 11 + [1] * 4
        assert arrays["jsb.frame"].tolist() == [*range(1, 12), *range(1, 5)]
        assert numbers["sets"]["jsb"]["nll"] == pytest.approx(arrays["jsb"].mean())
    assert numbers["sets"]["jsb"]["asked"] == 4.3
    assert numbers["sets"]["jsb"]["published_best"] == 5.05
    for words in ("BALSTM", "5.05", "recalled", "this one, test", f"{numbers['sets']['jsb']['nll']:.3f}"):
        assert words in result.output


def test_without_the_command_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["poly", "--data", str(folder), "--sets", "jsb", "--split", "valid"])
    assert module.main() == 1
    assert "has no split 'valid', only test, train" in capsys.readouterr().err
    monkeypatch.setattr("sys.argv", ["poly", "--data", str(folder), "--sets", "jsb", "--split", "test"])
    assert module.main() == 0
    assert "this one, test" in capsys.readouterr().out
