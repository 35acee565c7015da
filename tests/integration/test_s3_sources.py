"""Datasets out of buckets: what is found there, what a tenant may have read, and what throttling does."""

import io
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from bandmate_ingest.access import Access
from bandmate_ingest.build import Progress, build
from bandmate_ingest.settings import IngestSettings
from bandmate_ingest.sources import SourceFile, check_source, collect
from bandmate_shared.aws import aws_client
from bandmate_shared.contracts.datasets import DatasetRequest
from bandmate_shared.errors import BandmateError, InvalidRequest, LimitExceeded, NotFound, Unavailable, UnreadableFile
from bandmate_shared.music.midi_write import write_midi
from bandmate_shared.storage import DirectoryStorage

from tests.faulty_proxy import Exchange, FaultyProxy, busy, faulty_proxy
from tests.moto_server import MotoServer
from tests.tunes import tune
from tests.unit.ingest.conftest import LIMITS, RULES, Cleaner

Put = Callable[..., None]


@pytest.fixture
def put(bucket: str) -> Put:
    client = aws_client("s3")

    def objects(**contents: bytes) -> None:
        for key, data in contents.items():
            client.put_object(Bucket=bucket, Key=key, Body=data)

    return objects


def found(source: str, **options: object) -> list[SourceFile]:
    return list(collect(source, None, LIMITS, **options))  # type: ignore[arg-type]


def test_a_folder_of_a_bucket_is_searched_through(bucket: str, put: Put) -> None:
    put(
        **{
            "music/My Folk/a b+c.mid": b"one", "music/My Folk/sub/ä.MIDI": b"two", "music/My Folk/": b"",
            "music/My Folk/notes.txt": b"x", "music/.hidden/x.mid": b"x", "music/My Folklore/y.mid": b"other",
            "music/empty.mid": b"",
        }
    )  # fmt: skip
    for source in (f"s3://{bucket}/music/My Folk", f"s3://{bucket}/music/My Folk/"):
        files = found(source)
        assert [(file.name, file.style, file.read()) for file in files] == [
            ("music/My Folk/a b+c.mid", "my-folk", b"one"),
            ("music/My Folk/sub/ä.MIDI", "sub", b"two"),
        ]
    whole = found(f"s3://{bucket}")
    assert len(whole) == 4
    assert {file.name.partition("/")[0] for file in whole} == {bucket}
    assert [file.read() for file in whole if file.name.endswith("empty.mid")] == [b""]


def test_a_single_object_may_be_a_piece_or_a_zip(bucket: str, put: Put, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(3):
            archive.writestr(f"disc/{number}.mid", write_midi(tune(number)))
    put(**{"albums/best.zip": packed.getvalue(), "albums/best.zip.mid": b"another", "broken.zip": b"PK\x03\x04"})
    (tmp_path / "work").mkdir()
    access = Access(IngestSettings(), scratch=lambda: tmp_path / "work")
    files = found(f"s3://{bucket}/albums/best.zip", access=access)
    assert [file.name for file in files] == [f"best/disc/{number}.mid" for number in range(3)]
    assert [file.read() for file in files] == [write_midi(tune(number)) for number in range(3)]
    assert list((tmp_path / "work").iterdir()) == [], "what was fetched is gone"
    (single,) = found(f"s3://{bucket}/albums/best.zip.mid")
    assert (single.name, single.style, single.read()) == ("best.zip.mid", "albums", b"another")
    with pytest.raises(UnreadableFile, match="directory is missing"):
        found(f"s3://{bucket}/broken.zip", access=access)
    with pytest.raises(LimitExceeded, match=r"best\.zip has"):
        list(collect(f"s3://{bucket}/albums/best.zip", None, replace(LIMITS, unzipped_bytes=100), access))


def test_it_is_the_dataset_that_a_folder_gives(bucket: str, put: Put, tmp_path: Path) -> None:
    """Names apart: they begin with the bucket's."""
    tunes = {f"folk/{number}.mid": write_midi(tune(number)) for number in range(6)}
    put(**tunes, **{"folk/broken.mid": b"MThd"})
    for name, data in tunes.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)

    def built(source: str, style: str) -> object:
        storage = DirectoryStorage(tmp_path / f"store {style}")
        request = DatasetRequest(name="tunes", sources=[source], style=style)
        return build(request, storage, LIMITS, RULES, Cleaner(), Progress(), batch_files=2)

    remote, local = built(f"s3://{bucket}/folk", "folk"), built(str(tmp_path / "folk"), "folk")
    for table in ("notes", "measures", "parts"):
        assert remote.files[f"{table}.parquet"] == local.files[f"{table}.parquet"]  # type: ignore[attr-defined]
    assert remote.report.steps["unreadable"] == 1  # type: ignore[attr-defined]


def test_no_more_is_listed_or_read_than_the_limits_allow(bucket: str, put: Put) -> None:
    put(**{f"{number}.mid": bytes(1000) for number in range(5)})
    with pytest.raises(LimitExceeded, match="BANDMATE_MAX_SOURCE_OBJECTS"):
        found(f"s3://{bucket}", access=Access(IngestSettings(max_source_objects=4)))
    assert len(found(f"s3://{bucket}", access=Access(IngestSettings(max_source_objects=5)))) == 5
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
def test_what_is_not_there_is_said_at_once(bucket: str, source: str, error: type[BandmateError], words: str) -> None:
    with pytest.raises(error, match=words):
        check_source(source.format(bucket), Access(IngestSettings()))


SERVICE = {"mode": "service", "storage_url": "s3://ours/bandmate"}


@pytest.mark.parametrize(
    ("allowed", "source", "may"),
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
def test_a_tenant_reads_only_what_the_operator_allows(allowed: str, source: str, may: bool) -> None:
    access = Access(IngestSettings(source_buckets=allowed, **SERVICE), "acme")  # type: ignore[arg-type]
    bucket, _, key = source.removeprefix("s3://").partition("/")
    if may:
        access.require_bucket(bucket, key)
    else:
        for read in (check_source, lambda source, access: found(source, access=access)):
            with pytest.raises(InvalidRequest, match=r"BANDMATE_SOURCE_BUCKETS|own store"):
                read(source, access)


@pytest.fixture
def proxy(aws: MotoServer, bucket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyProxy]:
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda self, context: 0.01)
    with faulty_proxy(aws.url) as opened:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", opened.url)
        yield opened


def test_objects_are_fetched_side_by_side(bucket: str, put: Put, proxy: FaultyProxy) -> None:
    put(**{f"{number:02}.mid": b"%d" % number for number in range(20)})
    together = threading.Barrier(8)

    def wait_for_the_others(exchange: Exchange) -> None:
        together.wait(20)
        exchange.answer(*exchange.forward())

    proxy.plan(lambda seen: seen.startswith("GET") and ".mid" in seen, *[wait_for_the_others] * 8)
    assert [file.read() for file in found(f"s3://{bucket}")] == [b"%d" % number for number in range(20)]
    assert not together.broken


def test_throttling_costs_no_file_its_place(bucket: str, put: Put, proxy: FaultyProxy, tmp_path: Path) -> None:
    """A file that could not be fetched is not a bad file: the job is tried again."""
    put(**{f"{number}.mid": write_midi(tune(number)) for number in range(3)})
    storage = DirectoryStorage(tmp_path / "store")
    request = DatasetRequest(name="tunes", sources=[f"s3://{bucket}"])
    proxy.plan(lambda seen: "/1.mid" in seen, *[busy] * 100)
    with pytest.raises(Unavailable, match="SlowDown"):
        build(request, storage, LIMITS, RULES, Cleaner(), Progress())
    proxy._plan.clear()
    assert build(request, storage, LIMITS, RULES, Cleaner(), Progress()).report.accepted == 3
