"""`bandmate sounds add`, with stand-ins for apt-get and dpkg-deb on PATH."""

import json
from pathlib import Path

import pytest
from bandmate_generate.audio import soundfont
from bandmate_generate.settings import generate_settings
from bandmate_local.cli.debian_package import fetch_files
from bandmate_local.cli.main import app
from bandmate_shared.errors import Unavailable
from typer.testing import CliRunner

APT = """#!/bin/sh
case "$*" in
*" update") exit 0 ;;
*"download missing") echo "E: Unable to locate package missing" >&2; exit 100 ;;
*"download "*) echo packed > package_1_all.deb ;;
esac
"""
DPKG = """#!/bin/sh
mkdir -p "$3/usr/share/sounds/sf3" "$3/usr/share/doc/musescore-general-soundfont-small"
printf font > "$3/usr/share/sounds/sf3/MuseScore_General_Lite.sf3"
printf MIT > "$3/usr/share/doc/musescore-general-soundfont-small/copyright"
"""


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home without soundfonts on a machine without soundfonts, where Debian's tools are stand-ins."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, script in (("apt-get", APT), ("dpkg-deb", DPKG)):
        (tools / name).write_text(script)
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    monkeypatch.setenv("BANDMATE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(soundfont, "SYSTEM_FOLDERS", ())
    monkeypatch.setattr("sys.prefix", str(tmp_path / "environment"))
    generate_settings.cache_clear()
    yield tmp_path / "home"
    generate_settings.cache_clear()


def test_a_font_is_fetched_into_the_home_and_then_used(home: Path) -> None:
    answer = CliRunner().invoke(app, ["sounds", "add", "small", "--json"])
    assert answer.exit_code == 0, answer.output
    font = home / "soundfonts" / "MuseScore_General_Lite.sf3"
    assert json.loads(answer.stdout) == {"name": "MuseScore General Lite", "path": str(font), "licence": "MIT"}
    assert font.read_text() == "font"
    assert (home / "soundfonts" / "MuseScore_General_Lite.copyright").read_text() == "MIT"
    assert not list(home.rglob("*.partial"))


def test_what_apt_says_is_passed_on(home: Path) -> None:
    with pytest.raises(Unavailable, match="Unable to locate package missing"):
        fetch_files("missing", (".sf3",), home / "soundfonts")
    assert not home.exists()


def test_a_package_without_fonts_is_an_error(home: Path) -> None:
    with pytest.raises(Unavailable, match=r"no file that ends in \.wav"):
        fetch_files("any", (".wav",), home / "soundfonts")


def test_without_debians_tools_the_error_says_so(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(home))
    with pytest.raises(Unavailable, match="apt-get is not here"):
        fetch_files("any", (".sf3",), home / "soundfonts")
