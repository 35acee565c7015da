"""Artifacts of a store on S3: streamed in blocks, with ranges, or downloaded from S3 by a presigned URL."""

import random
from collections.abc import Iterator

import httpx2
import pytest
from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.http.app import create_app
from bandmate_shared.http.artifacts import RangeNotSatisfiable, parse_range
from bandmate_shared.http.job_routes import job_router
from bandmate_shared.jobs.execution.context import Done, JobContext
from bandmate_shared.jobs.execution.inprocess import InProcessQueue
from bandmate_shared.runtime import Runtime, open_runtime
from bandmate_shared.settings import SharedSettings
from starlette.testclient import TestClient

from tests.support.moto_server import MotoServer

SOUND = random.Random(5).randbytes(3_000_000)
PAGE = b"<script>alert(1)</script>" + bytes(400_000)


def write_song(context: JobContext) -> Done:
    context.add("song.wav", SOUND, "audio/wav")
    context.add("song.mid", b"MThd", "audio/midi")
    context.add("report.html", PAGE, "text/html")
    return Done({})


@pytest.fixture
def s3_settings(settings: SharedSettings, bucket: str) -> SharedSettings:
    # A lease longer than the creation of an S3 client on a busy machine.
    return settings.model_copy(update={"storage_url": f"s3://{bucket}/bandmate", "lease_seconds": 30.0})


def open_client(runtime: Runtime) -> TestClient:
    router = job_router(runtime, "songs", ["song", "take"], SongRequest)
    return TestClient(create_app(runtime, "Songs", [router]), base_url="http://127.0.0.1:8000", follow_redirects=False)


def path_of_song(client: TestClient, runtime: Runtime, queue: InProcessQueue) -> str:
    job = client.post("/v1/songs", json={}).json()
    queue.run_all(runtime, {"song": write_song})
    return f"{job['links']['self']}/artifacts"


@pytest.fixture
def client_and_path(s3_settings: SharedSettings, queue: InProcessQueue) -> Iterator[tuple[TestClient, str]]:
    runtime = open_runtime(s3_settings, queue)
    client = open_client(runtime)
    yield client, path_of_song(client, runtime, queue)
    runtime.close()


def test_a_whole_file_is_streamed(client_and_path: tuple[TestClient, str]) -> None:
    client, path = client_and_path
    answer = client.get(f"{path}/song.wav")
    assert (answer.status_code, answer.content) == (200, SOUND)
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.headers["content-length"] == "3000000"
    assert answer.headers["accept-ranges"] == "bytes"
    again = client.get(f"{path}/song.wav", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = client.head(f"{path}/song.wav")
    assert (head.status_code, head.headers["content-length"], head.content) == (200, "3000000", b"")


@pytest.mark.parametrize(
    ("range_header", "start", "stop"),
    [
        ("bytes=0-99", 0, 100),
        ("bytes=1000000-2200000", 1_000_000, 2_200_001),
        ("bytes=2999990-", 2_999_990, 3_000_000),
        ("bytes=-10", 2_999_990, 3_000_000),
        ("bytes=2999990-9999999", 2_999_990, 3_000_000),
        ("bytes=-9999999", 0, 3_000_000),
    ],
)
def test_a_range_is_streamed(client_and_path: tuple[TestClient, str], range_header: str, start: int, stop: int) -> None:
    client, path = client_and_path
    answer = client.get(f"{path}/song.wav", headers={"Range": range_header})
    assert (answer.status_code, answer.content) == (206, SOUND[start:stop])
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/3000000"
    assert answer.headers["content-length"] == str(stop - start)


def test_a_range_of_another_version_is_not_served(client_and_path: tuple[TestClient, str]) -> None:
    client, path = client_and_path
    etag = client.head(f"{path}/song.wav").headers["etag"]
    for if_range, status in ((etag, 206), ('"another"', 200), ("Mon, 23 Nov 2026 00:00:00 GMT", 200)):
        answer = client.get(f"{path}/song.wav", headers={"Range": "bytes=0-9", "If-Range": if_range})
        assert answer.status_code == status


def test_a_range_beyond_the_end_is_not_satisfiable(client_and_path: tuple[TestClient, str]) -> None:
    client, path = client_and_path
    answer = client.get(f"{path}/song.wav", headers={"Range": "bytes=3000000-"})
    assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */3000000")
    assert answer.json()["type"] == "urn:bandmate:problem:range-not-satisfiable"


@pytest.mark.parametrize(
    "range_header", ["bytes=", "bytes=-", "bytes=5-2", "bytes=a-b", "lines=1-2", "bytes=0-1,5-6", "x" * 9]
)
def test_an_invalid_range_gets_the_whole_file(range_header: str) -> None:
    assert parse_range(range_header, 100) is None


@pytest.mark.parametrize(("range_header", "size"), [("bytes=100-", 100), ("bytes=-0", 100), ("bytes=0-5", 0)])
def test_an_empty_range_is_refused(range_header: str, size: int) -> None:
    with pytest.raises(RangeNotSatisfiable):
        parse_range(range_header, size)


def test_a_file_missing_from_the_store_is_not_found(s3_settings: SharedSettings, queue: InProcessQueue) -> None:
    runtime = open_runtime(s3_settings, queue)
    client = open_client(runtime)
    path = path_of_song(client, runtime, queue)
    for key in list(runtime.storage.keys("blobs/")):
        runtime.storage.delete(key)
    for method in (client.get, client.head):
        assert method(f"{path}/song.wav").status_code == 404
    runtime.close()


def test_large_files_are_redirected_to_s3_where_clients_reach_it(
    s3_settings: SharedSettings, queue: InProcessQueue, aws: MotoServer
) -> None:
    runtime = open_runtime(s3_settings.model_copy(update={"storage_public_endpoint": aws.url}), queue)
    client = open_client(runtime)
    path = path_of_song(client, runtime, queue)
    answer = client.get(f"{path}/song.wav")
    assert (answer.status_code, answer.headers["cache-control"]) == (307, "private, no-store")
    url = answer.headers["location"]
    assert url.startswith(f"{aws.url}/")
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in url
    assert "X-Amz-Expires=300" in url
    fetched = httpx2.get(url, trust_env=False)
    assert fetched.content == SOUND
    assert fetched.headers["content-type"] == "audio/wav"
    assert fetched.headers["content-disposition"] == 'inline; filename="song.wav"'
    part = httpx2.get(url, headers={"Range": "bytes=10-19"}, trust_env=False)
    assert (part.status_code, part.content) == (206, SOUND[10:20])
    etag = client.head(f"{path}/song.wav").headers["etag"]
    assert client.get(f"{path}/song.wav", headers={"If-None-Match": etag}).status_code == 304
    runtime.close()


def test_small_files_and_pages_are_never_redirected(
    s3_settings: SharedSettings, queue: InProcessQueue, aws: MotoServer
) -> None:
    """A page needs the header that prevents its scripts from running."""
    runtime = open_runtime(s3_settings.model_copy(update={"storage_public_endpoint": aws.url}), queue)
    client = open_client(runtime)
    path = path_of_song(client, runtime, queue)
    assert client.get(f"{path}/song.mid").content == b"MThd"
    page = client.get(f"{path}/report.html")
    assert page.content == PAGE
    assert page.headers["content-security-policy"].startswith("sandbox")
    runtime.close()


def test_urls_of_aws_are_signed_without_a_request(
    s3_settings: SharedSettings, queue: InProcessQueue, aws: MotoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bandmate_shared.objects.presigned import S3Presigner
    from bandmate_shared.objects.s3 import S3Storage

    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    presigner = S3Presigner(S3Storage("a-bucket", "bandmate"), "aws")
    url = presigner.download_url("key", media_type="audio/wav", disposition="inline")
    assert url.startswith("https://a-bucket.s3.eu-central-1.amazonaws.com/bandmate/key?")
    form, fields = presigner.upload_form("incoming/x", size=100, seconds=60)
    assert form == "https://a-bucket.s3.eu-central-1.amazonaws.com/"
    assert fields["key"] == "bandmate/incoming/x"
