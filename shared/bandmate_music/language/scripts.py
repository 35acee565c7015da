"""Refuse words in a script that no voice sings, by the script's name."""

import unicodedata
from collections.abc import Iterable

from bandmate_music.errors import InvalidRequest
from bandmate_music.language.hints import without_hints

_NAMES = {
    "cjk": "Chinese",
    "kangxi": "Chinese",
    "hiragana": "Japanese",
    "katakana": "Japanese",
    "katakana-hiragana": "Japanese",
    "hangul": "Korean",
}
"""Scripts by the first word of their letters' names in Unicode, where that is not the usual name."""
_LATIN = frozenset(("latin", "modifier", "micro", "feminine", "masculine", "kelvin", "angstrom", "ohm"))
_SHOWN = 40


class ScriptNotSung(InvalidRequest):
    """Words are written in a script that no voice sings."""

    type = "script-not-sung"
    title = "Script that no voice sings"


def refuse_unsung_scripts(lines: Iterable[str]) -> None:
    """Raises ScriptNotSung for the first line with letters of another script than the Latin one."""
    for number, line in enumerate(lines, start=1):
        plain = unicodedata.normalize("NFKC", without_hints(line))
        others = [script for letter in plain if letter.isalpha() and (script := script_of(letter)) != "Latin"]
        if others:
            name = "Japanese" if "Japanese" in others else others[0]
            raise ScriptNotSung(
                f"no voice sings {name} script (words line {number}: {line.strip()[:_SHOWN]!r}); write the words in "
                f"Latin letters, for instance as they are transliterated for singers"
            )


def script_of(letter: str) -> str:
    """The name of a letter's script: "Latin", "Cyrillic", "Japanese"; "unknown" for a letter without a name."""
    first = unicodedata.name(letter, "unknown").lower().split()[0]
    if first in _LATIN:
        return "Latin"
    return _NAMES.get(first, first.capitalize() if first != "unknown" else first)
