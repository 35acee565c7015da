"""Datasets from buckets: which objects are read, which buckets a tenant may name, and throttling."""

import io
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from bandmate_ingest.build import Progress, build
from bandmate_ingest.settings import IngestSettings
from bandmate_ingest.sources.access import Access
from bandmate_ingest.sources.collect import check_source, collect
from bandmate_ingest.sources.files import SourceFile
from bandmate_music.midi.write import write_midi
from bandmate_shared.aws import aws_client
from bandmate_shared.contracts.datasets import DatasetRequest
from bandmate_shared.errors import BandmateError, InvalidRequest, LimitExceeded, NotFound, Unavailable, UnreadableFile
from bandmate_shared.objects.directory import DirectoryStorage

from tests.support.faulty_proxy import Exchange, FaultyProxy, busy, faulty_proxy
from tests.support.moto_server import MotoServer
from tests.support.tunes import tune
from tests.unit.ingest.conftest import LIMITS, RULES, Cleaner

Put = Callable[..., None]


@pytest.fixture
def put(bucket: str) -> Put:
    client = aws_client("s3")

    def objects(**contents: bytes) -> None:
        for key, data in contents.items():
            client.put_object(Bucket=bucket, Key=key, Body=data)

    return objects


def files_of(source: str, **options: object) -> list[SourceFile]:
    return list(collect(source, None, LIMITS, **options))  # type: ignore[arg-type]


def test_a_folder_of_a_bucket_is_searched_through(bucket: str, put: Put) -> None:
    put(
        **{
            "music/My Folk/a b+c.mid": b"one",
            "music/My Folk/sub/ä.MIDI": b"two",
            "music/My Folk/": b"",
            "music/My Folk/notes.txt": b"x",
            "music/.hidden/x.mid": b"x",
            "music/My Folklore/y.mid": b"other",
            "music/empty.mid": b"",
        }
    )
    for source in (f"s3://{bucket}/music/My Folk", f"s3://{bucket}/music/My Folk/"):
        files = files_of(source)
        assert [(file.name, file.style, file.read()) for file in files] == [
            ("music/My Folk/a b+c.mid", "my-folk", b"one"),
            ("music/My Folk/sub/ä.MIDI", "sub", b"two"),
        ]
    all_files = files_of(f"s3://{bucket}")
    assert len(all_files) == 4
    assert {file.name.partition("/")[0] for file in all_files} == {bucket}
    assert [file.read() for file in all_files if file.name.endswith("empty.mid")] == [b""]


def test_a_single_object_may_be_a_piece_or_a_zip(bucket: str, put: Put, tmp_path: Path) -> None:
    archive_file = io.BytesIO()
    with zipfile.ZipFile(archive_file, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(3):
            archive.writestr(f"disc/{number}.mid", write_midi(tune(number)))
    put(**{"albums/best.zip": archive_file.getvalue(), "albums/best.zip.mid": b"another", "broken.zip": b"PK\x03\x04"})
    (tmp_path / "work").mkdir()
    access = Access(IngestSettings(), scratch=lambda: tmp_path / "work")
    files = files_of(f"s3://{bucket}/albums/best.zip", access=access)
    assert [file.name for file in files] == [f"best/disc/{number}.mid" for number in range(3)]
    assert [file.read() for file in files] == [write_midi(tune(number)) for number in range(3)]
    assert list((tmp_path / "work").iterdir()) == [], "what was fetched is gone"
    (single,) = files_of(f"s3://{bucket}/albums/best.zip.mid")
    assert (single.name, single.style, single.read()) == ("best.zip.mid", "albums", b"another")
    with pytest.raises(UnreadableFile, match="directory is missing"):
        files_of(f"s3://{bucket}/broken.zip", access=access)
    with pytest.raises(LimitExceeded, match=r"best\.zip has"):
        list(collect(f"s3://{bucket}/albums/best.zip", None, replace(LIMITS, unzipped_bytes=100), access))


def test_a_bucket_gives_the_same_dataset_as_a_folder(bucket: str, put: Put, tmp_path: Path) -> None:
    """Except for the names, which begin with the bucket's."""
    tunes = {f"folk/{number}.mid": write_midi(tune(number)) for number in range(6)}
    put(**tunes, **{"folk/broken.mid": b"MThd"})
    for name, data in tunes.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)

    def build_from(source: str, style: str) -> object:
        storage = DirectoryStorage(tmp_path / f"store {style}")
        request = DatasetRequest(name="tunes", sources=[source], style=style)
        return build(request, storage, LIMITS, RULES, Cleaner(), Progress(), batch_files=2)

    remote, local = build_from(f"s3://{bucket}/folk", "folk"), build_from(str(tmp_path / "folk"), "folk")
    for table in ("notes", "measures", "parts"):
        assert remote.files[f"{table}.parquet"] == local.files[f"{table}.parquet"]  # type: ignore[attr-defined]
    assert remote.report.steps["unreadable"] == 1  # type: ignore[attr-defined]


def test_listing_and_reading_are_limited(bucket: str, put: Put) -> None:
    put(**{f"{number}.mid": bytes(1000) for number in range(5)})
    with pytest.raises(LimitExceeded, match="BANDMATE_MAX_SOURCE_OBJECTS"):
        files_of(f"s3://{bucket}", access=Access(IngestSettings(max_source_objects=4)))
    assert len(files_of(f"s3://{bucket}", access=Access(IngestSettings(max_source_objects=5)))) == 5
    (first, *_) = collect(f"s3://{bucket}", None, replace(LIMITS, file_bytes=99))
    assert len(first.read()) == 100


@pytest.mark.parametrize(
    ("source", "error", "words"),
    [
        ("s3://{}/nothing/here", NotFound, "nothing at"),
        ("s3://no-such-bucket-at-all/x", InvalidRequest, "NoSuchBucket"),
        ("s3:///x", InvalidRequest, "names no bucket"),
    ],
)
def test_a_missing_source_is_refused_at_once(bucket: str, source: str, error: type[BandmateError], words: str) -> None:
    with pytest.raises(error, match=words):
        check_source(source.format(bucket), Access(IngestSettings()))


SERVICE = {"mode": "service", "storage_url": "s3://ours/bandmate"}


@pytest.mark.parametrize(
    ("allowed_buckets", "source", "allowed"),
    [
        ("", "s3://open/x", False),
        ("open", "s3://open/x", True),
        ("other, open", "s3://open", True),
        ("open", "s3://opener/x", False),
        ("open/folk", "s3://open/folk/a", True),
        ("open/folk/", "s3://open/folk", True),
        ("open/folk", "s3://open/folklore", False),
        ("open/folk", "s3://open/", False),
        ("open/folk", "s3://open", False),
        ("open/folk", "s3://open/folk/../secret", True),  # S3 knows no '..': this is a name below folk/.
        ("open/{tenant}", "s3://open/acme/x", True),
        ("open/{tenant}", "s3://open/other/x", False),
        ("open/{tenant}", "s3://open/acmes/x", False),
        ("ours", "s3://ours/bandmate/tenants/other", False),
        ("ours", "s3://ours/", False),
        ("ours", "s3://ours/bandmate", False),
        ("ours", "s3://ours/incoming", True),
    ],
)
def test_a_tenant_reads_only_what_the_operator_allows(allowed_buckets: str, source: str, allowed: bool) -> None:
    access = Access(IngestSettings(source_buckets=allowed_buckets, **SERVICE), "acme")  # type: ignore[arg-type]
    bucket, _, key = source.removeprefix("s3://").partition("/")
    if allowed:
        access.require_bucket(bucket, key)
    else:
        for read in (check_source, lambda source, access: files_of(source, access=access)):
            with pytest.raises(InvalidRequest, match=r"BANDMATE_SOURCE_BUCKETS|own store"):
                read(source, access)


@pytest.fixture
def proxy(aws: MotoServer, bucket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyProxy]:
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda self, context: 0.01)
    with faulty_proxy(aws.url) as opened:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", opened.url)
        yield opened


def test_objects_are_fetched_in_parallel(bucket: str, put: Put, proxy: FaultyProxy) -> None:
    put(**{f"{number:02}.mid": b"%d" % number for number in range(20)})
    barrier = threading.Barrier(8)

    def wait_for_all(exchange: Exchange) -> None:
        barrier.wait(20)
        exchange.answer(*exchange.forward())

    proxy.plan(lambda request: request.startswith("GET") and ".mid" in request, *[wait_for_all] * 8)
    assert [file.read() for file in files_of(f"s3://{bucket}")] == [b"%d" % number for number in range(20)]
    assert not barrier.broken


def test_throttling_loses_no_file(bucket: str, put: Put, proxy: FaultyProxy, tmp_path: Path) -> None:
    """A file that could not be fetched is not counted as unreadable: the job is retried."""
    put(**{f"{number}.mid": write_midi(tune(number)) for number in range(3)})
    storage = DirectoryStorage(tmp_path / "store")
    request = DatasetRequest(name="tunes", sources=[f"s3://{bucket}"])
    proxy.plan(lambda request: "/1.mid" in request, *[busy] * 100)
    with pytest.raises(Unavailable, match="SlowDown"):
        build(request, storage, LIMITS, RULES, Cleaner(), Progress())
    proxy._plan.clear()
    assert build(request, storage, LIMITS, RULES, Cleaner(), Progress()).report.accepted == 3
