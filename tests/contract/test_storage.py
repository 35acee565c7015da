"""The conformance suite of the object store: every implementation passes all of it.

A new implementation adds itself to `IMPLEMENTATIONS` in conftest.py, and what a killed writer leaves there to
`LEFT_BEHIND`.
S3 is a moto server here. Whether AWS does what its documentation says of conditional puts, no test of ours can tell;
what moto does otherwise is written in tests/moto_server.py.
"""

import contextlib
import errno
import itertools
import multiprocessing
import os
import random
import resource
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from bandmate_shared.contracts.jobs import Artifact, Manifest
from bandmate_shared.errors import NotFound, StorageFull
from bandmate_shared.s3_storage import S3Storage
from bandmate_shared.storage import (
    AlreadyExists,
    DirectoryStorage,
    Storage,
    blob_key,
    get_manifest,
    open_storage,
    put_artifact,
    put_blob,
    put_manifest,
    sha256_of,
    tenant_space,
)
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.contract.conftest import Opener


def _partial_files(storage: Storage) -> int:
    """Files of the directory store that are being written and hold something already."""
    assert isinstance(storage, DirectoryStorage)
    folder = storage.root / ".partial"
    return sum(path.stat().st_size > 0 for path in folder.iterdir()) if folder.exists() else 0


def _unfinished_uploads(storage: Storage) -> int:
    """Uploads in parts of which at least one part has arrived."""
    assert isinstance(storage, S3Storage)
    uploads = storage.client.list_multipart_uploads(Bucket=storage.bucket).get("Uploads", ())
    parts = [
        storage.client.list_parts(Bucket=storage.bucket, Key=upload["Key"], UploadId=upload["UploadId"])
        for upload in uploads
    ]
    return sum("Parts" in listing for listing in parts)


LEFT_BEHIND: dict[type[Storage], Callable[[Storage], int]] = {
    DirectoryStorage: _partial_files,
    S3Storage: _unfinished_uploads,
}
"""What a killed writer leaves that is no object: counted here, removed by a sweep or by the bucket's lifecycle rule."""


def test_bytes_and_files_come_back_as_they_were_put(storage: Storage, tmp_path: Path) -> None:
    data = bytes(range(256)) * 10_000
    source = tmp_path / "source"
    source.write_bytes(data)
    storage.put("from/bytes", data)
    storage.put("from/file", source)
    storage.put("empty", b"")
    assert storage.get("from/bytes") == storage.get("from/file") == data
    assert storage.size("from/file") == len(data)
    assert (storage.get("empty"), storage.size("empty"), storage.exists("empty")) == (b"", 0, True)
    assert source.read_bytes() == data, "the source stays"
    storage.fetch("from/bytes", tmp_path / "new folder" / "copy")
    assert (tmp_path / "new folder" / "copy").read_bytes() == data
    assert [path.name for path in (tmp_path / "new folder").iterdir()] == ["copy"]


def test_a_put_overwrites_and_a_conditional_put_does_not(storage: Storage) -> None:
    storage.put("key", b"one")
    storage.put("key", b"two")
    with pytest.raises(AlreadyExists):
        storage.put("key", b"three", if_absent=True)
    assert storage.get("key") == b"two"
    storage.delete("key")
    storage.put("key", b"three", if_absent=True)
    assert storage.get("key") == b"three"


def test_what_is_not_there_is_not_found(storage: Storage, tmp_path: Path) -> None:
    storage.put("there/object", b"x")
    for key in ("nowhere", "there", "there/object/below", "there/other"):
        assert not storage.exists(key)
        with pytest.raises(NotFound):
            storage.get(key)
        with pytest.raises(NotFound):
            storage.size(key)
        with pytest.raises(NotFound):
            storage.fetch(key, tmp_path / "target")
        with pytest.raises(NotFound):
            storage.blocks(key)
        with pytest.raises(NotFound):
            storage.blocks(key, 5, 5)
        with pytest.raises(NotFound):
            storage.copy(key, "target")
        with contextlib.suppress(NotFound):
            assert storage.local_path(key) is None
        storage.delete(key)
    assert not (tmp_path / "target").exists()
    assert storage.get("there/object") == b"x"


def test_any_part_of_an_object_can_be_read(storage: Storage) -> None:
    data = random.Random(1).randbytes(3_000_000)
    storage.put("key", data)
    storage.put("empty", b"")
    for start, stop in ((0, None), (0, 10), (5, 5), (1_000_000, 2_500_001), (2_999_999, None), (2_999_990, 4_000_000)):
        assert b"".join(storage.blocks("key", start, stop)) == data[start:stop]
    for start in (3_000_000, 3_000_001):
        assert b"".join(storage.blocks("key", start)) == b""
    assert b"".join(storage.blocks("empty")) == b"".join(storage.blocks("empty", 0, 10)) == b""
    assert max(len(block) for block in storage.blocks("key")) <= 1 << 20


def test_blocks_are_of_one_version(storage: Storage) -> None:
    storage.put("key", b"a" * 5_000_000)
    reading = storage.blocks("key")
    first = next(reading)
    storage.put("key", b"b" * 5_000_000)
    assert set(first + b"".join(reading)) == {ord("a")}


def test_a_listing_tells_sizes_and_times(storage: Storage) -> None:
    before = time.time()
    for size in (0, 5, 70_000):
        storage.put(f"list/{size}", bytes(size))
    storage.put("other", b"x")
    found = list(storage.objects("list/"))
    assert [(one.key, one.size) for one in found] == [("list/0", 0), ("list/5", 5), ("list/70000", 70_000)]
    assert all(before - 2 <= one.modified <= time.time() + 2 for one in found)


def test_a_copy_is_the_same_and_stays(storage: Storage) -> None:
    storage.put("from/here", b"one")
    storage.put("there", b"old")
    storage.copy("from/here", "to/there")
    storage.copy("from/here", "there")
    storage.delete("from/here")
    assert storage.get("to/there") == storage.get("there") == b"one"


def test_what_comes_in_parts_is_whole(storage: Storage, tmp_path: Path) -> None:
    """On S3 this is past the size that is put in one go."""
    source = tmp_path / "source"
    source.write_bytes(random.Random(2).randbytes(20_000_001))
    storage.put("file", source, if_absent=True)
    storage.put("bytes", source.read_bytes())
    assert sha256_of(storage.get("bytes")) == sha256_of(source)
    storage.fetch("file", tmp_path / "copy")
    assert sha256_of(tmp_path / "copy") == sha256_of(source)
    with pytest.raises(AlreadyExists):
        storage.put("file", source, if_absent=True)
    assert LEFT_BEHIND[type(storage)](storage) == 0


def test_a_failed_fetch_leaves_the_earlier_file(storage: Storage, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("earlier")
    with pytest.raises(NotFound):
        storage.fetch("nowhere", target)
    assert target.read_text() == "earlier"


def test_prefixes_end_anywhere_and_keys_ascend(storage: Storage) -> None:
    keys = ["a/b/1", "a/b/10", "a/b/2", "a/bc", "a-b", "a.b", "ab", "a/b-c/d", "B"]
    for key in keys:
        storage.put(key, b"")
    assert list(storage.keys("")) == sorted(keys)
    assert list(storage.keys("a/")) == ["a/b-c/d", "a/b/1", "a/b/10", "a/b/2", "a/bc"]
    assert list(storage.keys("a/b")) == ["a/b-c/d", "a/b/1", "a/b/10", "a/b/2", "a/bc"]
    assert list(storage.keys("a/b/")) == ["a/b/1", "a/b/10", "a/b/2"]
    assert list(storage.keys("a/b/1")) == ["a/b/1", "a/b/10"]
    assert list(storage.keys("a")) == sorted(key for key in keys if key.startswith("a"))
    assert list(storage.keys("a/b/1/")) == []
    assert list(storage.keys("zzz/yyy")) == []


def test_an_empty_store_has_no_keys(storage: Storage) -> None:
    assert list(storage.keys("")) == []


BAD_KEYS = [
    "", "/", "/absolute", "trailing/", "double//slash", ".", "..", "../escape", "a/../b", "a/./b", "a/..", "a\\b",
    "a b", "ä", "a\n", "a\0b", "a:b", "*", "~", "%2e%2e/x", "x" * 1025, "x" * 256, ".partial/x", ".partial",
]  # fmt: skip


@pytest.mark.parametrize("key", BAD_KEYS)
def test_what_is_no_key_is_refused_by_every_method(storage: Storage, key: str, tmp_path: Path) -> None:
    storage.put("good", b"x")
    operations: list[Callable[[], object]] = [
        lambda: storage.put(key, b"x"),
        lambda: storage.put(key, b"x", if_absent=True),
        lambda: storage.get(key),
        lambda: storage.fetch(key, tmp_path / "target"),
        lambda: storage.exists(key),
        lambda: storage.size(key),
        lambda: storage.delete(key),
        lambda: storage.local_path(key),
        lambda: storage.blocks(key),
        lambda: storage.copy(key, "good"),
        lambda: storage.copy("good", key),
    ]
    for operation in operations:
        with pytest.raises(ValueError, match="not a storage key"):
            operation()
    if key not in ("", "trailing/"):
        with pytest.raises(ValueError, match="not a prefix"):
            list(storage.keys(key))
    assert list(storage.keys("")) == ["good"]


@given(key=st.text(alphabet="ab./\\\0\n -_=~é", max_size=12))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
def test_no_key_leads_out_of_the_store(tmp_path: Path, key: str) -> None:
    root = tmp_path / "inner" / "store"
    storage = DirectoryStorage(root)
    try:
        storage.put(key, b"x")
    except ValueError:
        pass
    else:
        assert storage.get(key) == b"x"
        assert list(storage.keys(key)) == [key]
        storage.delete(key)
    outside = [path for path in tmp_path.rglob("*") if path.is_file() and root not in path.parents]
    assert outside == []


def test_of_many_threads_one_conditional_put_wins(storage: Storage) -> None:
    contenders, outcomes = 12, []
    together = threading.Barrier(contenders)

    def contend(number: int) -> None:
        together.wait()
        try:
            storage.put("prize", str(number).encode() * 1000, if_absent=True)
            outcomes.append(number)
        except AlreadyExists:
            pass

    threads = [threading.Thread(target=contend, args=(number,)) for number in range(contenders)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 1
    assert storage.get("prize") == str(outcomes[0]).encode() * 1000


def _contend(opener: Opener, number: int, results: "multiprocessing.Queue[int]") -> None:
    storage = opener()
    for round_ in range(20):
        try:
            storage.put(f"prize/{round_}", str(number).encode(), if_absent=True)
            results.put(round_)
        except AlreadyExists:
            pass


def test_of_many_processes_one_conditional_put_wins(opener: Opener) -> None:
    context = multiprocessing.get_context("fork")
    results: multiprocessing.Queue[int] = context.Queue()
    processes = [context.Process(target=_contend, args=(opener, n, results)) for n in range(4)]
    for process in processes:
        process.start()
    won = [results.get(timeout=60) for _ in range(20)]
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    assert sorted(won) == list(range(20)), "each prize was won exactly once"
    assert results.empty()


def test_a_reader_sees_the_old_or_the_new_object_and_nothing_between(storage: Storage) -> None:
    versions = [bytes([number]) * 300_000 for number in range(4)]
    storage.put("key", versions[0])
    seen: list[bytes] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.append(storage.get("key"))

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(5):
        for version in versions:
            storage.put("key", version)
    done.set()
    reader.join()
    assert seen
    assert set(seen) <= set(versions)


def _fetch_past_the_limit(opener: Opener, target: Path, report: Path) -> None:
    """In a child: files may not grow past 64 KiB, which the kernel reports like a full disk (EFBIG)."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
    try:
        opener().fetch("big", target)
    except StorageFull as error:
        report.write_text(error.detail)


def test_a_full_disk_is_said_by_a_fetch_and_leaves_the_earlier_file(opener: Opener, tmp_path: Path) -> None:
    opener().put("big", b"x" * 200_000)
    target, report = tmp_path / "fetched" / "file", tmp_path / "report"
    target.parent.mkdir()
    target.write_text("earlier")
    child = multiprocessing.get_context("fork").Process(target=_fetch_past_the_limit, args=(opener, target, report))
    child.start()
    child.join(60)
    assert child.exitcode == 0
    assert "copying big" in report.read_text()
    assert "free some space" in report.read_text()
    assert target.read_text() == "earlier"
    assert list(target.parent.iterdir()) == [target]


def _write_for_ever(opener: Opener, source: Path) -> None:
    storage = opener()
    for number in itertools.count():
        storage.put(f"big/{number:04}", source)


def test_a_writer_that_is_killed_leaves_whole_objects_or_none(
    opener: Opener, tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    source = tmp_path / "source"
    source.write_bytes(random.Random(3).randbytes(40_000_000))
    storage = opener()
    count = LEFT_BEHIND[type(storage)]
    child = multiprocessing.get_context("fork").Process(target=_write_for_ever, args=(opener, source))
    child.start()
    wait_until(lambda: count(storage) > 0, "a put to be under way")
    child.kill()
    child.join(60)
    assert all(found.size == 40_000_000 for found in storage.objects(""))
    assert count(storage) <= 1
    storage.put("big/0000", b"the next one is not in the way of what it left")
    assert storage.get("big/0000").startswith(b"the next one")


def test_other_errors_are_not_called_a_full_disk(storage: Storage, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file") as caught:
        storage.put("key", tmp_path / "no such source")
    assert caught.value.errno == errno.ENOENT
    assert not storage.exists("key")


def test_a_blob_is_known_by_its_hash_and_stored_once(storage: Storage, tmp_path: Path) -> None:
    source = tmp_path / "song.mid"
    source.write_bytes(b"MThd")
    assert put_blob(storage, b"MThd") == put_blob(storage, source) == sha256_of(b"MThd")
    assert list(storage.keys("blobs/")) == [blob_key(sha256_of(b"MThd"))]
    artifact = put_artifact(storage, "song.mid", source, "audio/midi")
    assert artifact == Artifact(name="song.mid", sha256=sha256_of(b"MThd"), size=4, media_type="audio/midi")


def test_the_first_manifest_stands(storage: Storage) -> None:
    one = Manifest(job_id="song_1", artifacts=[put_artifact(storage, "a", b"a", "text/plain")])
    two = Manifest(job_id="song_1", artifacts=[])
    assert get_manifest(storage, "song_1") is None
    assert put_manifest(storage, one) == one
    assert put_manifest(storage, two) == one
    assert get_manifest(storage, "song_1") == one


def test_a_local_path_if_any_is_the_object(storage: Storage) -> None:
    storage.put("key", b"x")
    path = storage.local_path("key")
    assert path is None or path.read_bytes() == b"x"


def test_tenants_have_spaces_of_their_own() -> None:
    assert tenant_space("local") == ""
    assert tenant_space("acme") == "tenants/acme/"


# What only the directory implementation promises.


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


def test_a_full_disk_is_said_and_leaves_everything_as_it_was(tmp_path: Path) -> None:
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


def test_what_a_killed_writer_left_is_swept_and_a_living_ones_is_not(tmp_path: Path) -> None:
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
