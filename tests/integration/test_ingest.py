"""The dataset job through the service's own routes, job store and handler."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bandmate_ingest.api import routers
from bandmate_ingest.handler import build_dataset
from bandmate_ingest.settings import IngestSettings
from bandmate_ingest.sources.access import Access
from bandmate_ingest.sources.collect import check_source, collect
from bandmate_shared.contracts.datasets import DatasetReport, DatasetRequest
from bandmate_shared.errors import InvalidRequest
from bandmate_shared.http.app import create_app
from bandmate_shared.jobs.execution.inprocess import InProcessQueue
from bandmate_shared.jobs.model import NewJob
from bandmate_shared.objects.blobs import sha256_of
from bandmate_shared.registry.dataset_versions import dataset_names
from bandmate_shared.runtime import Runtime
from starlette.testclient import TestClient

from tests.support.tunes import write_tunes
from tests.unit.ingest.conftest import LIMITS


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
    job: dict[str, Any] = client.get(answer.headers["location"]).json()
    return job


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
    assert dataset_names(runtime.storage, "tenants/acme/") == {"folk"}
    assert dataset_names(runtime.storage) == set()


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"name": "x", "sources": ["/no/such/folder"]}, 404, "no file or folder"),
        ({"name": "x", "sources": ["songs"]}, 422, "give the whole path"),
        ({"name": "x", "sources": ["gopher://bucket/songs"]}, 422, "not a source"),
        ({"name": "x", "sources": ["upload:nothing"]}, 404, "no upload"),
        ({"name": "x", "sources": ["music21:nobody"]}, 404, "nobody"),
        ({"name": "x", "sources": []}, 422, "sources"),
        ({"name": "../x", "sources": ["music21:bach"]}, 422, "name"),
    ],
)
def test_an_unreadable_source_is_refused_at_once(
    client: TestClient, body: dict[str, Any], status: int, words: str
) -> None:
    answer = client.post("/v1/datasets", json=body)
    assert answer.status_code == status
    assert words in answer.json()["detail"]
    assert client.get("/v1/datasets").json()["items"] == []


def test_a_damaged_archive_fails_the_job_with_a_reason(
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
    access = Access(IngestSettings(home=tmp_path, mode="service", ingest_folder=inside), "acme")
    check_source(str(inside), access)
    for source in (outside, inside / "way-out", inside / ".." / "out", "/etc/passwd", "relative", "file:/etc/passwd"):
        for read in (check_source, lambda source, access: list(collect(source, None, LIMITS, access))):
            with pytest.raises(InvalidRequest, match=r"BANDMATE_INGEST_FOLDER|whole path"):
                read(str(source), access)
    closed = Access(IngestSettings(home=tmp_path, mode="service"), "acme")
    with pytest.raises(InvalidRequest):
        check_source(str(inside), closed)
