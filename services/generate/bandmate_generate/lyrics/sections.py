"""Section headers in lyrics ("[Verse 1]", "Chorus:", "(Refrain)"), which structure the song and are not sung."""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from bandmate_generate.lyrics.syllables import strip_marks

_BRACKETS = {"[": "]", "(": ")", "{": "}", "<": ">"}
_NUMBER = r"(?: ?#?\d{1,2}\.?| [ivx]{1,4}\.?| [a-d])"
MAX_TIMES = 8
_REPEATS = r"(?:\(?(?:[x×]\s*\d+|\d+\s*[x×])\)?)"


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the lyrics: from line `first_line` (an index into the sung lines) to the next section's.

    A section without lines of its own (a header that another one follows) repeats an earlier one. `kind` is one of
    verse, chorus, pre-chorus, post-chorus, bridge, intro, outro, interlude and solo; `header` the text as written;
    `times` how often it is sung one after the other ("[Chorus x2]").
    """

    kind: str
    number: int | None
    header: str
    first_line: int
    times: int = 1


@dataclass(frozen=True, slots=True)
class Header:
    """A header found at the start of a line; `rest` is what is sung after it, empty for most."""

    kind: str
    number: int | None
    text: str
    rest: str
    times: int = 1


def read_header(line: str) -> Header | None:
    """The section header that a line of lyrics is or begins with; None for a line that is sung as it stands.

    A known name counts in square brackets or before a colon; in parentheses or alone on its line only if it is unlikely
    to be sung ("Refrain", not "End"). In square brackets more may follow it: "[Verse 1: Anna]".
    """
    text = line.strip()
    if text[:1] in _BRACKETS and (end := text.find(_BRACKETS[text[0]])) > 0:
        inner, rest = text[1:end], text[end + 1 :].lstrip(" :")
        behind = text[end + 1 :] if re.fullmatch(_REPEATS, rest, re.IGNORECASE) else ""
        rest = "" if behind else rest
        names = [inner, re.split(r"[:,–—]|\s-\s", inner)[0]] if text[0] == "[" else [inner]
        kind = next((known_kind for name in names if (known_kind := _kind(name, marked=text[0] != "("))), None)
        return Header(*kind, text[: end + 1], rest, _times(inner + " " + behind)) if kind else None
    before, colon, after = text.partition(":")
    kind = _kind(before, marked=bool(colon))
    return Header(*kind, before + colon, after.strip(), _times(before)) if kind else None


def kind_of_name(name: str) -> tuple[str, int | None] | None:
    """The section that a name by itself means, and the number in it: 'Verse 2', 'Refrain'; None for an unknown name."""
    return _kind(name, marked=True)


def known_names() -> tuple[str, ...]:
    """All names of sections, in lower case without diacritics."""
    return tuple(_names())


def _times(text: str) -> int:
    """How often a section is to be sung, by a repetition sign in its header; at most MAX_TIMES."""
    match = re.search(r"[x×]\s*(\d{1,2})\b|\b(\d{1,2})\s*[x×]", text, re.IGNORECASE)
    return min(max(int(match[1] or match[2]), 1), MAX_TIMES) if match else 1


def _kind(name: str, *, marked: bool) -> tuple[str, int | None] | None:
    """The section and its number, if the name is one with no more than a number and a repetition sign beside it."""
    plain = " ".join(strip_marks(name).rstrip(":").split())
    match = re.fullmatch(
        rf"(?:repeat )?(?:(?P<before>\d{{1,2}})(?:\.|st|nd|rd|th|e|o|a|er|eme)? )?(?P<name>[a-z][a-z0-9 -]*?)"
        rf"(?P<after>{_NUMBER})?(?: {_REPEATS})?",
        plain,
    )
    if match is None:
        return None
    kind, only_marked = _names().get(match["name"], (None, False))
    if kind is None or (only_marked and not marked):
        return None
    return kind, _value((match["before"] or match["after"] or "").strip(" #."))


def _value(number: str) -> int | None:
    """The number behind "2", "ii" or "b"."""
    if number == "" or number.isdecimal():
        return int(number) if number else None
    romans = ["i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii"]
    return romans.index(number) + 1 if number in romans else ord(number[0]) - ord("a") + 1


@cache
def _names() -> dict[str, tuple[str, bool]]:
    """Name → (section, whether it counts only in brackets or before a colon)."""
    rows = (files("bandmate_generate") / "data" / "section_names.tsv").read_text(encoding="utf-8").splitlines()
    columns = [row.split("\t") for row in rows if not row.startswith("#")]
    return {name: (kind, use == "marked") for kind, use, names in columns for name in names.split(", ")}
