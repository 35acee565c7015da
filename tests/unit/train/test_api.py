"""`/v1/trainings` and `/v1/models` as a client sees them."""

from collections.abc import Callable
from typing import Any

import pytest
from bandmate_shared.auth import KeyStore
from bandmate_shared.http.app import create_app
from bandmate_shared.jobs.execution.inprocess import InProcessQueue
from bandmate_shared.jobs.model import Job
from bandmate_shared.runtime import Runtime
from bandmate_train.api import routers
from bandmate_train.training import TrainingHandler
from pydantic import SecretStr
from starlette.testclient import TestClient

from tests.unit.train.conftest import write_dataset


@pytest.mark.parametrize(
    ("request_body", "words"),
    [
        ({"dataset": "nope"}, "there is no dataset 'nope'; there are: toy"),
        ({"dataset": "toy", "dataset_version": "v9"}, "in version 'v9'"),
        ({"dataset": "toy", "dataset_version": "../../x"}, "there is no dataset"),
        ({"dataset": "../x"}, "dataset: "),
        ({"dataset": "toy", "architecture": "magic"}, "architecture: "),
        ({"dataset": "toy", "name": "production"}, "has a meaning of its own"),
        ({"dataset": "toy", "initial": "nobody"}, "there is no model 'nobody'"),
        ({"dataset": "toy", "hyperparameters": {"a": "x" * 3000}}, "longer than 2500"),
        ({"dataset": "toy", "hyperparameters": {"a": [1]}}, "hyperparameters.a"),
        ({}, "dataset: is needed"),
    ],
)
def test_invalid_trainings_are_refused_at_once(
    client: TestClient, toy: str, request_body: dict[str, Any], words: str
) -> None:
    answer = client.post("/v1/trainings", json=request_body)
    assert answer.status_code == 422
    assert words in answer.json()["detail"]
    assert client.get("/v1/trainings").json()["items"] == []


def test_submit_train_promote_roll_back(
    client: TestClient, runtime: Runtime, queue: InProcessQueue, handler: TrainingHandler, toy: str
) -> None:
    for name in ("a", "b"):
        answer = client.post("/v1/trainings", json={"dataset": toy, "name": name, "hyperparameters": {"steps": 2}})
        assert answer.status_code == 202
        queue.run_all(runtime, {"training": handler})
        job = client.get(answer.headers["location"]).json()
        assert job["state"] == "succeeded", job["error"]
        assert client.get(job["links"]["artifacts/loss.png"]).headers["content-type"] == "image/png"
    assert client.post("/v1/models/a/promote").json() == {"alias": "production", "model": "a", "history": []}
    assert client.post("/v1/models/b/promote").json()["history"] == ["a"]
    stale = client.post("/v1/models/a/promote", json={"expected": "a"})
    assert stale.status_code == 409
    listed = {model["id"]: model["aliases"] for model in client.get("/v1/models").json()["items"]}
    assert listed == {"a": [], "b": ["production"]}
    assert client.post("/v1/models/rollback").json()["model"] == "a"
    shown_model = client.get("/v1/models/a").json()
    assert shown_model["aliases"] == ["production"]
    assert shown_model["dataset"]["name"] == toy
    assert client.post("/v1/models/rollback").status_code == 409
    assert client.get("/v1/models/zzz").status_code == 404
    assert client.post("/v1/models/zzz/promote").status_code == 404
    assert client.post("/v1/models/a/promote", json={"alias": "../x"}).status_code == 422


def test_a_finished_training_can_be_asked_for_again_with_its_key(
    client: TestClient, train: Callable[..., Job], runtime: Runtime, queue: InProcessQueue, handler: TrainingHandler
) -> None:
    headers = {"Idempotency-Key": "k"}
    body = {"dataset": "toy", "name": "once", "hyperparameters": {"steps": 2}}
    first = client.post("/v1/trainings", json=body, headers=headers)
    queue.run_all(runtime, {"training": handler})
    again = client.post("/v1/trainings", json=body, headers=headers)
    assert (again.status_code, again.content) == (202, first.content)


def test_models_of_other_tenants_are_not_found(
    runtime: Runtime, queue: InProcessQueue, handler: TrainingHandler, toy: str
) -> None:
    pepper = "a pepper that is long enough for a test"
    runtime.settings = runtime.settings.model_copy(update={"mode": "service", "key_pepper": SecretStr(pepper)})
    keys = KeyStore(runtime.store.database, pepper)
    own_headers, other_headers = ({"X-API-Key": keys.create(tenant)} for tenant in ("acme", "zenith"))
    client = TestClient(create_app(runtime, "Train", routers(runtime)))
    write_dataset(runtime.storage, "own", space="tenants/acme/")
    body = {"dataset": "own", "name": "m", "hyperparameters": {"steps": 2}, "promote": True}
    assert client.post("/v1/trainings", json=body, headers=other_headers).status_code == 422
    job = client.post("/v1/trainings", json=body, headers=own_headers).json()
    queue.run_all(runtime, {"training": handler})
    for method, path in (
        ("GET", job["links"]["self"]),
        ("GET", job["links"]["events"]),
        ("POST", job["links"]["cancel"]),
        ("GET", f"{job['links']['self']}/artifacts/loss.png"),
        ("GET", "/v1/models/m"),
        ("POST", "/v1/models/m/promote"),
    ):
        assert client.request(method, path, headers=own_headers).status_code in (200, 202), path
        assert client.request(method, path, headers=other_headers).status_code == 404, path
        assert client.request(method, path).status_code == 401, path
    assert client.get("/v1/models", headers=other_headers).json()["items"] == []
    assert client.post("/v1/models/rollback", headers=other_headers).status_code == 409
    assert [model["id"] for model in client.get("/v1/models", headers=own_headers).json()["items"]] == ["m"]
