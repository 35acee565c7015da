"""`bandmate benchmark`: subcommands are imported when they are called."""

import sys

import pytest
from bandmate_bench.cli.app import COMMANDS, app
from bandmate_shared.errors import Unavailable
from typer.testing import CliRunner


def test_help_names_every_subcommand_and_imports_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in COMMANDS:
        monkeypatch.setitem(sys.modules, f"bandmate_bench.cli.{name}", None)  # An import of it would fail.
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0, result.output
    for name in COMMANDS:
        assert f"  {name} " in result.output


def test_a_subcommand_says_which_package_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "bandmate_bench.cli.poly", raising=False)
    for name in [name for name in sys.modules if name.startswith("bandmate_bench.poly")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    result = CliRunner().invoke(app, ["poly", "--help"])
    assert isinstance(result.exception, Unavailable)
    assert "needs torch; install it with: pip install 'bandmate-model[train]'" in str(result.exception)


def test_every_subcommand_has_help() -> None:
    for name in COMMANDS:
        result = CliRunner().invoke(app, [name, "--help"])
        assert result.exit_code == 0, result.output
        assert ("--out" if name == "page" else "--json") in result.output
