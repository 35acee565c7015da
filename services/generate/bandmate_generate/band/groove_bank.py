"""The drum patterns of `data/grooves.json`, made by `scripts/fit_grooves.py` from the Groove MIDI Dataset."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TypedDict

from bandmate_music.theory.metre import Metre
from bandmate_music.theory.metrical_grid import is_compound

from bandmate_generate.band.rhythm import Line

PITCHES = {
    "kick": 36,
    "snare": 38,
    "rim": 37,
    "hat": 42,
    "open": 46,
    "pedal": 44,
    "ride": 51,
    "bell": 53,
    "crash": 49,
    "high": 50,
    "mid": 47,
    "floor": 43,
    "claves": 75,
}
"""Instrument of a pattern → General MIDI percussion key."""
DEFAULT_FAMILY = "rock"


@dataclass(frozen=True, slots=True)
class Groove:
    """Instrument → its line: . silent, g soft, x plain, X accented."""

    lines: Mapping[str, Line]

    def is_struck_first(self, instrument: str) -> bool:
        """Whether the instrument has the first stroke of the first bar."""
        line = self.lines.get(instrument)
        return line is not None and line.four[:1] in ("g", "x", "X")

    def hits(self, *instruments: str) -> int:
        """How many strokes these instruments have in the first lines."""
        lines = (self.lines[name].four for name in instruments if name in self.lines)
        return sum(character not in ".|" for line in lines for character in line)


@dataclass(frozen=True, slots=True)
class GrooveFamily:
    """The grooves of a kind of music, the most typical first, and fills of a bar."""

    grooves: tuple[Groove, ...]
    fills: tuple[Groove, ...]


@cache
def groove_family(name: str | None, metre: Metre) -> GrooveFamily:
    """The family of that name for a metre: recorded in it where there are such recordings, else to be adapted."""
    families = _bank()
    entry = families.get(name or DEFAULT_FAMILY, families[DEFAULT_FAMILY])
    recorded = entry["grooves"]
    plain = [_groove(lines) for lines in recorded["4/4"]]
    if metre.denominator <= 4 and metre.numerator * 4 // metre.denominator in (3, 6) and "3/4" in recorded:
        plain = [_groove(lines, "three") for lines in recorded["3/4"]]
    elif is_compound(metre) and metre.denominator == 8 and "6/8" in recorded:
        plain = [_groove(lines, "six") for lines in recorded["6/8"]]
    return GrooveFamily(tuple(plain), tuple(_groove(lines, bars=1) for lines in entry["fills"]))


def _groove(lines: Mapping[str, str], metre: str = "four", bars: int = 2) -> Groove:
    found = {}
    for name, text in lines.items():
        size = len(text) // bars
        line = "|".join(text[start : start + size] for start in range(0, len(text), size))
        found[name] = Line(line, line if metre == "three" else None, line if metre == "six" else None)
    return Groove(found)


class _Entry(TypedDict):
    grooves: dict[str, list[dict[str, str]]]
    fills: list[dict[str, str]]


@cache
def _bank() -> dict[str, _Entry]:
    text = (files("bandmate_generate") / "data" / "grooves.json").read_text(encoding="utf-8")
    families: dict[str, _Entry] = json.loads(text)["families"]
    return families
