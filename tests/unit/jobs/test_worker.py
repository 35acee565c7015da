"""How `run_job` handles results, errors and crashes of handlers, with real stores."""

import errno
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from bandmate_shared.contracts.jobs import JobState, Manifest
from bandmate_shared.errors import InvalidRequest, Unavailable
from bandmate_shared.jobs.execution.inprocess import InProcessQueue
from bandmate_shared.jobs.execution.workdir import WorkingFolder
from bandmate_shared.jobs.execution.worker import Done, Handler, JobContext, Wait, run_job
from bandmate_shared.jobs.model import Job, NewJob, StaleLease
from bandmate_shared.jobs.recover import record_of
from bandmate_shared.objects.blobs import get_manifest, put_artifact, put_manifest
from bandmate_shared.runtime import Runtime
from bandmate_shared.settings import SharedSettings


@pytest.fixture
def lease_seconds() -> float:
    """Long enough that no lease expires on a busy machine."""
    return 30.0


@pytest.fixture
def settings(settings: SharedSettings, lease_seconds: float) -> SharedSettings:
    return settings.model_copy(update={"lease_seconds": lease_seconds})


@pytest.fixture
def run(runtime: Runtime) -> Callable[..., Job]:
    """Submit a job and make one attempt at it."""

    def submit_and_run(handler: Handler, kind: str = "song") -> Job:
        job_id = runtime.store.submit(NewJob(kind, {})).job.id
        assert run_job(runtime, job_id, {kind: handler})
        return runtime.store.get(job_id)

    return submit_and_run


def test_a_job_that_is_done(runtime: Runtime, run) -> None:
    def handler(context: JobContext) -> Done:
        context.stage("compose", "eight bars")
        context.progress(0.5, "half of it", eta_seconds=1.0)
        context.add("draft.txt", b"la", "text/plain")
        (context.workdir / "song.mid").write_bytes(b"MThd")
        context.stage("render")
        context.add("song.mid", context.workdir / "song.mid", "audio/midi")
        context.add("draft.txt", b"la la", "text/plain")
        context.event("bandmate.song.generated", {"bars": 8})
        assert set(context.timings) == {"compose"}
        return Done({"bars": 8})

    job = run(handler)

    assert (job.state, job.result) == (JobState.SUCCEEDED, {"bars": 8})
    assert [artifact.name for artifact in job.artifacts] == ["song.mid", "draft.txt"]
    manifest = get_manifest(runtime.storage, job.id)
    assert manifest is not None
    assert (manifest.job_id, manifest.artifacts) == (job.id, job.artifacts)
    assert manifest.job is not None
    assert (manifest.job.kind, manifest.job.tenant, manifest.job.result) == ("song", "local", {"bars": 8})
    assert job.artifact("draft.txt") == put_artifact(runtime.storage, "draft.txt", b"la la", "text/plain")
    types = [event.type for event in runtime.store.events(job.id)]
    assert types[:5] == ["job.queued", "job.running", "stage", "progress", "stage"]
    assert types[5:] == ["bandmate.song.generated", "bandmate.song.completed", "job.succeeded"]
    assert list((runtime.settings.home / "work").iterdir()) == [], "the temporary folder is gone"


def test_progress_is_written_a_few_times_a_second_however_often_it_is_told(runtime: Runtime, run) -> None:
    def handler(context: JobContext) -> Done:
        context.stage("compose")
        started = time.monotonic()
        while time.monotonic() - started < 0.5:
            context.progress(2.0)
        return Done({})

    job = run(handler)
    progress = [event.data["fraction"] for event in runtime.store.events(job.id) if event.type == "progress"]
    assert 1 <= len(progress) <= 3
    assert set(progress) == {1.0}


def test_waiting_for_a_child_and_going_on(runtime: Runtime, queue: InProcessQueue) -> None:
    def song(context: JobContext) -> Done | Wait:
        if context.job.phase == "start":
            context.add("song.mid", b"MThd", "audio/midi")
            return Wait([NewJob("vocal", {"words": "la"})], phase="mix-down", saved={"seed": 7})
        [child] = context.children
        sung = child.artifact("vocals.wav")
        assert sung is not None
        context.adopt(sung)
        return Done({"seed": context.job.saved["seed"]})

    def vocal(context: JobContext) -> Done:
        context.add("vocals.wav", context.job.request["words"].encode(), "audio/wav")
        return Done({})

    job_id = runtime.store.submit(NewJob("song", {})).job.id
    assert queue.run_all(runtime, {"song": song, "vocal": vocal}) == 3
    job = runtime.store.get(job_id)
    assert job.result == {"seed": 7}
    manifest = get_manifest(runtime.storage, job_id)
    assert manifest is not None
    assert [artifact.name for artifact in manifest.artifacts] == ["song.mid", "vocals.wav"]


def test_a_second_message_does_nothing(runtime: Runtime) -> None:
    calls = []

    def handler(context: JobContext) -> Done:
        calls.append(context.job.id)
        assert not run_job(runtime, context.job.id, {"song": handler}), "a double while it runs"
        return Done({})

    job_id = runtime.store.submit(NewJob("song", {})).job.id
    assert run_job(runtime, job_id, {"song": handler})
    assert not run_job(runtime, job_id, {"song": handler})
    assert calls == [job_id]


@pytest.mark.parametrize(
    ("error", "error_type", "state"),
    [
        (InvalidRequest("there is no key H#"), "invalid-request", JobState.FAILED),
        (Unavailable("the model is away"), "unavailable", JobState.QUEUED),
        (OSError(errno.ENOSPC, "No space left on device", "/x/song.wav"), "storage-full", JobState.FAILED),
        (MemoryError(), "out-of-memory", JobState.QUEUED),
        (KeyError("tempo"), "internal", JobState.QUEUED),
    ],
)
def test_errors(runtime: Runtime, run, error: Exception, error_type: str, state: JobState) -> None:
    def handler(context: JobContext) -> Done:
        raise error

    job = run(handler)
    assert job.state == state
    stored_error = runtime.store.events(job.id)[-1].data["error"]
    assert stored_error["type"] == error_type
    assert "Traceback" not in stored_error["detail"]
    assert "KeyError" not in stored_error["detail"]
    if error_type == "internal":
        assert job.id in stored_error["detail"]
    assert get_manifest(runtime.storage, job.id) is None


def test_a_disk_that_is_really_full(runtime: Runtime, run) -> None:
    def handler(context: JobContext) -> Done:
        with Path("/dev/full").open("wb") as file:
            file.write(b"la" * 100_000)
        return Done({})

    job = run(handler)
    assert job.state == JobState.FAILED
    assert job.error is not None
    assert job.error.type == "storage-full"
    assert "no space left" in job.error.detail


def test_a_kind_the_service_does_not_run(runtime: Runtime) -> None:
    job_id = runtime.store.submit(NewJob("song", {})).job.id
    run_job(runtime, job_id, {})
    error = runtime.store.get(job_id).error
    assert error is not None
    assert "'song'" in error.detail


def test_a_cancelled_job_stops_at_the_next_progress(runtime: Runtime, run) -> None:
    reached = []

    def handler(context: JobContext) -> Done:
        context.stage("compose")
        runtime.store.cancel(context.job.id)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            context.progress(0.5)
        reached.append("the end")
        return Done({})

    assert run(handler).state == JobState.CANCELLED
    assert reached == []


def test_the_heartbeat_reports_a_cancellation_to_a_handler_that_only_checks(runtime: Runtime, run) -> None:
    def handler(context: JobContext) -> Done:
        runtime.store.cancel(context.job.id)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            context.check()
            time.sleep(0.01)
        return Done({})

    assert run(handler).state == JobState.CANCELLED


@pytest.mark.parametrize("lease_seconds", [6.0])
def test_the_heartbeat_keeps_a_long_job(runtime: Runtime, run) -> None:
    """A job outlives its first lease; the lease is long enough for a heartbeat that waits seconds for a processor."""

    def handler(context: JobContext) -> Done:
        ends = time.monotonic() + 1.3 * runtime.settings.lease_seconds
        while time.monotonic() < ends:
            time.sleep(0.05)
            assert runtime.store.sweep()["requeued"] == 0
        return Done({})

    threads_before = set(threading.enumerate())
    job = run(handler)
    assert (job.state, job.attempt) == (JobState.SUCCEEDED, 1)
    assert [thread.name for thread in set(threading.enumerate()) - threads_before] == ["lease-heartbeat"]
    runtime.close()
    assert set(threading.enumerate()) <= threads_before, "the heartbeat thread has stopped"


def test_an_attempt_that_was_taken_over_drops_its_work(runtime: Runtime, run) -> None:
    """As when the machine slept: the lease ran out, another worker finished the job, then the first one resumes."""
    stopped = []

    def slow(context: JobContext) -> Done:
        store = runtime.store
        with store.database.writing() as connection:
            connection.exec_driver_sql("UPDATE jobs SET lease_until = '2000-01-01 00:00:00.000000'")
        assert run_job(runtime, context.job.id, {"song": fast})
        try:
            context.add("song.mid", b"of the stale attempt", "audio/midi")
            context.stage("report")
        except StaleLease:
            stopped.append(True)
            raise
        return Done({"by": "the stale attempt"})

    def fast(context: JobContext) -> Done:
        context.add("song.mid", b"of the second attempt", "audio/midi")
        return Done({"by": "the second attempt"})

    job = run(slow)
    assert stopped == [True]
    assert job.result == {"by": "the second attempt"}
    manifest = get_manifest(runtime.storage, job.id)
    assert manifest is not None
    assert manifest.artifacts == job.artifacts
    assert [event.type for event in runtime.store.events(job.id)].count("job.succeeded") == 1


def test_a_stale_attempt_that_does_not_look_writes_no_manifest(runtime: Runtime, run) -> None:
    def slow(context: JobContext) -> Done:
        with runtime.store.database.writing() as connection:
            connection.exec_driver_sql("UPDATE jobs SET lease_until = '2000-01-01 00:00:00.000000'")
        return Done({})

    job = run(slow)
    assert job.state == JobState.RUNNING
    assert get_manifest(runtime.storage, job.id) is None


def test_an_attempt_that_died_after_its_manifest_is_completed_with_that_manifest(runtime: Runtime, run) -> None:
    first = put_artifact(runtime.storage, "song.mid", b"of the first attempt", "audio/midi")

    def handler(context: JobContext) -> Done:
        record = record_of(context.job, {"by": "the first"}, runtime.store.clock())
        put_manifest(runtime.storage, Manifest(job_id=context.job.id, artifacts=[first], job=record))
        context.add("song.mid", b"of the second attempt", "audio/midi")
        return Done({"by": "the second"})

    job = run(handler)
    assert (job.artifacts, job.result) == ([first], {"by": "the first"})


def test_a_worker_that_is_stopped_gives_the_job_back(runtime: Runtime, queue: InProcessQueue) -> None:
    def handler(context: JobContext) -> Done:
        raise SystemExit

    job_id = runtime.store.submit(NewJob("song", {})).job.id
    with pytest.raises(SystemExit):
        run_job(runtime, job_id, {"song": handler})
    job = runtime.store.get(job_id)
    assert (job.state, job.attempt) == (JobState.QUEUED, 0)


def test_folders_of_dead_workers_are_removed_and_those_of_living_ones_are_not(tmp_path: Path) -> None:
    (tmp_path / "song_dead-abc" / "stems").mkdir(parents=True)
    (tmp_path / "a file").touch()
    with WorkingFolder(tmp_path, "song_a") as first:
        (first.path / "x").touch()
        assert not (tmp_path / "song_dead-abc").exists()
        with WorkingFolder(tmp_path, "song_a") as second:
            assert first.path != second.path
            assert (first.path / "x").exists()
        assert not second.path.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["a file"]


def test_the_worker_is_named_by_host_and_process(runtime: Runtime, run) -> None:
    names = []

    def handler(context: JobContext) -> Done:
        names.append(context.job.worker)
        return Done({})

    run(handler)
    assert names[0].endswith(f":{os.getpid()}")


class _Throttled(Unavailable):
    pause_seconds = 30.0


def test_a_job_that_only_has_to_wait_is_put_back_without_spending_an_attempt(runtime: Runtime, run) -> None:
    def handler(context: JobContext) -> Done:
        raise _Throttled("ask again later")

    job = run(handler)
    assert (job.state, job.attempt, job.error) == (JobState.QUEUED, 0, None)
    assert runtime.store.events(job.id)[-1].type == "job.released"
    assert not runtime.store.pending_messages(), "its message is not due yet"


def test_a_job_that_waited_for_an_hour_spends_its_attempts(
    runtime: Runtime, run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def handler(context: JobContext) -> Done:
        raise _Throttled("ask again later")

    monkeypatch.setattr("bandmate_shared.jobs.execution.worker._MAX_PAUSED_SECONDS", -1.0)
    job = run(handler)
    assert (job.state, job.attempt) == (JobState.QUEUED, 1)
    assert runtime.store.events(job.id)[-1].type == "job.retrying"
