"""`/v1/datasets` and `/v1/uploads` as a library: listing uploads, deleting datasets."""

from collections.abc import Iterator

import pytest
from bandmate_ingest.api import routers
from bandmate_shared.http.app import create_app
from bandmate_shared.jobs.execution.context import Done, JobContext
from bandmate_shared.jobs.execution.inprocess import InProcessQueue
from bandmate_shared.registry.dataset_versions import follow, latest_revision
from bandmate_shared.runtime import Runtime
from starlette.testclient import TestClient


@pytest.fixture
def client(runtime: Runtime) -> Iterator[TestClient]:
    with TestClient(create_app(runtime, "Ingest", routers(runtime)), base_url="http://127.0.0.1:8000") as opened:
        yield opened


def test_uploads_are_listed_newest_first(client: TestClient) -> None:
    assert client.get("/v1/uploads").json() == {"items": []}
    ids = []
    for name in ("one.mid", "two.mid"):
        upload = client.post("/v1/uploads", json={"filename": name, "size": 4}).json()
        ids.append(upload["id"])
    client.put(f"/v1/uploads/{ids[0]}/content", content=b"MThd")
    listed = client.get("/v1/uploads").json()["items"]
    assert [(item["id"], item["state"]) for item in listed] == [(ids[1], "waiting"), (ids[0], "received")]
    assert client.delete(f"/v1/uploads/{ids[1]}").status_code == 204
    assert [item["id"] for item in client.get("/v1/uploads").json()["items"]] == [ids[0]]


def test_a_deleted_dataset_gives_way_to_the_version_before(
    client: TestClient, runtime: Runtime, queue: InProcessQueue
) -> None:
    storage = runtime.storage
    versions = iter(["v1", "v2", "v2"])

    def build(context: JobContext) -> Done:
        version, (revision, _) = next(versions), latest_revision(storage, "mine")
        storage.put(f"datasets/mine/{version}/manifest.json", b"{}")
        follow(storage, "mine", version, revision)
        return Done({"name": "mine", "version": version})

    jobs = []
    for _ in range(3):
        jobs.append(client.post("/v1/datasets", json={"name": "mine", "sources": ["music21:bach"]}).json()["id"])
        queue.run_all(runtime, {"dataset": build})
    assert client.delete(f"/v1/datasets/{jobs[2]}").status_code == 204
    assert latest_revision(storage, "mine")[1] == "v2", "another job made the same version"
    assert client.delete(f"/v1/datasets/{jobs[1]}").status_code == 204
    assert latest_revision(storage, "mine")[1] == "v1"
    assert list(storage.keys("datasets/mine/v2/")) == []
    assert [item["id"] for item in client.get("/v1/datasets").json()["items"]] == [jobs[0]]
