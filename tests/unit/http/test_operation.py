"""Health, readiness and metrics endpoints."""

import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from bandmate_shared.errors import StorageFull
from bandmate_shared.http import health
from bandmate_shared.http.app import create_app
from bandmate_shared.runtime import Runtime, open_runtime
from bandmate_shared.settings import SharedSettings
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient


@pytest.fixture
def whole(settings: SharedSettings, redis_server: Any) -> Iterator[Runtime]:
    """A runtime with a real broker."""
    opened = open_runtime(settings.model_copy(update={"redis_url": redis_server.url}))
    yield opened
    opened.close()


def asking(runtime: Runtime) -> TestClient:
    return TestClient(create_app(runtime, "Test", []), base_url="http://127.0.0.1")


def test_ready_when_everything_answers_and_not_when_redis_is_gone(whole: Runtime, redis_server: Any) -> None:
    client = asking(whole)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["status"], answer.json()["failed"]) == (200, "ready", [])
    assert set(answer.json()["checks"]) == {"database", "broker", "storage"}
    redis_server.kill()
    gone = client.get("/readyz")
    assert (gone.status_code, gone.json()["failed"]) == (503, ["broker"])
    assert gone.json()["checks"]["database"]["ok"]
    assert str(redis_server.port) not in gone.text, "addresses are not shown to clients"
    assert client.get("/healthz").status_code == 200
    redis_server.start()
    assert client.get("/readyz").status_code == 200


class _SickStorage:
    """A store whose disk is full, or that hangs; nothing was ever put into it."""

    def __init__(self, action: Callable[[], None]) -> None:
        self.put = lambda _key, _data: action()
        self.exists = lambda _key: False


def _full() -> None:
    raise StorageFull("no room")


def _wait_for(answers: threading.Event) -> None:
    answers.wait(60)


def test_a_full_or_hanging_store_is_named(whole: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "CHECK_SECONDS", 0.2)
    whole.storage = _SickStorage(_full)  # type: ignore[assignment]
    full = asking(whole).get("/readyz").json()
    assert (full["failed"], full["checks"]["storage"]["reason"]) == (["storage"], "failed: StorageFull")
    answers = threading.Event()
    whole.storage = _SickStorage(lambda: _wait_for(answers))  # type: ignore[assignment]
    hanging = asking(whole).get("/readyz").json()
    assert hanging["failed"] == ["storage"]
    assert hanging["checks"]["storage"]["reason"] == "no answer within 0.2 s"
    assert not answers.is_set(), "the store still hangs"
    answers.set()


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_metrics_count_requests_by_route_and_jobs_by_state(client: TestClient, work: Callable[[], None]) -> None:
    for _ in range(3):
        path = client.post("/v1/songs", json={}).json()["links"]["self"]
    before = samples(client.get("/metrics").text)
    assert before["bandmate_jobs", (("kind", "song"), ("state", "queued"))] == 3
    assert before["bandmate_queue_depth", (("queue", "bandmate-generate"),)] == 3
    work()
    client.get(path)
    client.get("/v1/nowhere")
    client.request("BREW", "/v1/songs")
    after = samples(client.get("/metrics").text)
    assert after["bandmate_jobs", (("kind", "song"), ("state", "succeeded"))] == 3
    assert after.get(("bandmate_queue_depth", (("queue", "bandmate-generate"),)), 0) == 0
    posts = ("bandmate_http_request_seconds_count", (("method", "POST"), ("route", "/v1/songs"), ("status", "202")))
    assert after[posts] == 3
    routes = {dict(labels).get("route") for name, labels in after if name == "bandmate_http_request_seconds_count"}
    assert "/v1/songs/{job_id}" in routes
    assert "/v1/nowhere" not in routes, "callers must not be able to create labels"
    assert after["bandmate_job_store_up", ()] == 1
    ended = "bandmate_jobs_ended_total", (("kind", "song"), ("outcome", "succeeded"))
    assert after[ended] == 3
    assert after["bandmate_job_seconds_count", ended[1]] == 3
    assert after["bandmate_job_wait_seconds_count", (("kind", "song"),)] == 3
    assert samples(client.get("/metrics").text)[ended] == 3, "an end is counted once"
    assert before["bandmate_queue_oldest_job_seconds", (("queue", "bandmate-generate"),)] > 0


def test_every_metric_is_on_its_page(client: TestClient, work: Callable[[], None]) -> None:
    client.post("/v1/songs", json={})
    work()
    page = (Path(__file__).parents[3] / "docs" / "reference" / "metrics.md").read_text()
    on_page = set(re.findall(r"^\| `(bandmate_\w+)` \| (\w+) \|", page, re.MULTILINE))
    served = {
        (family.name + "_total" * (family.type == "counter"), family.type)
        for family in text_string_to_metric_families(client.get("/metrics").text)
        if not family.name.endswith("_created")  # The library's own, beside every counter and histogram.
    }
    assert served == on_page
