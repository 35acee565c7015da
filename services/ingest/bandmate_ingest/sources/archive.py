"""Reads zips of music files, checked against the limits before anything is expanded."""

import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from bandmate_music.limits import Limits
from bandmate_music.musicxml.bounded_zip import open_zip, read_entry
from bandmate_shared.errors import LimitExceeded


def open_archive(path: Path, limits: Limits, name: str | None = None) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """The files of a zip in name order, each with a function that reads it. `name` is the zip's for people.

    That function raises UnreadableFile or LimitExceeded for an entry that is damaged, encrypted or a bomb: it costs
    the archive that entry.

    Raises:
        UnreadableFile: it is not a zip, or its directory is damaged.
        LimitExceeded: it is too big, has too many entries, or claims to expand too far.
    """
    check_archive_size(name or path.name, path.stat().st_size, limits)
    archive = open_zip(path, limits)
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    for entry in sorted(entries, key=lambda entry: entry.filename):
        yield entry.filename, partial(_read, archive, entry, limits)


def check_archive_size(name: str, size: int, limits: Limits) -> None:
    """Raises LimitExceeded for a zip of more bytes than it may expand to."""
    if size > limits.unzipped_bytes:
        raise LimitExceeded(
            f"{name} has {size:,} bytes, and may not expand to more than {limits.unzipped_bytes:,} "
            "(BANDMATE_MAX_UNZIPPED_BYTES)"
        )


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limits: Limits) -> bytes:
    return read_entry(archive, entry, limits)
