"""The lookup order of soundfonts, as documented."""

from pathlib import Path

import pytest
from bandmate_generate.audio import soundfont
from bandmate_generate.audio.soundfont import find_soundfont
from bandmate_generate.settings import GenerateSettings
from bandmate_shared.errors import InvalidRequest, Unavailable


@pytest.fixture(autouse=True)
def _bare_system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(soundfont, "SYSTEM_FOLDERS", (tmp_path / "system",))
    monkeypatch.setattr("sys.prefix", str(tmp_path / "environment"))
    (tmp_path / "system").mkdir()
    (tmp_path / "home" / "soundfonts").mkdir(parents=True)


def settings(tmp_path: Path, chosen: Path | None = None) -> GenerateSettings:
    return GenerateSettings(home=tmp_path / "home", soundfont=chosen)


def test_the_last_resort_is_named_with_its_licence(tmp_path: Path) -> None:
    (tmp_path / "environment" / "share" / "soundfonts").mkdir(parents=True)
    (tmp_path / "environment" / "share" / "soundfonts" / "TimGM6mb.sf2").write_bytes(b"x")
    chosen = find_soundfont(settings(tmp_path))
    assert (chosen.name, chosen.licence) == ("TimGM6mb", "GPL-2.0")
    assert chosen.path.is_file()


def test_without_any_soundfont_the_error_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="run scripts/fetch-soundfont"):
        find_soundfont(settings(tmp_path))


def test_a_permissive_font_comes_first_and_the_system_before_the_home(tmp_path: Path) -> None:
    (tmp_path / "home" / "soundfonts" / "FluidR3Mono_GM.sf3").write_bytes(b"x")
    assert find_soundfont(settings(tmp_path)).path.parent.parent == tmp_path / "home"
    (tmp_path / "system" / "FluidR3Mono_GM.sf3").write_bytes(b"x")
    chosen = find_soundfont(settings(tmp_path))
    assert chosen.path.parent == tmp_path / "system"
    assert chosen.licence == "MIT"


def test_an_unknown_font_is_better_than_the_last_resort(tmp_path: Path) -> None:
    (tmp_path / "system" / "mine.sf2").write_bytes(b"x")
    (tmp_path / "system" / "TimGM6mb.sf2").write_bytes(b"x")
    font_file = tmp_path / "system" / "mine.sf2"
    assert find_soundfont(settings(tmp_path)).described() == {
        "name": "mine",
        "path": str(font_file),
        "licence": "unknown",
    }


def test_the_setting_goes_before_all_and_must_exist(tmp_path: Path) -> None:
    (tmp_path / "system" / "FluidR3Mono_GM.sf3").write_bytes(b"x")
    (tmp_path / "chosen.sf2").write_bytes(b"x")
    assert find_soundfont(settings(tmp_path, tmp_path / "chosen.sf2")).name == "chosen"
    with pytest.raises(InvalidRequest, match="no such file"):
        find_soundfont(settings(tmp_path, tmp_path / "missing.sf2"))
