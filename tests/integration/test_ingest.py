"""The dataset job through the service's own routes, job store and handler."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bandmate_ingest.api import dataset_check, routers
from bandmate_ingest.handler import build_dataset
from bandmate_ingest.settings import IngestSettings
from bandmate_shared.contracts.datasets import DatasetReport, DatasetRequest
from bandmate_shared.errors import InvalidRequest
from bandmate_shared.http.app import create_app
from bandmate_shared.jobs.inprocess import InProcessQueue
from bandmate_shared.jobs.model import NewJob
from bandmate_shared.runtime import Runtime
from bandmate_shared.storage import sha256_of
from starlette.testclient import TestClient

from tests.tunes import write_tunes


@pytest.fixture
def client(runtime: Runtime) -> Iterator[TestClient]:
    app = create_app(runtime, "Datasets", routers(runtime))
    with TestClient(app, base_url="http://127.0.0.1:8000") as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_tunes(tmp_path / "folk", 6)
    (tmp_path / "folk" / "picture.mid").write_bytes(b"\xff\xd8\xff\xe0")
    return tmp_path / "folk"


def run(client: TestClient, runtime: Runtime, queue: InProcessQueue, body: dict[str, Any]) -> dict[str, Any]:
    answer = client.post("/v1/datasets", json=body)
    assert answer.status_code == 202, answer.text
    queue.run_all(runtime, {"dataset": build_dataset})
    found: dict[str, Any] = client.get(answer.headers["location"]).json()
    return found


def test_a_folder_becomes_a_dataset(client: TestClient, runtime: Runtime, queue: InProcessQueue, folder: Path) -> None:
    job = run(client, runtime, queue, {"name": "folk", "sources": [str(folder)]})
    assert job["state"] == "succeeded", job["error"]
    report = DatasetReport.model_validate(job["result"])
    assert (report.files, report.accepted, report.files_processed) == (7, 6, 7)
    assert [(file.name, file.reason) for file in report.rejected] == [("folk/picture.mid", "unreadable")]
    assert "JPEG" in report.rejected[0].detail
    page = client.get(job["links"]["artifacts/report.html"])
    assert page.headers["content-type"].startswith("text/html")
    assert "folk/picture.mid" in page.text
    manifest = client.get(job["links"]["artifacts/manifest.json"])
    assert sha256_of(manifest.content) == report.sha256
    assert runtime.storage.exists(f"datasets/folk/{report.version}/notes.parquet")
    events = runtime.store.events(job["id"], after_seq=0, limit=100)
    assert [event.data["stage"] for event in events if event.type == "stage"] == ["collect", "read", "clean", "write"]
    assert any(event.type == "bandmate.dataset.ready" for event in events)

    again = run(client, runtime, queue, {"name": "folk", "sources": [str(folder)]})
    assert again["result"]["files_processed"] == 0
    assert again["result"]["sha256"] == report.sha256


def test_a_tenants_dataset_lies_in_its_own_space(runtime: Runtime, queue: InProcessQueue, folder: Path) -> None:
    request = DatasetRequest(name="folk", sources=[str(folder)])
    runtime.store.submit(NewJob("dataset", request.model_dump(mode="json"), "acme"))
    queue.run_all(runtime, {"dataset": build_dataset})
    assert runtime.storage.exists("tenants/acme/datasets/folk/latest.json")
    assert not runtime.storage.exists("datasets/folk/latest.json")


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"name": "x", "sources": ["/no/such/folder"]}, 404, "no file or folder"),
        ({"name": "x", "sources": ["songs"]}, 422, "give the whole path"),
        ({"name": "x", "sources": ["s3://bucket/songs"]}, 422, "S3"),
        ({"name": "x", "sources": ["music21:nobody"]}, 404, "nobody"),
        ({"name": "x", "sources": []}, 422, "sources"),
        ({"name": "../x", "sources": ["music21:bach"]}, 422, "name"),
    ],
)
def test_what_cannot_be_read_is_refused_at_once(
    client: TestClient, body: dict[str, Any], status: int, words: str
) -> None:
    answer = client.post("/v1/datasets", json=body)
    assert answer.status_code == status
    assert words in answer.json()["detail"]
    assert client.get("/v1/datasets").json()["items"] == []


def test_a_source_that_vanished_fails_the_job_with_a_sentence(
    client: TestClient, runtime: Runtime, queue: InProcessQueue, folder: Path
) -> None:
    (folder.parent / "album.zip").write_bytes(b"PK\x03\x04 cut off")
    job = run(client, runtime, queue, {"name": "x", "sources": [str(folder.parent / "album.zip")]})
    assert job["state"] == "failed"
    assert job["error"]["type"] == "unreadable-file"
    assert "directory is missing" in job["error"]["detail"]


def test_a_service_reads_only_its_own_folder(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    (inside / "way-out").symlink_to(outside)
    check = dataset_check(IngestSettings(home=tmp_path, mode="service", ingest_folder=inside))
    assert check(DatasetRequest(name="x", sources=[str(inside)]))
    for source in (outside, inside / "way-out", inside / ".." / "out"):
        with pytest.raises(InvalidRequest, match="BANDMATE_INGEST_FOLDER"):
            check(DatasetRequest(name="x", sources=[str(source)]))
    closed = dataset_check(IngestSettings(home=tmp_path, mode="service"))
    with pytest.raises(InvalidRequest):
        closed(DatasetRequest(name="x", sources=[str(inside)]))
