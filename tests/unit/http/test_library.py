"""A library of songs: titles, favourites, notes, search, lineage, deleting."""

from collections.abc import Callable

import pytest
from bandmate_shared.contracts.jobs import SongQuery
from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.http.app import create_app
from bandmate_shared.http.job_routes import job_router
from bandmate_shared.jobs.execution.context import Done, JobContext
from bandmate_shared.jobs.execution.inprocess import InProcessQueue
from bandmate_shared.jobs.model import NewJob
from bandmate_shared.jobs.recover import recover
from bandmate_shared.objects.blobs import blob_key
from bandmate_shared.runtime import Runtime
from fastapi import FastAPI
from starlette.testclient import TestClient


@pytest.fixture
def app(runtime: Runtime) -> FastAPI:
    router = job_router(runtime, "songs", ["song", "take"], SongRequest, query_model=SongQuery, with_details=True)
    return create_app(runtime, "Songs", [router])


@pytest.fixture
def write(client: TestClient, runtime: Runtime, queue: InProcessQueue) -> Callable[..., str]:
    """Ask for a song and have it made: its title is the first line of its lyrics."""

    def song(context: JobContext) -> Done:
        context.add("song.mid", b"MThd", "audio/midi")
        return Done({"title": str(context.job.request.get("lyrics")).splitlines()[0]})

    def write(**request: object) -> str:
        job_id: str = client.post("/v1/songs", json=request).json()["id"]
        queue.run_all(runtime, {"song": song})
        return job_id

    return write


def found(client: TestClient, **query: object) -> list[str]:
    answer = client.get("/v1/songs", params={name: str(value) for name, value in query.items()})
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


def test_a_song_gets_a_title_a_mark_and_notes_and_loses_them_again(
    client: TestClient, write: Callable[..., str]
) -> None:
    song = write(style="folk", lyrics="The rain came down")
    path = f"/v1/songs/{song}"
    assert client.get(path).json()["title"] == "The rain came down"
    changed = client.patch(path, json={"title": "Regen", "favourite": True, "notes": "slower"}).json()
    assert (changed["title"], changed["favourite"], changed["notes"]) == ("Regen", True, "slower")
    assert client.patch(path, json={"notes": None}).json()["title"] == "Regen", "what is left out stays"
    cleared = client.patch(path, json={"title": None, "favourite": False}).json()
    assert (cleared["title"], cleared["favourite"], cleared["notes"]) == ("The rain came down", False, None)
    assert client.patch(path, json={"tittle": "x"}).status_code == 422
    assert client.patch(path, json={"title": ""}).status_code == 422
    assert client.patch(path, json={"notes": "a\0b"}).status_code == 422


def test_songs_are_found_by_words_style_and_favourite(client: TestClient, write: Callable[..., str]) -> None:
    rain = write(style="folk", lyrics="The rain came down\nÜber den Straßen")
    sun = write(style="waltz", lyrics="Sun in the morning")
    client.patch(f"/v1/songs/{sun}", json={"title": "100 % sun", "favourite": True})
    assert found(client, q="RAIN the") == [rain]
    assert found(client, q="über strassen") == [rain], "without case, as the language knows it"
    assert found(client, q="100 %") == [sun], "% is a character like others"
    assert found(client, q="rain sun") == []
    assert found(client, style="waltz") == [sun]
    assert found(client, favourite="true") == [sun]
    assert found(client, favourite="false") == [rain]
    assert found(client, q="the", favourite="true", style="folk") == []
    assert found(client) == [sun, rain]


def test_an_unknown_parameter_of_a_search_is_refused(client: TestClient) -> None:
    answer = client.get("/v1/songs", params={"stlye": "folk"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "stlye"


def test_a_deleted_song_is_gone_for_good(client: TestClient, runtime: Runtime, write: Callable[..., str]) -> None:
    song, other = write(lyrics="One"), write(lyrics="Two")
    sha256 = client.get(f"/v1/songs/{song}").json()["artifacts"][0]["sha256"]
    assert client.delete(f"/v1/songs/{song}").status_code == 204
    assert client.get(f"/v1/songs/{song}").status_code == 404
    assert client.delete(f"/v1/songs/{song}").status_code == 404
    assert found(client) == [other]
    assert recover(runtime.store.database, runtime.storage).recovered == 0, "nothing brings it back"
    assert runtime.storage.exists(blob_key(sha256)), "the other song has the same file"


def test_what_runs_and_what_is_a_part_cannot_be_deleted(client: TestClient, runtime: Runtime) -> None:
    store = runtime.store
    song = store.submit(NewJob("song", {"takes": 1})).job.id
    assert client.delete(f"/v1/songs/{song}").status_code == 409
    lease = store.claim(song, "w")
    assert lease is not None
    [take] = store.park(lease, [NewJob("take", {})], "takes")
    refused = client.delete(f"/v1/songs/{take}")
    assert (refused.status_code, song in refused.json()["detail"]) == (409, True)
    client.post(f"/v1/songs/{song}/cancel")
    assert client.delete(f"/v1/songs/{song}").status_code == 204
    assert client.get(f"/v1/songs/{take}").status_code == 404


def test_versions_are_the_songs_of_one_ancestor(client: TestClient, runtime: Runtime) -> None:
    store = runtime.store

    def song(derived_from: str | None, tenant: str = "local") -> str:
        job = store.submit(NewJob("song", {}, tenant, derived_from=derived_from)).job.id
        store.cancel(job)
        return job

    first, alone = song(None), song(None)
    second, third = song(first), song(first)
    fourth = song(second)
    song(first, "another")
    answer = client.get(f"/v1/songs/{fourth}/versions").json()
    assert [item["id"] for item in answer["items"]] == [first, second, third, fourth]
    assert [item["derived_from"] for item in answer["items"]] == [None, first, first, second]
    assert [item["id"] for item in client.get(f"/v1/songs/{alone}/versions").json()["items"]] == [alone]
    assert client.delete(f"/v1/songs/{first}").status_code == 204
    answer = client.get(f"/v1/songs/{fourth}/versions").json()
    assert ([item["id"] for item in answer["items"]], answer["deleted"]) == ([second, third, fourth], [first])
