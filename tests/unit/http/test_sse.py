"""Live events over a real server."""

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from bandmate_shared.http.streams import sse
from bandmate_shared.jobs.model import NewJob
from bandmate_shared.runtime import Runtime
from bandmate_shared.settings import SharedSettings
from fastapi import FastAPI
from starlette.testclient import TestClient


def parse(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    """Events of an event stream, as the HTML standard parses them; a comment is {'comment': text}."""
    event: dict[str, Any] = {}
    for line in lines:
        if line.startswith(":"):
            yield {"comment": line[1:].strip()}
        elif line:
            name, _, value = line.partition(":")
            event[name] = value.removeprefix(" ")
        elif event:
            yield event
            event = {}


@pytest.fixture
def job_id(runtime: Runtime) -> str:
    return runtime.store.submit(NewJob("song", {"bars": 4})).job.id


def finish(runtime: Runtime, job_id: str) -> None:
    lease = runtime.store.claim(job_id, "tester")
    assert lease is not None
    for number in range(5):
        runtime.store.set_progress(lease, "compose", number / 5, "line one\nline two")
    runtime.store.succeed(lease, {"seed": 1})


def test_events_come_live_in_order_and_the_stream_ends(
    runtime: Runtime, app: FastAPI, settings: SharedSettings, serving: Callable[..., Any], job_id: str
) -> None:
    with serving(app, settings) as url, httpx2.Client(base_url=url, trust_env=False) as http:
        worker = threading.Thread(target=finish, args=(runtime, job_id))
        with http.stream("GET", f"/v1/songs/{job_id}/events", timeout=30) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            assert response.headers["cache-control"] == "no-cache"
            stream = parse(response.iter_lines())
            first = next(stream)
            assert (first["id"], first["event"]) == ("1", "job.queued")
            worker.start()  # The rest has yet to happen: nothing was read out of a finished list.
            rest = list(stream)
        worker.join()
    assert [int(event["id"]) for event in rest] == list(range(2, len(rest) + 2))
    assert rest[-1]["event"] == "job.succeeded"
    data = [json.loads(event["data"]) for event in rest]
    assert all(event["job_id"] == job_id and event["seq"] == int(rest[i]["id"]) for i, event in enumerate(data))
    assert "line one\nline two" in [event["data"].get("message") for event in data]


def test_reconnecting_with_last_event_id_neither_skips_nor_repeats_events(
    client: TestClient, runtime: Runtime, job_id: str
) -> None:
    finish(runtime, job_id)
    path = f"/v1/songs/{job_id}/events"
    whole = [event["id"] for event in parse(iter(client.get(path).text.split("\n")))]
    for cut in range(len(whole)):
        rest = client.get(path, headers={"Last-Event-ID": whole[cut]})
        assert [event["id"] for event in parse(iter(rest.text.split("\n")))] == whole[cut + 1 :]
    assert rest.status_code == 204, "an EventSource that has everything must not reconnect for ever"


@pytest.mark.parametrize("wrong", ["x", "-1", "1.5", "9" * 40, "١"])
def test_an_invalid_last_event_id_is_refused(client: TestClient, job_id: str, wrong: str) -> None:
    answer = client.get(f"/v1/songs/{job_id}/events", headers={"Last-Event-ID": wrong.encode()})
    assert answer.status_code == 422


def test_an_idle_stream_gets_keepalives_and_ends_on_shutdown(
    app: FastAPI,
    settings: SharedSettings,
    serving: Callable[..., Any],
    job_id: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sse, "KEEPALIVE_SECONDS", 0.05)
    with (
        serving(app, settings) as url,
        httpx2.Client(base_url=url, trust_env=False) as http,
        http.stream("GET", f"/v1/songs/{job_id}/events", timeout=30) as response,
    ):
        stream = parse(response.iter_lines())
        assert next(stream)["event"] == "job.queued"
        assert "comment" in next(stream)
        app.state.stopping.set()
        assert all("comment" in event for event in stream)
