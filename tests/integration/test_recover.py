"""A lost database is rebuilt from the manifests of finished jobs in the store."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bandmate_shared.contracts.jobs import JobState, Manifest
from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.errors import NotFound
from bandmate_shared.http.app import create_app
from bandmate_shared.http.job_routes import job_router
from bandmate_shared.jobs.execution.inprocess import InProcessQueue
from bandmate_shared.jobs.execution.worker import Done, JobContext, Wait
from bandmate_shared.jobs.model import Job, NewJob
from bandmate_shared.jobs.recover import LOST, recover
from bandmate_shared.objects.blobs import blob_key, manifest_key, put_artifact
from bandmate_shared.runtime import Runtime, open_runtime
from bandmate_shared.settings import SharedSettings
from starlette.testclient import TestClient

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def _song(context: JobContext) -> Done | Wait:
    if context.job.phase == "start":
        context.add("song.mid", b"MThd of " + context.job.id.encode(), "audio/midi")
        return Wait([NewJob("vocal", {"words": "la"})], "mix")
    context.add("song.wav", b"RIFF of " + context.job.id.encode(), "audio/wav")
    return Done({"bars": context.job.request["bars"]})


def _vocal(context: JobContext) -> Done:
    context.add("vocals.wav", b"la la of " + context.job.id.encode(), "audio/wav")
    return Done({"sung": True})


def _dataset(context: JobContext) -> Done:
    return Done({"pieces": 3})


@pytest.fixture(params=["sqlite", "postgres"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Runtime]]:
    """Opens the platform on an empty database and the same store."""
    opened: list[Runtime] = []

    def open_anew() -> Runtime:
        url = f"sqlite:///{tmp_path / f'{len(opened)}.sqlite3'}"
        if request.param == "postgres":
            url = request.getfixturevalue("new_postgres_url")()
        opened.append(open_runtime(SharedSettings(home=tmp_path / "home", database_url=url), InProcessQueue()))
        return opened[-1]

    yield open_anew
    for runtime in opened:
        runtime.close()


def _run_jobs(runtime: Runtime) -> dict[str, Job]:
    """Run two songs with their vocals and a dataset, and leave one song queued; returns the finished jobs."""
    songs = [NewJob("song", {"bars": 8, "seed": 7}, "tenant-a", traceparent=TRACE), NewJob("song", {"bars": 4}, "b")]
    for new in (*songs, NewJob("dataset", {"source": "x"}, "b")):
        runtime.store.submit(new)
    queue = runtime.publisher
    assert isinstance(queue, InProcessQueue)
    queue.run_all(runtime, {"song": _song, "vocal": _vocal, "dataset": _dataset})
    runtime.store.submit(NewJob("song", {"bars": 99}, "b"))  # Stays queued.
    finished = {job.id: job for job in runtime.store.list_jobs(None)[0] if job.state is JobState.SUCCEEDED}
    assert sorted(job.kind for job in finished.values()) == ["dataset", "song", "song", "vocal", "vocal"]
    return finished


def test_every_finished_job_comes_back_with_its_files(reopen: Callable[[], Runtime]) -> None:
    finished = _run_jobs(reopen())
    runtime = reopen()
    with pytest.raises(NotFound):
        runtime.store.get(next(iter(finished)))

    outcome = recover(runtime.store.database, runtime.storage)

    assert (outcome.manifests, outcome.recovered, outcome.existing) == (5, 5, 0)
    assert not outcome.unreadable + outcome.files_missing + outcome.without_parent
    for job_id, before in finished.items():
        after = runtime.store.get(job_id, before.tenant)
        fields = ("kind", "state", "request", "result", "parent_id", "artifacts", "created_at", "started_at")
        assert {name: getattr(after, name) for name in fields} == {name: getattr(before, name) for name in fields}
        assert after.traceparent == before.traceparent
        assert before.finished_at is not None
        assert after.finished_at is not None
        assert abs((after.finished_at - before.finished_at).total_seconds()) < 5
        assert [event.type for event in runtime.store.events(job_id)] == ["job.recovered", "job.succeeded"]
        for artifact in after.artifacts:
            assert runtime.storage.get(blob_key(artifact.sha256)).endswith(job_id.encode()) or after.kind == "song"
    songs = [job_id for job_id, job in finished.items() if job.kind == "song"]
    assert all(runtime.store.children(job_id) for job_id in songs)
    assert len(runtime.store.list_jobs(None)[0]) == 5, "what had not finished is lost, and nothing else came"
    assert runtime.store.pending_messages() == []
    assert runtime.store.sweep() == {"requeued": 0, "failed": 0, "cancelled": 0, "forgotten": 0}


def test_recovering_twice_changes_nothing(reopen: Callable[[], Runtime]) -> None:
    finished = _run_jobs(reopen())
    runtime = reopen()
    recover(runtime.store.database, runtime.storage)
    before = [(runtime.store.get(job_id), runtime.store.events(job_id)) for job_id in finished]
    outcome = recover(runtime.store.database, runtime.storage)
    assert (outcome.recovered, outcome.existing) == (0, 5)
    assert [(runtime.store.get(job_id), runtime.store.events(job_id)) for job_id in finished] == before


def test_existing_jobs_are_not_changed(reopen: Callable[[], Runtime]) -> None:
    runtime = reopen()
    finished = _run_jobs(runtime)
    [dataset] = [job_id for job_id, job in finished.items() if job.kind == "dataset"]
    with runtime.store.database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM job_events WHERE job_id LIKE 'dataset%%'")
        connection.exec_driver_sql("DELETE FROM jobs WHERE id LIKE 'dataset%%'")
    before = [(runtime.store.get(job_id), runtime.store.events(job_id)) for job_id in finished if job_id != dataset]
    dry_run = recover(runtime.store.database, runtime.storage, dry_run=True)
    assert (dry_run.recovered, dry_run.existing) == (1, 4)
    with pytest.raises(NotFound):
        runtime.store.get(dataset)
    outcome = recover(runtime.store.database, runtime.storage)
    assert (outcome.recovered, outcome.existing) == (1, 4)
    assert runtime.store.get(dataset).result == {"pieces": 3}
    after = [(runtime.store.get(job_id), runtime.store.events(job_id)) for job_id in finished if job_id != dataset]
    assert after == before


def test_the_recovered_files_are_served_as_before(reopen: Callable[[], Runtime]) -> None:
    def download(runtime: Runtime) -> dict[str, tuple[bytes, str | None]]:
        app = create_app(runtime, "Songs", [job_router(runtime, "songs", ["song"], SongRequest)])
        with TestClient(app, base_url="http://127.0.0.1:8000") as client:
            [song] = client.get("/v1/songs").json()["items"]
            links = {name: link for name, link in song["links"].items() if name.startswith("artifacts/")}
            answers = {name: client.get(link) for name, link in links.items()}
            history = client.get(song["links"]["events"]).text
        assert "event: job.succeeded" in history, "the stream of a recovered job ends as every other"
        return {name: (answer.content, answer.headers.get("etag")) for name, answer in answers.items()}

    first = reopen()
    first.store.submit(NewJob("song", {"bars": 8}))
    queue = first.publisher
    assert isinstance(queue, InProcessQueue)
    queue.run_all(first, {"song": _song, "vocal": _vocal})
    before = download(first)
    assert set(before) == {"artifacts/song.mid", "artifacts/song.wav"}

    second = reopen()
    recover(second.store.database, second.storage)
    assert download(second) == before


def test_broken_jobs_are_not_recovered_and_are_reported(reopen: Callable[[], Runtime]) -> None:
    first = reopen()
    finished = _run_jobs(first)
    songs = [job for job in finished.values() if job.kind == "song"]
    vocals = {job.parent_id: job.id for job in finished.values() if job.kind == "vocal"}
    [dataset] = [job_id for job_id, job in finished.items() if job.kind == "dataset"]
    first.storage.put(manifest_key(dataset), b"{ half a mani")
    midi = songs[0].artifact("song.mid")
    assert midi is not None
    first.storage.delete(blob_key(midi.sha256))
    first.storage.put("jobs/notes.txt", b"not a manifest")

    runtime = reopen()
    outcome = recover(runtime.store.database, runtime.storage)

    assert outcome.unreadable == [dataset]
    assert outcome.files_missing == [songs[0].id]
    assert outcome.without_parent == [vocals[songs[0].id]]
    assert outcome.recovered == 2
    assert {job.id for job in runtime.store.list_jobs(None)[0]} == {songs[1].id, vocals[songs[1].id]}


def test_manifests_of_the_first_release_are_read(reopen: Callable[[], Runtime]) -> None:
    runtime = reopen()
    artifact = put_artifact(runtime.storage, "song.mid", b"MThd", "audio/midi")
    song, take = "song_01m83bgh9gra9hk45bbx53jvj2", "take_01m83bgh9gra9hk45bbx53jvj3"
    for job_id in (song, take):
        old = {"job_id": job_id, "artifacts": [artifact.model_dump()]}
        runtime.storage.put(manifest_key(job_id), json.dumps(old).encode())

    outcome = recover(runtime.store.database, runtime.storage, tenant="somebody")

    assert (outcome.recovered, outcome.without_record, outcome.without_parent) == (1, 1, [take])
    job = runtime.store.get(song, "somebody")
    assert (job.kind, job.request, job.result, job.artifacts) == ("song", {}, None, [artifact])
    assert f"{job.created_at:%Y-%m}" == "2026-11"


def test_a_parent_with_a_later_id_than_its_child_is_found(reopen: Callable[[], Runtime]) -> None:
    first = reopen()
    finished = _run_jobs(first)
    vocal = next(job for job in finished.values() if job.kind == "vocal")
    assert vocal.parent_id is not None
    old = Manifest.model_validate_json(first.storage.get(manifest_key(vocal.id)))
    earlier = "vocal_00000000000000000000000000"
    moved = old.model_copy(update={"job_id": earlier})
    first.storage.put(manifest_key(earlier), moved.model_dump_json().encode())

    runtime = reopen()
    outcome = recover(runtime.store.database, runtime.storage)
    assert (outcome.recovered, outcome.without_parent) == (6, [])
    assert runtime.store.get(earlier).parent_id == vocal.parent_id


@pytest.mark.parametrize("program", ["bandmate_shared.jobs.recover", "bandmate jobs recover"])
def test_the_commands(tmp_path: Path, program: str) -> None:
    home = tmp_path / "home"
    runtime = open_runtime(SharedSettings(home=home), InProcessQueue())
    finished = _run_jobs(runtime)
    runtime.close()
    for path in home.glob("bandmate.sqlite3*"):
        path.unlink()

    words = (
        [sys.executable, "-m", program]
        if program.startswith("bandmate_shared")
        else [
            str(Path(sys.executable).parent / "bandmate"),
            *program.split()[1:],
        ]
    )
    environment = {**os.environ, "BANDMATE_HOME": str(home)}

    def call(*options: str) -> str:
        answer = subprocess.run([*words, *options], env=environment, capture_output=True, text=True, timeout=60)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout

    dry_run = json.loads(call("--dry-run", "--json"))
    assert (dry_run["manifests"], dry_run["recovered"], dry_run["lost"]) == (5, 5, list(LOST))
    output = call()
    assert "5 jobs recovered as succeeded" in output
    assert "queued or running" in output
    assert json.loads(call("--json"))["existing"] == 5
    reopened = open_runtime(SharedSettings(home=home), InProcessQueue())
    assert {job.id for job in reopened.store.list_jobs(None)[0]} == set(finished)
    reopened.close()
