"""Uploads: announced, sent, named in a request, and separate for each tenant."""

import base64
import io
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from bandmate_generate.planning.prompt import named_prompt
from bandmate_ingest.api import routers
from bandmate_ingest.handler import build_dataset
from bandmate_music.midi.write import write_midi
from bandmate_shared.auth import KeyStore
from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.errors import LimitExceeded, NotFound
from bandmate_shared.http.app import create_app
from bandmate_shared.jobs.execution.inprocess import InProcessQueue
from bandmate_shared.objects import uploads
from bandmate_shared.objects.base import Storage
from bandmate_shared.runtime import Runtime, open_runtime
from bandmate_shared.settings import SharedSettings
from pydantic import SecretStr
from starlette.testclient import TestClient

from tests.support.moto_server import MotoServer
from tests.support.tunes import tune

PEPPER = "a pepper that is long enough for a test"
TUNE = write_midi(tune(1))


def album(tracks: int, **other_files: bytes) -> bytes:
    archive_file = io.BytesIO()
    with zipfile.ZipFile(archive_file, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(tracks):
            archive.writestr(f"Side A/{number}.mid", write_midi(tune(number)))
        for name, data in other_files.items():
            archive.writestr(name, data)
    return archive_file.getvalue()


@pytest.fixture(params=["directory", "s3", "s3, reached by clients"])
def store_settings(request: pytest.FixtureRequest, settings: SharedSettings) -> SharedSettings:
    # These jobs read and clean music, which on a busy machine can take longer than a short lease: the work of the
    # attempt would be dropped, and the job would stay `running`, because no sweeper runs here.
    settings = settings.model_copy(update={"lease_seconds": 30.0})
    if request.param == "directory":
        return settings
    bucket = request.getfixturevalue("bucket")
    moto: MotoServer = request.getfixturevalue("aws")
    public = moto.url if "clients" in request.param else ""
    return settings.model_copy(update={"storage_url": f"s3://{bucket}/bandmate", "storage_public_endpoint": public})


@pytest.fixture
def platform(store_settings: SharedSettings, queue: InProcessQueue) -> Iterator[Runtime]:
    opened = open_runtime(store_settings, queue)
    yield opened
    opened.close()


@pytest.fixture
def client(platform: Runtime) -> Iterator[TestClient]:
    with TestClient(create_app(platform, "Ingest", routers(platform)), base_url="http://127.0.0.1:8000") as opened:
        yield opened


def announce(client: TestClient, filename: str, size: int) -> dict[str, Any]:
    answer = client.post("/v1/uploads", json={"filename": filename, "size": size})
    assert answer.status_code == 201, answer.text
    announced: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/v1/uploads/{announced['id']}"
    assert announced["source"] == f"upload:{announced['id']}"
    return announced


def send(client: TestClient, form: dict[str, Any], data: bytes) -> int:
    """Send the content by the form of the announcement; returns the status."""
    if form["method"] == "PUT":
        return client.put(form["url"], content=data).status_code
    answer = httpx2.post(form["url"], data=form["fields"], files={"file": ("file", data)}, trust_env=False)
    return int(answer.status_code)


def upload(client: TestClient, filename: str, data: bytes) -> str:
    announced = announce(client, filename, len(data))
    assert send(client, announced["send"], data) in (200, 204)
    assert client.get(f"/v1/uploads/{announced['id']}").json()["state"] == "received"
    return str(announced["source"])


def test_a_zip_and_a_single_file_become_a_dataset(
    client: TestClient, platform: Runtime, queue: InProcessQueue, store_settings: SharedSettings
) -> None:
    sources = [upload(client, "My Album.zip", album(4)), upload(client, "own.mid", write_midi(tune(9)))]
    assert announce(client, "x.mid", 5)["send"]["method"] == (
        "POST" if store_settings.storage_public_endpoint else "PUT"
    )
    answer = client.post("/v1/datasets", json={"name": "mine", "sources": sources})
    assert answer.status_code == 202, answer.text
    assert {client.get(f"/v1/uploads/{source.partition(':')[2]}").json()["state"] for source in sources} == {"kept"}
    queue.run_all(platform, {"dataset": build_dataset})
    job = client.get(answer.headers["location"]).json()
    assert job["state"] == "succeeded", job["error"]
    assert (job["result"]["accepted"], job["result"]["statistics"]["styles"]) == (5, {"side-a": 4, "song": 1})
    assert client.get(job["links"]["artifacts/files.parquet"], follow_redirects=False).status_code == 200


def test_a_kept_upload_cannot_be_overwritten(client: TestClient, platform: Runtime) -> None:
    """The form of an upload can be used again after the content was checked."""
    announced = announce(client, "own.mid", len(TUNE))
    send(client, announced["send"], TUNE)
    first = uploads.keep(platform.storage, "local", announced["id"], platform.settings)
    send(client, announced["send"], b"X" * len(TUNE))
    second = uploads.keep(platform.storage, "local", announced["id"], platform.settings)
    assert second == first
    assert platform.storage.get(second.key) == TUNE


@pytest.mark.parametrize(
    ("filename", "content", "status", "words"),
    [
        ("a.mid", b"\xff\xd8\xff\xe0" + bytes(100), 422, "JPEG"),
        ("a.zip", TUNE, 422, "a file of an unknown kind"),
        ("a.zip", b"PK\x03\x04" + bytes(100), 422, "directory is missing"),
        ("a.zip", album(1, big=bytes(70_000_000)), 413, "BANDMATE_MAX_UNZIPPED_BYTES"),
    ],
)
def test_an_upload_that_is_not_music_is_refused_when_named(
    client: TestClient, platform: Runtime, filename: str, content: bytes, status: int, words: str
) -> None:
    source = upload(client, filename, content)
    answer = client.post("/v1/datasets", json={"name": "mine", "sources": [source]})
    assert answer.status_code == status
    assert words in answer.json()["detail"]
    assert list(platform.storage.keys("uploads/")) == []


def test_an_unsent_or_unknown_upload_cannot_be_named(client: TestClient, platform: Runtime) -> None:
    announced = announce(client, "a.mid", 100)
    details = {announced["source"]: "have not come", "upload:" + "0" * 32: "no upload", "upload:../x": "no upload"}
    for source, words in details.items():
        answer = client.post("/v1/datasets", json={"name": "mine", "sources": [source]})
        assert answer.status_code in (404, 422)
        assert words in answer.json()["detail"]
    assert client.delete(f"/v1/uploads/{announced['id']}").status_code == 204
    assert client.get(f"/v1/uploads/{announced['id']}").status_code == 404
    assert list(platform.storage.keys("incoming/")) == []


@pytest.mark.parametrize(
    "body",
    [
        {"filename": "a/b.mid", "size": 5},
        {"filename": "", "size": 5},
        {"filename": "a\n.mid", "size": 5},
        {"filename": "x" * 201, "size": 5},
        {"filename": "a.mid", "size": 0},
        {"filename": "a.mid"},
    ],
)
def test_an_odd_announcement_is_refused(client: TestClient, body: dict[str, Any]) -> None:
    assert client.post("/v1/uploads", json=body).status_code == 422


# Independent of the store: on a directory from here on.


@pytest.fixture
def local(runtime: Runtime) -> Iterator[TestClient]:
    runtime.settings = runtime.settings.model_copy(update={"max_upload_bytes": 100_000, "upload_quota_bytes": 250_000})
    with TestClient(create_app(runtime, "Ingest", routers(runtime)), base_url="http://127.0.0.1:8000") as opened:
        yield opened


@pytest.mark.parametrize("chunked", [False, True])
def test_exactly_the_announced_bytes_are_taken(local: TestClient, runtime: Runtime, chunked: bool) -> None:
    def body(data: bytes) -> Any:
        return iter([data[:10], data[10:]]) if chunked else data

    announced = announce(local, "a.mid", len(TUNE))
    for content in (TUNE[:-1], TUNE + b"x", TUNE * 3):
        answer = local.put(announced["send"]["url"], content=body(content))
        assert answer.status_code == 422
        assert "announced" in answer.json()["detail"]
    assert local.get(f"/v1/uploads/{announced['id']}").json()["state"] == "waiting"
    assert local.put(announced["send"]["url"], content=body(TUNE)).json()["state"] == "received"
    assert list((runtime.settings.home / "receiving").iterdir()) == []


@pytest.mark.parametrize("chunked", [False, True])
def test_uploads_have_a_body_limit_of_their_own(local: TestClient, chunked: bool) -> None:
    announced = announce(local, "a.zip", 90_000)
    data = bytes(200_000)
    answer = local.put(announced["send"]["url"], content=iter([data]) if chunked else data)
    assert answer.status_code == 413
    assert "BANDMATE_MAX_UPLOAD_BYTES" in answer.json()["detail"]
    assert local.put("/v1/uploads/x/y/content", content=bytes(5_000_000)).status_code == 413


def test_the_size_and_number_of_uploads_are_limited(local: TestClient) -> None:
    too_big = local.post("/v1/uploads", json={"filename": "a.zip", "size": 100_001})
    assert (too_big.status_code, "BANDMATE_MAX_UPLOAD_BYTES" in too_big.json()["detail"]) == (413, True)
    first = announce(local, "a.zip", 100_000)
    local.put(first["send"]["url"], content=bytes(100_000))
    announce(local, "b.zip", 100_000)
    full = local.post("/v1/uploads", json={"filename": "c.zip", "size": 50_001})
    assert (full.status_code, "BANDMATE_UPLOAD_QUOTA_BYTES" in full.json()["detail"]) == (429, True)
    assert full.headers["retry-after"]
    local.delete(f"/v1/uploads/{first['id']}")
    for _ in range(uploads.MAX_WAITING - 1):
        announce(local, "c.zip", 1)
    assert local.post("/v1/uploads", json={"filename": "c.zip", "size": 1}).status_code == 429


def test_kept_uploads_count_towards_the_quota(local: TestClient, runtime: Runtime) -> None:
    data = album(20)
    source = upload(local, "a.zip", data)
    uploads.keep(runtime.storage, "local", source.partition(":")[2], runtime.settings)
    runtime.settings = runtime.settings.model_copy(update={"upload_quota_bytes": len(data) + 10})
    with pytest.raises(uploads.UploadQuotaExceeded):
        uploads.announce(runtime.storage, "local", "b.mid", 11, runtime.settings)
    uploads.announce(runtime.storage, "acme", "b.mid", 11, runtime.settings)


def test_unused_uploads_expire_first_and_used_ones_later(local: TestClient, runtime: Runtime) -> None:
    waiting_id = announce(local, "a.mid", 5)["id"]
    kept_id = upload(local, "b.mid", TUNE).partition(":")[2]
    uploads.keep(runtime.storage, "local", kept_id, runtime.settings)
    now = time.time()
    assert uploads.sweep(runtime.storage, runtime.settings, now + 86_000) == 0
    assert uploads.sweep(runtime.storage, runtime.settings, now + 87_000) == 1
    with pytest.raises(NotFound, match="expired"):
        uploads.find(runtime.storage, "local", waiting_id)
    assert uploads.find(runtime.storage, "local", kept_id).state == "kept"
    uploads.sweep(runtime.storage, runtime.settings, now + 31 * 86_400)
    assert list(runtime.storage.keys("")) == []


def test_a_prompt_may_be_an_upload(local: TestClient, runtime: Runtime) -> None:
    request = SongRequest(prompt=upload(local, "mine.mid", TUNE))
    encoded = base64.b64encode(TUNE).decode()
    assert named_prompt(request, runtime, "local").prompt == encoded
    assert named_prompt(request, runtime, "local").prompt == encoded, "the same each time"
    assert named_prompt(SongRequest(prompt=encoded), runtime, "local").prompt == encoded
    with pytest.raises(NotFound):
        named_prompt(request, runtime, "acme")


def test_a_prompt_is_not_as_large_as_an_upload(runtime: Runtime) -> None:
    data = b"MThd" + bytes(1_200_000)
    announced = uploads.announce(runtime.storage, "local", "a.mid", len(data), runtime.settings)
    runtime.storage.put(announced.key, data)
    with pytest.raises(LimitExceeded, match="a prompt may have"):
        named_prompt(SongRequest(prompt=f"upload:{announced.ticket.id}"), runtime, "local")


def test_tenants_do_not_see_each_others_uploads(settings: SharedSettings, queue: InProcessQueue) -> None:
    guarded = settings.model_copy(update={"mode": "service", "key_pepper": SecretStr(PEPPER)})
    runtime = open_runtime(guarded, queue)
    keys = KeyStore(runtime.store.database, PEPPER)
    acme, other = ({"Authorization": f"Bearer {keys.create(name)}"} for name in ("acme", "other"))
    client = TestClient(create_app(runtime, "Ingest", routers(runtime)), base_url="http://127.0.0.1:8000")
    assert client.post("/v1/uploads", json={"filename": "a.mid", "size": 5}).status_code == 401
    announced = client.post("/v1/uploads", json={"filename": "a.mid", "size": len(TUNE)}, headers=acme).json()
    path = f"/v1/uploads/{announced['id']}"
    tries: list[Callable[[], httpx2.Response]] = [
        lambda: client.get(path, headers=other),
        lambda: client.put(f"{path}/content", content=TUNE, headers=other),
        lambda: client.delete(path, headers=other),
        lambda: client.post("/v1/datasets", json={"name": "x", "sources": [announced["source"]]}, headers=other),
        lambda: client.get(f"/v1/uploads/..%2Facme%2F{announced['id']}", headers=other),
    ]
    for attempt in tries:
        assert attempt().status_code == 404
    assert client.put(f"{path}/content", content=TUNE, headers=acme).status_code == 200
    for attempt in tries:
        assert attempt().status_code == 404
    assert client.get(path, headers=acme).json()["state"] == "received"
    runtime.close()


def test_stores_in_one_bucket_do_not_share_uploads(storage_of: Callable[[str], Storage]) -> None:
    """Two platforms in one bucket keep their uploads apart."""
    first, second = storage_of("one"), storage_of("two")
    announced = uploads.announce(first, "local", "a.mid", 5, SharedSettings())
    with pytest.raises(NotFound):
        uploads.find(second, "local", announced.ticket.id)


@pytest.fixture
def storage_of(bucket: str, tmp_path: Path) -> Callable[[str], Storage]:
    from bandmate_shared.objects.open import open_storage

    return lambda prefix: open_storage(f"s3://{bucket}/{prefix}")
