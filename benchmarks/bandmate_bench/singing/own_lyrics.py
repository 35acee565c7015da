"""The words of a MusicXML file by a reader of the benchmark's own: what should be found in what is sung."""

import unicodedata
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.etree.ElementTree import ParseError

from defusedxml.ElementTree import fromstring

SUFFIXES = (".mxl", ".musicxml", ".xml")


def own_lyrics(path: Path) -> list[str] | None:
    """The first verse's syllables of the voice with the most of them, in written order; None where there are none, or
    the file cannot be read.
    """
    try:
        root = fromstring(_xml(path))
    except (OSError, ParseError, ValueError, zipfile.BadZipFile, StopIteration):
        return None
    verses: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for part in root.iter("part"):
        for note in part.iter("note"):
            voice = note.findtext("voice") or "1"
            for lyric in note.findall("lyric"):
                text = "".join(piece.text or "" for piece in lyric.findall("text"))
                if letters(text):
                    verses[part.get("id", ""), voice][lyric.get("number", "1")].append(text)
    if not verses:
        return None
    most = max(verses.values(), key=lambda found: sum(map(len, found.values())))
    return most[min(most, key=lambda number: (len(number), number))]


def words_kept(wanted: Sequence[str], sung: Iterable[str]) -> bool:
    """Whether each syllable of the file is sung as one, in order. What is sung besides (repeats, verses) is allowed.

    Syllables that meet on one note, with a space between them, count one by one.
    """
    remaining = iter([letters(piece) for text in sung for piece in text.split()])
    pieces = [letters(piece) for text in wanted for piece in text.split() if letters(piece)]
    return all(any(piece == other for other in remaining) for piece in pieces)


def letters(text: str) -> str:
    """Letters and digits alone, in lower case."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


def _xml(path: Path) -> bytes:
    if path.suffix.lower() != ".mxl":
        return path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        name = next(
            name
            for name in archive.namelist()
            if name.lower().endswith((".xml", ".musicxml")) and not name.startswith("META-INF")
        )
        return archive.read(name)
