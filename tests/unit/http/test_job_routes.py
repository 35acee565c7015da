"""Submitting, finding, cancelling and downloading, through the routes every service shares."""

import hashlib
from collections.abc import Callable

from bandmate_shared.jobs.execution.context import Done, JobContext, Wait
from bandmate_shared.jobs.execution.inprocess import InProcessQueue
from bandmate_shared.jobs.model import NewJob
from bandmate_shared.runtime import Runtime
from bandmate_shared.settings import SharedSettings
from starlette.testclient import TestClient

from tests.unit.http.conftest import MIDI, songs_app


def test_a_submitted_job_is_accepted_and_found(client: TestClient, queue: InProcessQueue) -> None:
    answer = client.post("/v1/songs", json={"key": "D", "bars": 8})
    assert answer.status_code == 202
    job = answer.json()
    assert answer.headers["location"] == f"/v1/songs/{job['id']}" == job["links"]["self"]
    assert (job["state"], job["request"]["key"], job["request"]["bars"]) == ("queued", "D major", 8)
    assert client.get(job["links"]["self"]).json() == job
    assert list(queue.messages) == [("bandmate-generate", job["id"])]


def test_a_finished_job_shows_its_result_and_files(client: TestClient, work: Callable[[], None]) -> None:
    path = client.post("/v1/songs", json={}).json()["links"]["self"]
    work()
    job = client.get(path).json()
    assert (job["state"], job["result"], job["attempt"]) == ("succeeded", {"seed": 7}, 1)
    assert "cancel" not in job["links"]
    download = client.get(job["links"]["artifacts/song.mid"])
    assert download.content == MIDI
    assert download.headers["content-type"] == "audio/midi"
    assert download.headers["etag"] == f'"{hashlib.sha256(MIDI).hexdigest()}"'
    assert download.headers["content-disposition"] == 'inline; filename="song.mid"'


def test_ranges_heads_and_etags(client: TestClient, work: Callable[[], None]) -> None:
    path = client.post("/v1/songs", json={}).json()["links"]["self"] + "/artifacts/song.mid"
    work()
    part = client.get(path, headers={"Range": "bytes=4-9"})
    assert (part.status_code, part.content) == (206, MIDI[4:10])
    assert part.headers["content-range"] == f"bytes 4-9/{len(MIDI)}"
    assert client.get(path, headers={"Range": "bytes=999999-"}).status_code == 416
    head = client.head(path)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(MIDI)))
    etag = head.headers["etag"]
    assert client.get(path, headers={"If-None-Match": f'"x", W/{etag}'}).status_code == 304
    assert client.get(path, headers={"If-None-Match": '"x"'}).status_code == 200
    resumed = {"Range": "bytes=0-0", "If-Range": etag}
    assert client.get(path, headers=resumed).status_code == 206
    assert client.get(path, headers=resumed | {"If-Range": '"x"'}).status_code == 200


def test_a_page_among_the_files_can_run_no_script(client: TestClient, work: Callable[[], None]) -> None:
    path = client.post("/v1/songs", json={}).json()["links"]["self"]
    work()
    page = client.get(f"{path}/artifacts/report.html")
    assert page.headers["content-security-policy"].startswith("sandbox;")
    assert page.headers["x-content-type-options"] == "nosniff"


def test_missing_jobs_and_artifacts_are_not_found(
    client: TestClient, runtime: Runtime, work: Callable[[], None]
) -> None:
    path = client.post("/v1/songs", json={}).json()["links"]["self"]
    assert "none yet" in client.get(f"{path}/artifacts/song.mid").json()["detail"]
    work()
    missing = client.get(f"{path}/artifacts/other.mid")
    assert (missing.status_code, "it has: song.mid, report.html" in missing.json()["detail"]) == (404, True)
    assert client.get(f"{path}/artifacts/../../bandmate.sqlite3").status_code == 404
    assert client.get(f"{path}/artifacts/..%2F..%2Fbandmate.sqlite3").status_code == 404
    assert client.get("/v1/songs/song_01arz3ndektsv4rrffq69g5fav").status_code == 404
    assert client.get("/v1/songs/nonsense%00").status_code == 404
    training = runtime.store.submit(NewJob("training", {"dataset": "d"})).job
    assert client.get(f"/v1/songs/{training.id}").status_code == 404


def test_the_same_idempotency_key_gives_the_first_answer_again(client: TestClient, work: Callable[[], None]) -> None:
    headers = {"Idempotency-Key": "once"}
    first = client.post("/v1/songs", json={"bars": 4}, headers=headers)
    work()
    again = client.post("/v1/songs", json={"bars": 4}, headers=headers)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["location"] == first.headers["location"]
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    other = client.post("/v1/songs", json={"bars": 5}, headers=headers)
    assert (other.status_code, other.json()["type"]) == (409, "urn:bandmate:problem:conflict")
    assert client.get("/v1/songs").json()["items"][0]["id"] == first.json()["id"]
    assert client.post("/v1/songs", json={}, headers={"Idempotency-Key": "x" * 256}).status_code == 422


def test_a_refused_request_does_not_use_the_key_up(client: TestClient) -> None:
    headers = {"Idempotency-Key": "twice"}
    assert client.post("/v1/songs", json={"style": "noise"}, headers=headers).status_code == 422
    assert client.post("/v1/songs", json={"style": "folk"}, headers=headers).status_code == 202


def test_pagination_lists_every_job_once_newest_first(client: TestClient, work: Callable[[], None]) -> None:
    ids = [client.post("/v1/songs", json={"lyrics": "la " * 200}).json()["id"] for _ in range(7)]
    seen, cursor = [], None
    while True:
        query = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        page = client.get("/v1/songs", params=query).json()
        seen += [job["id"] for job in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == ids[::-1]
    assert page["items"][0]["request"]["lyrics"].endswith("… (600 characters)")
    assert client.get("/v1/songs", params={"cursor": "bm90IGpzb24="}).status_code == 422
    assert client.get("/v1/songs", params={"limit": 0}).status_code == 422
    assert client.get("/v1/songs", params={"state": "asleep"}).status_code == 422
    work()
    assert client.get("/v1/songs", params={"state": "queued"}).json()["items"] == []
    assert len(client.get("/v1/songs", params={"state": "succeeded"}).json()["items"]) == 7


def test_cancelling_ends_a_waiting_job_and_spares_a_finished_one(client: TestClient, work: Callable[[], None]) -> None:
    path = client.post("/v1/songs", json={}).json()["links"]["self"]
    cancelled = client.post(f"{path}/cancel")
    assert (cancelled.status_code, cancelled.json()["state"]) == (202, "cancelled")
    other = client.post("/v1/songs", json={}).json()["links"]["self"]
    work()
    assert client.post(f"{other}/cancel").json()["state"] == "succeeded"


def test_parents_and_children_link_to_each_other(client: TestClient, runtime: Runtime, queue: InProcessQueue) -> None:
    def two_takes(context: JobContext) -> Done | Wait:
        if context.job.phase == "start":
            return Wait([NewJob("take", {"bars": 1}), NewJob("take", {"bars": 1})], "list")
        return Done({})

    path = client.post("/v1/songs", json={"takes": 2}).json()["links"]["self"]
    queue.run_all(runtime, {"song": two_takes, "take": lambda _context: Done({})})
    parent = client.get(path).json()
    assert len(parent["children"]) == 2
    child = client.get(parent["links"][parent["children"][0]]).json()
    assert (child["kind"], child["links"]["parent"]) == ("take", path)
    assert len(client.get("/v1/songs").json()["items"]) == 1, "only root jobs are listed"


def test_over_the_quota_the_response_has_retry_after(
    settings: SharedSettings, runtime: Runtime, queue: InProcessQueue
) -> None:
    from bandmate_shared.runtime import open_runtime

    small = open_runtime(settings.model_copy(update={"queue_quota": 1}), queue)
    client = TestClient(songs_app(small), base_url="http://127.0.0.1")
    assert client.post("/v1/songs", json={}).status_code == 202
    refused = client.post("/v1/songs", json={})
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    small.close()


def test_the_api_describes_its_requests(client: TestClient) -> None:
    description = client.get("/openapi.json").json()
    body = description["paths"]["/v1/songs"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/SongRequest"}
    responses = description["paths"]["/v1/songs"]["post"]["responses"]
    assert "202" in responses
    for status in ("422", "default"):
        problem = responses[status]["content"]["application/problem+json"]["schema"]
        assert problem == {"$ref": "#/components/schemas/Problem"}
    assert "HTTPValidationError" not in description["components"]["schemas"]
