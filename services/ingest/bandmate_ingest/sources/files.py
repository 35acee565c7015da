"""Music files that a source holds: their names, styles and contents."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bandmate_music.limits import Limits

from bandmate_ingest.sources.archive import open_archive

READ_SUFFIXES = frozenset((".mid", ".midi", ".kar", ".rmi", ".smf", ".mxl", ".musicxml", ".xml"))
OTHER_NOTATION = frozenset(
    (".krn", ".abc", ".mscz", ".mscx", ".mei", ".ly", ".gp3", ".gp4", ".gp5", ".gpx", ".sib", ".mus")
)
"""Music in formats that are not read: listed as rejected rather than passed over in silence."""
GENERIC_FOLDERS = frozenset(
    ("train", "valid", "validation", "test", "midi", "midis", "mid", "mxl", "xml", "data", "files")
)
"""Folder names that do not name a style."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to be read. `read` gives little more than the limit on a file, so that the limit is noticed later; it may
    raise OSError, or a BandmateError; a retryable one says nothing about the file."""

    name: str
    style: str
    read: Callable[[], bytes]


def zip_files(path: Path, name: str, style: str | None, limits: Limits) -> Iterator[SourceFile]:
    """The music in a zip; `name` is the zip's for people. Raises as `open_archive` does."""
    for entry, read in open_archive(path, limits, name):
        if is_music(PurePosixPath(entry)):
            inner = printable(f"{PurePosixPath(name).stem}/{entry}")
            yield SourceFile(inner, style or style_of(inner), read)


def read_file(path: Path, limits: Limits) -> bytes:
    """The file's bytes, at most one more than the limit."""
    with path.open("rb") as file:
        return file.read(limits.file_bytes + 1)


def printable(name: str) -> str:
    """A file's name as text that can be stored: bytes that are no UTF-8 become question marks."""
    return name.encode("utf-8", "replace").decode()


def is_music(path: PurePosixPath) -> bool:
    """Whether a visible file has the name of music, in a format that is read or not."""
    hidden = any(part.startswith((".", "__")) for part in path.parts)
    return not hidden and path.suffix.lower() in READ_SUFFIXES | OTHER_NOTATION


def style_of(name: str) -> str:
    """The nearest meaningful folder name, as a style name: 'My Folk Songs/train/a.mid' is 'my-folk-songs'."""
    folders = [part for part in PurePosixPath(name).parts[:-1] if part.lower() not in GENERIC_FOLDERS]
    word = re.sub(r"[^a-z0-9]+", "-", folders[-1].lower()).strip("-")[:32].strip("-") if folders else ""
    if not word:
        return "song"
    return word if word[0].isalpha() else f"s{word}"[:32]
