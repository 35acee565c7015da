"""Zip archives that cannot expand past the limits, whatever their directories claim."""

import io
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

from bandmate_music.errors import LimitExceeded, UnreadableFile
from bandmate_music.limits import Limits

_END_OF_DIRECTORY = b"PK\x05\x06"
_END_BYTES = 22
_MAX_END_BYTES = _END_BYTES + 65_535
_LOCATOR_64 = b"PK\x06\x07"
_LOCATOR_64_BYTES = 20
_END_64 = b"PK\x06\x06"
_END_64_BYTES = 56
_DIRECTORY_ENTRY_BYTES = 46
_MAX_RATIO = 250
_RATIO_FREE_BYTES = 1_000_000
"""Scores repeat themselves: real ones shrink up to sixtyfold. Below a million bytes no ratio is suspicious."""


def open_zip(source: bytes | Path | BinaryIO, limits: Limits) -> zipfile.ZipFile:
    """The archive, its directory bounded before it is read. Of a file nothing but the directory is read here.

    Raises:
        UnreadableFile: it is no zip, or a damaged one.
        LimitExceeded: it has too many entries, or they claim to expand too far.
        OSError: the file cannot be read.
    """
    if isinstance(source, Path):
        with source.open("rb") as file:
            _check_directory(file, limits)
    else:
        source = io.BytesIO(source) if isinstance(source, bytes) else source
        _check_directory(source, limits)
    try:
        archive = zipfile.ZipFile(source)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, EOFError) as error:
        raise UnreadableFile(f"this zip archive is damaged: {error}") from None
    limits.check_zip_entries(len(archive.infolist()))
    limits.check_unzipped_bytes(sum(entry.file_size for entry in archive.infolist()))
    return archive


def _check_directory(file: BinaryIO, limits: Limits) -> None:
    """Bound the directory by what the archive's end says of it; zipfile reads no more than that."""
    size = file.seek(0, io.SEEK_END)
    tail_bytes = min(size, _MAX_END_BYTES + _LOCATOR_64_BYTES + _END_64_BYTES)
    file.seek(size - tail_bytes)
    tail = file.read(tail_bytes)
    end = tail.rfind(_END_OF_DIRECTORY, max(0, len(tail) - _MAX_END_BYTES))
    if end < 0 or end + _END_BYTES > len(tail):
        raise UnreadableFile("this zip archive is cut off: its directory is missing")
    entries = int.from_bytes(tail[end + 10 : end + 12], "little")
    directory_bytes = int.from_bytes(tail[end + 12 : end + 16], "little")
    large = tail[max(0, end - _LOCATOR_64_BYTES - _END_64_BYTES) : end]
    if large[-_LOCATOR_64_BYTES:].startswith(_LOCATOR_64) and large.startswith(_END_64):
        entries = int.from_bytes(large[32:40], "little")
        directory_bytes = int.from_bytes(large[40:48], "little")
    elif entries == 0xFFFF or directory_bytes == 0xFFFFFFFF:
        raise UnreadableFile("this zip archive is damaged: the end of its zip64 directory is missing")
    limits.check_zip_entries(max(entries, min(directory_bytes, size) // (_DIRECTORY_ENTRY_BYTES + 1024)))


def read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limits: Limits) -> bytes:
    """The bytes of one entry; no more is expanded than the limit allows, whatever size the entry claims.

    Raises:
        UnreadableFile: it is encrypted, packed in an unusual way, or damaged.
        LimitExceeded: it expands too far, or by a ratio that no score reaches.
    """
    if entry.flag_bits & 1:
        raise UnreadableFile(f"{entry.filename!r} in the zip is encrypted")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UnreadableFile(f"{entry.filename!r} in the zip is packed by method {entry.compress_type}, not deflate")
    limit = limits.unzipped_bytes
    bounded = min(limit, max(_RATIO_FREE_BYTES, entry.compress_size * _MAX_RATIO))
    try:
        with archive.open(entry) as stream:
            content = stream.read(bounded + 1)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, ValueError, OSError, EOFError) as error:
        raise UnreadableFile(f"{entry.filename!r} in the zip is damaged: {error}") from None
    if len(content) > limit:
        limits.check_unzipped_bytes(len(content))
    if len(content) > bounded:
        raise LimitExceeded(
            f"{entry.filename!r} in the zip expands more than {_MAX_RATIO} times, "
            f"beyond {_RATIO_FREE_BYTES:,} bytes: no score does"
        )
    return content
