"""Zip archives that cannot expand past the limits, whatever their directories claim."""

import io
import zipfile
import zlib

from bandmate_shared.errors import LimitExceeded, UnreadableFile
from bandmate_shared.music.limits import Limits

_END_OF_DIRECTORY = b"PK\x05\x06"
_LONGEST_COMMENT = 65_557
_DIRECTORY_ENTRY_BYTES = 46
_GREATEST_RATIO = 250
_RATIO_FREE_BYTES = 1_000_000
"""Scores repeat themselves: real ones shrink up to sixtyfold. Below a million bytes no ratio is suspicious."""


def open_zip(data: bytes, limits: Limits) -> zipfile.ZipFile:
    """The archive, its directory bounded before it is read.

    Raises:
        UnreadableFile: it is no zip, or a damaged one.
        LimitExceeded: it has too many entries, or they claim to expand too far.
    """
    end = data.rfind(_END_OF_DIRECTORY, max(0, len(data) - _LONGEST_COMMENT))
    if end < 0 or end + 22 > len(data):
        raise UnreadableFile("this zip archive is cut off: its directory is missing")
    entries = int.from_bytes(data[end + 10 : end + 12], "little")
    directory_bytes = int.from_bytes(data[end + 12 : end + 16], "little")
    if entries == 0xFFFF or directory_bytes == 0xFFFFFFFF:  # A zip64 directory; how long it can be, the file says.
        entries = data.count(b"PK\x01\x02")
    limits.check_zip_entries(max(entries, min(directory_bytes, len(data)) // (_DIRECTORY_ENTRY_BYTES + 1024)))
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, EOFError) as error:
        raise UnreadableFile(f"this zip archive is damaged: {error}") from None
    limits.check_zip_entries(len(archive.infolist()))
    limits.check_unzipped_bytes(sum(entry.file_size for entry in archive.infolist()))
    return archive


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
    most = limits.unzipped_bytes
    bounded = min(most, max(_RATIO_FREE_BYTES, entry.compress_size * _GREATEST_RATIO))
    try:
        with archive.open(entry) as stream:
            content = stream.read(bounded + 1)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, ValueError, OSError, EOFError) as error:
        raise UnreadableFile(f"{entry.filename!r} in the zip is damaged: {error}") from None
    if len(content) > most:
        limits.check_unzipped_bytes(len(content))
    if len(content) > bounded:
        raise LimitExceeded(
            f"{entry.filename!r} in the zip expands more than {_GREATEST_RATIO} times, "
            f"beyond {_RATIO_FREE_BYTES:,} bytes: no score does"
        )
    return content
