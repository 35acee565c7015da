"""`GET /v1/events`: one stream for all jobs of a tenant, over a real server; and the events of a job with its parts."""

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from bandmate_shared.auth import KeyStore
from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.http.app import create_app
from bandmate_shared.http.job_routes import job_router
from bandmate_shared.http.streams.event_feed import events_router
from bandmate_shared.jobs.model import NewJob
from bandmate_shared.runtime import Runtime
from bandmate_shared.settings import SharedSettings
from fastapi import FastAPI
from starlette.testclient import TestClient

from .conftest import PEPPER
from .test_sse import parse


@pytest.fixture
def app(runtime: Runtime) -> FastAPI:
    return _app(runtime)


def _app(runtime: Runtime) -> FastAPI:
    songs = job_router(runtime, "songs", ["song", "take"], SongRequest)
    return create_app(runtime, "Songs", [songs, events_router(runtime)])


def _song_of_two_takes(runtime: Runtime, tenant: str = "local") -> str:
    """A song that succeeds, its takes before it."""
    store = runtime.store
    song = store.submit(NewJob("song", {"takes": 2}, tenant)).job.id
    lease = store.claim(song, "w")
    assert lease is not None
    for take in store.park(lease, [NewJob("take", {}), NewJob("take", {})], "takes"):
        held = store.claim(take, "w")
        assert held is not None
        held = store.set_progress(held, "compose", 0.5)
        store.succeed(held, {})
    lease = store.claim(song, "w")
    assert lease is not None
    store.succeed(lease, {})
    return song


def _data(events: Iterator[dict[str, Any]], until: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
    """What the events hold, up to the first that is looked for, with the id of each."""
    found = []
    for event in events:
        if "data" in event:
            found.append({**json.loads(event["data"]), "id": event["id"]})
            if until(found[-1]):
                return found
    raise AssertionError("the stream ended before")


def test_one_stream_shows_every_job_of_the_tenant_from_now_on(
    runtime: Runtime, app: FastAPI, settings: SharedSettings, serving: Callable[..., Any]
) -> None:
    before = _song_of_two_takes(runtime)
    runtime.store.submit(NewJob("song", {}, "another"))
    with serving(app, settings) as url, httpx2.Client(base_url=url, trust_env=False, timeout=30) as http:
        with http.stream("GET", "/v1/events") as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            lines = response.iter_lines()
            assert next(lines).startswith("id: "), "a client that reconnects before the first event must miss nothing"
            done: list[str] = []
            worker = threading.Thread(target=lambda: done.append(_song_of_two_takes(runtime)))
            worker.start()
            events = _data(parse(lines), lambda event: event["type"] == "job.succeeded" and event["kind"] == "song")
            worker.join()
        [song] = done
        assert before not in {event["job_id"] for event in events}
        assert {event["root_id"] for event in events} == {song}
        assert {event["kind"] for event in events} == {"song", "take"}
        progress = [event for event in events if event["type"] == "progress"]
        assert [event["data"]["fraction"] for event in progress] == [0.5, 0.5]
        assert all(event["parent_id"] == song for event in progress)
        for cut in (0, 3, len(events) - 2):
            with http.stream("GET", "/v1/events", headers={"Last-Event-ID": events[cut]["id"]}) as response:
                rest = _data(parse(response.iter_lines()), lambda event: event["id"] == events[-1]["id"])
            assert rest == events[cut + 1 :], "neither skipped nor repeated"
            with http.stream("GET", "/v1/events", params={"after": events[cut]["id"]}) as response:
                assert _data(parse(response.iter_lines()), lambda event: True) == events[cut + 1 : cut + 2]


def test_a_tenant_sees_only_its_own(
    service: Runtime, keys: KeyStore, settings: SharedSettings, serving: Callable[..., Any]
) -> None:
    key = keys.create("tenant-a")
    start = str(int(service.store.clock().timestamp() * 1e6) - 60_000_000)
    service.store.submit(NewJob("song", {}, "tenant-b"))
    own = service.store.submit(NewJob("song", {}, "tenant-a")).job.id
    assert PEPPER
    with (
        serving(_app(service), service.settings) as url,
        httpx2.Client(base_url=url, trust_env=False, headers={"X-API-Key": key}) as http,
        http.stream("GET", "/v1/events", headers={"Last-Event-ID": start}, timeout=30) as response,
    ):
        [event] = _data(parse(response.iter_lines()), lambda event: True)
    assert (event["job_id"], event["type"]) == (own, "job.queued")


def test_a_jobs_stream_shows_its_parts_where_they_are_asked_for(runtime: Runtime, app: FastAPI) -> None:
    song, other = _song_of_two_takes(runtime), _song_of_two_takes(runtime)
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        path = f"/v1/songs/{song}/events"
        alone = [event for event in parse(iter(client.get(path).text.split("\n"))) if "data" in event]
        answer = client.get(path, params={"descendants": "true"})
        events = [event for event in parse(iter(answer.text.split("\n"))) if "data" in event]
        kinds = {json.loads(event["data"])["kind"] for event in events}
        last = client.get(path, params={"descendants": "true"}, headers={"Last-Event-ID": events[-1]["id"]})
        shown = client.get(f"/v1/songs/{song}").json()
    assert kinds == {"song", "take"}
    assert len(events) > len(alone)
    assert other not in answer.text
    assert last.status_code == 204
    assert [(part["state"], part["parent_id"]) for part in shown["descendants"]] == [("succeeded", song)] * 2


@pytest.mark.parametrize("wrong", ["x", "-1", "17-song_1-2", "1" * 30, "17-"])
def test_an_invalid_position_is_refused(app: FastAPI, wrong: str) -> None:
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        answer = client.get("/v1/events", headers={"Last-Event-ID": wrong})
    assert answer.status_code == 422
    assert "Last-Event-ID" in answer.json()["detail"]
