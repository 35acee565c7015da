"""Find the soundfont to render with. The first of these that exists:

1. the setting BANDMATE_SOUNDFONT;
2. permissively licensed General MIDI fonts, in the order of `_KNOWN` (stereo ones first), then any other .sf2 or .sf3
   by name: in the system's folders, in `<home>/soundfonts` (where `bandmate sounds add` puts one), in
   `share/soundfonts` of the Python environment (where the set-up fetches one if it can);
3. MuseScore General Lite, whose piano TinySoundFont plays 20 dB too softly between the velocities 61 and 109;
4. TimGM6mb in the same folders (GPL-2; only read, never part of Bandmate): the set-up fetches it where FluidR3 Mono
   cannot be had.

The report names the choice.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bandmate_shared.errors import InvalidRequest, Unavailable

from bandmate_generate.settings import GenerateSettings

SYSTEM_FOLDERS = tuple(Path("/usr/share") / name for name in ("sounds/sf3", "sounds/sf2", "soundfonts"))

_KNOWN = {
    "MuseScore_General_Full.sf2": ("MuseScore General", "MIT"),
    "MuseScore_General.sf2": ("MuseScore General", "MIT"),
    "MuseScore_General_Full.sf3": ("MuseScore General", "MIT"),
    "MuseScore_General.sf3": ("MuseScore General", "MIT"),
    "FluidR3_GM.sf2": ("FluidR3 GM", "MIT"),
    "FluidR3_GM.sf3": ("FluidR3 GM", "MIT"),
    "FluidR3Mono_GM.sf3": ("FluidR3 Mono GM", "MIT"),
    "GeneralUser-GS.sf2": ("GeneralUser GS", "GeneralUser GS licence 2.0"),
}
_LITE = "MuseScore_General_Lite.sf3"
"""Debian installs it under the name of the whole font, too, as a link."""
_FALLBACK = "TimGM6mb.sf2"


@dataclass(frozen=True, slots=True)
class Soundfont:
    """A soundfont file. `licence` is 'unknown' for one that is not listed here."""

    name: str
    path: Path
    licence: str

    def described(self) -> dict[str, str]:
        """The font as the report lists it."""
        return {"name": self.name, "path": str(self.path), "licence": self.licence}


def find_soundfont(settings: GenerateSettings) -> Soundfont:
    """The soundfont to render with.

    Raises:
        InvalidRequest: BANDMATE_SOUNDFONT names no file.
        Unavailable: there is none at all.
    """
    if settings.soundfont is not None:
        if not settings.soundfont.is_file():
            raise InvalidRequest(f"BANDMATE_SOUNDFONT={settings.soundfont}: there is no such file")
        return _described(settings.soundfont)
    for path in _candidates(settings.home / "soundfonts"):
        if path.is_file():
            return _described(path)
    raise Unavailable(
        "no soundfont was found; run scripts/fetch-soundfont or bandmate sounds add, or name a General MIDI .sf2 or "
        ".sf3 file in BANDMATE_SOUNDFONT"
    )


def _candidates(home: Path) -> Iterator[Path]:
    folders = (*SYSTEM_FOLDERS, home, Path(sys.prefix) / "share" / "soundfonts")
    for name in _KNOWN:
        yield from (folder / name for folder in folders if (folder / name).resolve().name != _LITE)
    for folder in folders:
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if path.suffix in (".sf2", ".sf3") and path.resolve().name not in (_LITE, _FALLBACK):
                yield path
    for name in (_LITE, _FALLBACK):
        yield from (folder / name for folder in folders)


def _described(path: Path) -> Soundfont:
    if path.name == _FALLBACK:
        return Soundfont("TimGM6mb", path, "GPL-2.0")
    if path.name == _LITE:
        return Soundfont("MuseScore General Lite", path, "MIT")
    name, licence = _KNOWN.get(path.name, (path.stem, "unknown"))
    return Soundfont(name, path, licence)
