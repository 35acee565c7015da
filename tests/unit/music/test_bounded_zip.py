"""The directory of a zip is bounded by what its end says, in memory, on disk and in the store alike."""

import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bandmate_music.musicxml.bounded_zip import open_zip
from bandmate_shared.errors import LimitExceeded, UnreadableFile
from bandmate_shared.objects.directory import DirectoryStorage
from bandmate_shared.objects.stored_file import open_stored
from bandmate_shared.settings import SharedSettings

LIMITS = SharedSettings().file_limits


def packed(entries: int, comment: bytes = b"", before: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    buffer.write(before)
    with zipfile.ZipFile(buffer, "a" if before else "w") as archive:
        for number in range(entries):
            archive.writestr(f"{number}", b"x")
        archive.comment = comment
    return buffer.getvalue()


def _in_store(data: bytes, folder: Path) -> Any:
    storage = DirectoryStorage(folder)
    storage.put("zip", data)
    return open_stored(storage, "zip")


def _on_disk(data: bytes, folder: Path) -> Path:
    path = folder / "file.zip"
    path.write_bytes(data)
    return path


@pytest.fixture(params=[lambda data, folder: data, _on_disk, _in_store], ids=["bytes", "file", "stored"])
def placed(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[bytes], Any]:
    return lambda data: request.param(data, tmp_path)


def test_a_zip_is_opened_wherever_it_lies(placed: Callable[[bytes], Any]) -> None:
    with open_zip(placed(packed(30, comment=b"c" * 60_000, before=b"j" * 300_000)), LIMITS) as archive:
        assert len(archive.infolist()) == 30
        assert archive.read("7") == b"x"


def test_a_directory_of_more_entries_than_a_short_end_can_count_is_counted(placed: Callable[[bytes], Any]) -> None:
    """65,536 entries and more need a zip64 directory."""
    data = packed(66_000)
    with pytest.raises(LimitExceeded, match="66,000 entries"):
        open_zip(placed(data), LIMITS)
    with open_zip(placed(data), replace(LIMITS, zip_entries=70_000)) as archive:
        assert len(archive.infolist()) == 66_000


def test_an_end_that_promises_a_long_directory_and_has_none_is_damaged(placed: Callable[[bytes], Any]) -> None:
    data = bytearray(packed(3))
    data[-12:-10] = b"\xff\xff"  # Entries of the whole: "see the zip64 directory", and there is none.
    with pytest.raises(UnreadableFile, match="zip64"):
        open_zip(placed(bytes(data)), LIMITS)


@pytest.mark.parametrize("data", [b"", b"PK\x05\x06", b"PK\x03\x04" + bytes(100), bytes(200_000), packed(2)[:-1]])
def test_a_cut_off_zip_is_said_to_be_one(placed: Callable[[bytes], Any], data: bytes) -> None:
    with pytest.raises(UnreadableFile, match="directory is missing"):
        open_zip(placed(data), LIMITS)
