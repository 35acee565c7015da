"""What only the directory implementation of the object store does: full disks, names, partial files."""

import multiprocessing
import os
import resource
import signal
from pathlib import Path

import pytest
from bandmate_shared.errors import StorageFull
from bandmate_shared.objects.directory import DirectoryStorage
from bandmate_shared.objects.open import open_storage


def _write_past_the_limit(folder: Path, report: Path) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
    storage = DirectoryStorage(folder)
    lines = []
    for name, data in (("kept", b"small"), ("kept", b"x" * 200_000), ("new", b"x" * 200_000)):
        try:
            storage.put(name, data)
            lines.append(f"{name} written")
        except StorageFull as error:
            lines.append(f"{name} refused: {error.detail}")
    report.write_text("\n".join(lines))


def test_a_full_disk_raises_storage_full_and_changes_nothing(tmp_path: Path) -> None:
    report, folder = tmp_path / "report", tmp_path / "store"
    child = multiprocessing.get_context("fork").Process(target=_write_past_the_limit, args=(folder, report))
    child.start()
    child.join(60)
    assert child.exitcode == 0
    lines = report.read_text().splitlines()
    assert lines[0] == "kept written"
    assert all("refused: writing" in line and "free some space" in line for line in lines[1:])
    storage = DirectoryStorage(folder)
    assert storage.get("kept") == b"small"
    assert list(storage.keys("")) == ["kept"]


def test_a_directory_has_no_object_and_folder_of_one_name(tmp_path: Path) -> None:
    storage = DirectoryStorage(tmp_path)
    storage.put("a/b", b"x")
    for key in ("a", "a/b/c"):
        for if_absent in (False, True):
            with pytest.raises(ValueError, match=r"folder of|is a key itself"):
                storage.put(key, b"y", if_absent=if_absent)
    assert list(storage.keys("")) == ["a/b"]


def test_partial_files_of_killed_writers_are_removed_and_recent_ones_kept(tmp_path: Path) -> None:
    DirectoryStorage(tmp_path).put("key", b"x")
    old, young = tmp_path / ".partial" / "old", tmp_path / ".partial" / "young"
    old.write_bytes(b"half")
    young.write_bytes(b"half")
    os.utime(old, (0, 0))
    storage = DirectoryStorage(tmp_path)
    storage.put("other", b"x")
    assert not old.exists()
    assert young.exists()
    assert list(storage.keys("")) == ["key", "other"]


def test_an_unknown_scheme_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown storage URL"):
        open_storage("gopher://x")
