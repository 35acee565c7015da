"""The conformance suite of the object store: every implementation passes all of it.

A new implementation is added to `IMPLEMENTATIONS` in conftest.py, and a count of what a killed writer leaves to
`LEFT_BEHIND`.
S3 is a moto server here, so these tests do not show how AWS handles conditional puts. Differences between moto and S3
are described in tests/support/moto_server.py.
"""

import contextlib
import errno
import itertools
import multiprocessing
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
from bandmate_shared.objects.base import AlreadyExists, Storage, tenant_space
from bandmate_shared.objects.blobs import blob_key, get_manifest, put_artifact, put_blob, put_manifest, sha256_of
from bandmate_shared.objects.directory import DirectoryStorage
from bandmate_shared.objects.s3 import S3Storage
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
"""Count the unfinished writes of killed writers, which a sweep or the bucket's lifecycle rule removes."""


def test_bytes_and_files_are_returned_unchanged(storage: Storage, tmp_path: Path) -> None:
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


def test_a_missing_object_is_not_found(storage: Storage, tmp_path: Path) -> None:
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


def test_a_listing_has_sizes_and_times(storage: Storage) -> None:
    before = time.time()
    for size in (0, 5, 70_000):
        storage.put(f"list/{size}", bytes(size))
    storage.put("other", b"x")
    listed = list(storage.objects("list/"))
    assert [(entry.key, entry.size) for entry in listed] == [("list/0", 0), ("list/5", 5), ("list/70000", 70_000)]
    assert all(before - 2 <= entry.modified <= time.time() + 2 for entry in listed)


def test_a_copy_is_identical_and_independent(storage: Storage) -> None:
    storage.put("from/here", b"one")
    storage.put("there", b"old")
    storage.copy("from/here", "to/there")
    storage.copy("from/here", "there")
    storage.delete("from/here")
    assert storage.get("to/there") == storage.get("there") == b"one"


def test_a_multipart_upload_is_complete(storage: Storage, tmp_path: Path) -> None:
    """On S3 this is larger than one single put."""
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


def test_keys_are_listed_by_any_prefix_in_order(storage: Storage) -> None:
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


BAD_PATHS = [
    "",
    "/",
    "/absolute",
    "trailing/",
    "double//slash",
    ".",
    "..",
    "../escape",
    "a/../b",
    "a/./b",
    "a/..",
    "%2e%2e/x",
]
BAD_CHARACTERS = ["a\\b", "a b", "ä", "a\n", "a\0b", "a:b", "*", "~", "%2e%2e/x"]
BAD_KEYS = [*BAD_PATHS, *BAD_CHARACTERS, "x" * 1025, "x" * 256, ".partial/x", ".partial"]


@pytest.mark.parametrize("key", BAD_KEYS)
def test_an_invalid_key_is_refused_by_every_method(storage: Storage, key: str, tmp_path: Path) -> None:
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
def test_no_key_reaches_a_file_outside_the_store(tmp_path: Path, key: str) -> None:
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


def test_one_conditional_put_of_many_threads_wins(storage: Storage) -> None:
    contenders, outcomes = 12, []
    barrier = threading.Barrier(contenders)

    def contend(number: int) -> None:
        barrier.wait()
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


def test_one_conditional_put_of_many_processes_wins(opener: Opener) -> None:
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
    read_versions: list[bytes] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            read_versions.append(storage.get("key"))

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(5):
        for version in versions:
            storage.put("key", version)
    done.set()
    reader.join()
    assert read_versions
    assert set(read_versions) <= set(versions)


def _fetch_past_the_limit(opener: Opener, target: Path, report: Path) -> None:
    """In a child: files may not grow past 64 KiB, which the kernel reports like a full disk (EFBIG)."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
    try:
        opener().fetch("big", target)
    except StorageFull as error:
        report.write_text(error.detail)


def test_a_fetch_to_a_full_disk_raises_storage_full_and_keeps_the_earlier_file(opener: Opener, tmp_path: Path) -> None:
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


def _write_forever(opener: Opener, source: Path) -> None:
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
    child = multiprocessing.get_context("fork").Process(target=_write_forever, args=(opener, source))
    child.start()
    wait_until(lambda: count(storage) > 0, "a put to be under way")
    child.kill()
    child.join(60)
    assert all(entry.size == 40_000_000 for entry in storage.objects(""))
    assert count(storage) <= 1
    storage.put("big/0000", b"the next one is not in the way of what it left")
    assert storage.get("big/0000").startswith(b"the next one")


def test_other_errors_are_not_called_a_full_disk(storage: Storage, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file") as caught:
        storage.put("key", tmp_path / "no such source")
    assert caught.value.errno == errno.ENOENT
    assert not storage.exists("key")


def test_a_blob_is_stored_once_under_its_hash(storage: Storage, tmp_path: Path) -> None:
    source = tmp_path / "song.mid"
    source.write_bytes(b"MThd")
    assert put_blob(storage, b"MThd") == put_blob(storage, source) == sha256_of(b"MThd")
    assert list(storage.keys("blobs/")) == [blob_key(sha256_of(b"MThd"))]
    artifact = put_artifact(storage, "song.mid", source, "audio/midi")
    assert artifact == Artifact(name="song.mid", sha256=sha256_of(b"MThd"), size=4, media_type="audio/midi")


def test_a_manifest_is_not_overwritten(storage: Storage) -> None:
    first = Manifest(job_id="song_1", artifacts=[put_artifact(storage, "a", b"a", "text/plain")])
    second = Manifest(job_id="song_1", artifacts=[])
    assert get_manifest(storage, "song_1") is None
    assert put_manifest(storage, first) == first
    assert put_manifest(storage, second) == first
    assert get_manifest(storage, "song_1") == first


def test_a_local_path_if_any_is_the_object(storage: Storage) -> None:
    storage.put("key", b"x")
    path = storage.local_path("key")
    assert path is None or path.read_bytes() == b"x"


def test_each_tenant_has_its_own_space() -> None:
    assert tenant_space("local") == ""
    assert tenant_space("acme") == "tenants/acme/"
