"""Reads the words under a note: <lyric> elements with their lines, syllables and elisions. Source: W3C MusicXML 4.0."""

import re
from dataclasses import dataclass
from xml.etree.ElementTree import Element

_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_WORD_ENDS = frozenset(("single", "end"))
_GOES_ON = frozenset(("begin", "middle"))
_MAX_CHARACTERS = 64
_MAX_PASSES = 20


@dataclass(frozen=True, slots=True)
class WrittenSyllable:
    """What one lyric line has under a note. `line` is its number as written: '1', 'part1verse2', 'chorus'.

    `text` may hold several words that meet on the note (an elision), with spaces between them; it is empty where the
    line only says that the syllable before goes on. `held`: a line leads on from the syllable. `passes`: it is sung in
    these passes of a repeat only; empty: in all.
    """

    line: str
    text: str
    word_end: bool = True
    held: bool = False
    line_end: bool = False
    passes: tuple[int, ...] = ()
    language: str = ""


def read_lyrics(note: Element) -> list[WrittenSyllable]:
    """The syllables under a note in the order of the file, at most one a line."""
    found: dict[str, WrittenSyllable] = {}
    for lyric in note.iter("lyric"):
        line = (lyric.get("number") or lyric.get("name") or "1").strip().lower()
        if lyric.get("name", "").strip().lower() in ("chorus", "refrain"):
            line = "chorus"
        syllable = _read(lyric, line)
        if syllable is not None:
            found.setdefault(line, syllable)
    return list(found.values())


def lyric_lines(names: list[str]) -> list[str]:
    """The lines of verses in order: by the last number in their names, else in the order given; no chorus lines."""
    verses = [name for name in dict.fromkeys(names) if name != "chorus"]

    def rank(name: str) -> tuple[int, int]:
        number = re.search(r"(\d{1,4})\D*$", name)
        return (int(number[1]) if number else 10_000, verses.index(name))

    return sorted(verses, key=rank)


def _read(lyric: Element, line: str) -> WrittenSyllable | None:
    text, goes_on, before = "", False, ""
    elided = False
    for piece in lyric:
        if piece.tag == "syllabic":
            before = " ".join((piece.text or "").split())
        elif piece.tag == "elision":
            elided = True
        elif piece.tag == "text":
            written = " ".join((piece.text or "").split())
            if not written:
                continue
            text += _joint(text, goes_on, before, elided) + written
            if before:
                goes_on = before in _GOES_ON
            before, elided = "", False
    extend = lyric.find("extend")
    held = extend is not None and extend.get("type") != "stop"
    ends_line = lyric.find("end-line") is not None or lyric.find("end-paragraph") is not None
    if not text and lyric.find("humming") is not None:
        text = "mm"
    if not text and extend is None:
        return None
    return WrittenSyllable(
        line,
        text[:_MAX_CHARACTERS],
        word_end=not goes_on,
        held=held,
        line_end=ends_line,
        passes=_passes(lyric.get("time-only", "")),
        language=_language(lyric),
    )


def _joint(text: str, goes_on: bool, before: str, elided: bool) -> str:
    """What stands between two texts under a note: a space where one word ends and the next begins."""
    if not text:
        return ""
    if goes_on and before in ("middle", "end"):
        return ""
    return " " if elided or before else ""


def _passes(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d{1,3}", text)[:_MAX_PASSES])


def _language(lyric: Element) -> str:
    for element in (*lyric.findall("text"), lyric):
        if tag := element.get(_LANGUAGE, ""):
            return tag[:16]
    return ""
