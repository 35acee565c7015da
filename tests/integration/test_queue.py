"""The queue with a real Redis and real Celery workers, which are killed as they work."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from bandmate_shared.contracts.jobs import JobState
from bandmate_shared.jobs.model import Job, NewJob
from bandmate_shared.jobs.sweeper import Sweeper
from bandmate_shared.queue import TASK, CeleryPublisher, worker_arguments
from bandmate_shared.runtime import Runtime, open_runtime
from bandmate_shared.settings import SharedSettings

QUEUE = "bandmate-generate"


class Platform:
    """What the platform is to one queue: relay and sweeper here, a worker as a process of its own."""

    def __init__(self, runtime: Runtime, folder: Path, wait_until: Callable[..., None]) -> None:
        self.runtime = runtime
        self.log = folder / "runs.log"
        self._folder = folder
        self._wait_until = wait_until
        self.workers: list[subprocess.Popen[bytes]] = []
        self._sweeper = Sweeper(runtime.store, runtime.relay, runtime.settings.sweep_seconds)

    def start(self) -> None:
        self.runtime.relay.start()
        self._sweeper.start()
        self.start_worker()

    def start_worker(self) -> subprocess.Popen[bytes]:
        settings = self.runtime.settings
        environment = os.environ | {
            "PYTHONPATH": str(Path(__file__).parent),
            "REDIS_URL": settings.redis_url,
            "BANDMATE_HOME": str(settings.home),
            "BANDMATE_LEASE_SECONDS": str(settings.lease_seconds),
            "BANDMATE_HEARTBEAT_SECONDS": str(settings.heartbeat_seconds),
        }
        arguments = worker_arguments("generate")
        arguments[arguments.index("bandmate_generate.tasks")] = "queue_worker"
        with (self._folder / "worker.log").open("ab") as log:
            worker = subprocess.Popen(
                [sys.executable, *arguments], env=environment, stdout=log, stderr=log, process_group=0
            )
        self.workers.append(worker)
        return worker

    def stop(self) -> None:
        for worker in self.workers:
            if worker.poll() is None:
                worker.terminate()
        for worker in self.workers:
            try:
                worker.wait(10)
            except subprocess.TimeoutExpired:  # Celery's pool, after a reconnection, now and then waits for ever.
                os.killpg(worker.pid, signal.SIGKILL)
                worker.wait(10)
        self._sweeper.stop()
        self.runtime.close()

    def submit(self, act: str, kind: str = "take") -> str:
        job_id = self.runtime.store.submit(NewJob(kind, {"act": act, "log": str(self.log)})).job.id
        self.runtime.relay.kick()
        return job_id

    def runs(self) -> list[list[str]]:
        """[job id, attempt, process id] of each run that began, in order."""
        return [line.split() for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def job(self, job_id: str) -> Job:
        return self.runtime.store.get(job_id)

    def wait_for_end(self, job_id: str) -> Job:
        self._wait_until(lambda: self.job(job_id).state.is_final, f"{job_id} to end")
        return self.job(job_id)

    def wait_for_runs(self, count: int) -> None:
        self._wait_until(lambda: len(self.runs()) >= count, f"{count} runs to begin")


@pytest.fixture
def platform(
    tmp_path: Path, redis_server, settings: SharedSettings, wait_until: Callable[..., None]
) -> Iterator[Platform]:
    settings = settings.model_copy(update={"redis_url": redis_server.url})
    running = Platform(open_runtime(settings), tmp_path, wait_until)
    running.start()
    yield running
    running.stop()


def test_a_job_goes_through_the_queue(platform: Platform) -> None:
    job = platform.wait_for_end(platform.submit("work"))
    assert (job.state, job.result) == (JobState.SUCCEEDED, {"attempt": 1})
    assert [artifact.name for artifact in job.artifacts] == ["take.txt"]
    assert platform.runtime.store.backlog() == {}


def test_children_run_and_the_parent_goes_on(platform: Platform) -> None:
    job = platform.wait_for_end(platform.submit("work", kind="song"))
    assert job.result == {"children": ["succeeded", "succeeded"]}


def test_messages_that_come_twice_run_a_job_once(platform: Platform, wait_until, redis_server) -> None:
    publisher = CeleryPublisher(redis_server.url)
    job_id = platform.submit("wait")
    platform.wait_for_runs(1)
    for _ in range(5):
        publisher.publish(QUEUE, job_id)
    second_worker = platform.start_worker()
    last = platform.submit("work")
    platform.wait_for_end(last)
    platform.log.with_suffix(".go").touch()
    platform.wait_for_end(job_id)
    with redis_server.client() as client:
        wait_until(lambda: client.llen(QUEUE) == 0 and client.hlen("unacked") == 0, "the queue to be empty")
    publisher.close()
    assert second_worker.poll() is None
    assert [run[:2] for run in platform.runs()] == [[job_id, "1"], [last, "1"]]


@pytest.mark.chaos
def test_a_killed_worker_process_costs_an_attempt_and_no_job(platform: Platform) -> None:
    job_id = platform.submit("wait")
    platform.wait_for_runs(1)
    os.kill(int(platform.runs()[0][2]), signal.SIGKILL)
    platform.log.with_suffix(".go").touch()
    job = platform.wait_for_end(job_id)
    assert (job.state, job.result) == (JobState.SUCCEEDED, {"attempt": 2})
    types = [event.type for event in platform.runtime.store.events(job_id)]
    assert types.count("job.running") == 2
    assert types.count("job.succeeded") == 1


@pytest.mark.chaos
def test_a_worker_killed_whole_is_replaced(platform: Platform) -> None:
    job_id = platform.submit("wait")
    platform.wait_for_runs(1)
    parent = psutil.Process(int(platform.runs()[0][2])).parent()
    assert parent is not None
    for process in [parent, *parent.children(recursive=True)]:
        process.kill()
    platform.log.with_suffix(".go").touch()
    platform.start_worker()
    assert platform.wait_for_end(job_id).result == {"attempt": 2}


def test_a_worker_that_is_stopped_at_once_gives_its_job_back(platform: Platform, wait_until) -> None:
    job_id = platform.submit("wait")
    platform.wait_for_runs(1)
    platform.workers[0].send_signal(signal.SIGQUIT)
    wait_until(lambda: platform.job(job_id).state == JobState.QUEUED, "the job to be back in the queue")
    assert platform.job(job_id).attempt == 0
    assert platform.runtime.store.events(job_id)[-1].type == "job.released"
    platform.log.with_suffix(".go").touch()
    platform.workers[0].wait(30)
    platform.start_worker()
    assert platform.wait_for_end(job_id).result == {"attempt": 1}


@pytest.mark.chaos
def test_a_poison_job_becomes_a_dead_letter_and_can_be_redriven(platform: Platform) -> None:
    store = platform.runtime.store
    job_id = platform.submit("die")
    job = platform.wait_for_end(job_id)
    assert job.state == JobState.FAILED
    assert job.error is not None
    assert job.error.type == "attempts-exhausted"
    assert [run[:2] for run in platform.runs()] == [[job_id, "1"], [job_id, "2"], [job_id, "3"]]
    [letter] = store.dead_letters(f"{QUEUE}-dlq")
    assert (letter.job_id, letter.redriven_at) == (job_id, None)
    assert "died on each of the 3 attempts" in letter.reason

    platform.log.with_suffix(".cured").touch()
    store.redrive(letter.id)
    platform.runtime.relay.kick()
    assert platform.wait_for_end(job_id).result == {"attempt": 1}
    assert platform.wait_for_end(platform.submit("work")).state == JobState.SUCCEEDED, "the worker is well"


def test_failures_are_told_or_tried_again(platform: Platform) -> None:
    refused, flaky = platform.submit("refuse"), platform.submit("flaky")
    error = platform.wait_for_end(refused).error
    assert error is not None
    assert (error.type, error.detail) == ("invalid-request", "no such thing can be composed")
    assert platform.wait_for_end(flaky).result == {"attempt": 2}


@pytest.mark.chaos
@pytest.mark.parametrize("back", ["before the job at work ends", "after it"])
def test_redis_killed_and_started_again_loses_no_job(platform: Platform, redis_server, wait_until, back: str) -> None:
    at_work = platform.submit("wait")
    platform.wait_for_runs(1)
    waiting = platform.submit("work")
    wait_until(lambda: not platform.runtime.store.pending_messages(), "the message to be sent")
    redis_server.kill()
    submitted_meanwhile = platform.submit("work")
    if back == "before the job at work ends":
        redis_server.start()
    platform.log.with_suffix(".go").touch()
    assert platform.wait_for_end(at_work).result == {"attempt": 1}, "a job at work does not need Redis"
    if back == "after it":
        redis_server.start()
    for job_id in (waiting, submitted_meanwhile):
        assert platform.wait_for_end(job_id).state == JobState.SUCCEEDED


@pytest.mark.chaos
def test_redis_that_forgets_everything_loses_no_job(platform: Platform, redis_server, wait_until) -> None:
    at_work = platform.submit("wait")
    platform.wait_for_runs(1)
    waiting = [platform.submit("work") for _ in range(5)]
    wait_until(lambda: not platform.runtime.store.pending_messages(), "the messages to be sent")
    with redis_server.client() as client:
        client.flushall()
    platform.log.with_suffix(".go").touch()
    for job_id in [at_work, *waiting]:
        assert platform.wait_for_end(job_id).state == JobState.SUCCEEDED


def test_what_is_not_a_message_becomes_a_dead_letter(platform: Platform, redis_server, wait_until) -> None:
    publisher = CeleryPublisher(redis_server.url)
    app = publisher._app
    publisher.publish(QUEUE, "song_nosuch")
    app.send_task(TASK, args=[5], queue=QUEUE)
    app.send_task(TASK, args=["a", "b"], queue=QUEUE)
    app.send_task("os.system", args=["true"], queue=QUEUE)
    with app.connection() as connection:
        producer = connection.Producer()
        headers = {"task": TASK, "id": "x"}
        pickled = {"content_type": "application/x-python-serialize", "content_encoding": "binary"}
        producer.publish({"style": "folk"}, routing_key=QUEUE)
        producer.publish([["song_x"]], routing_key=QUEUE, headers=headers)
        producer.publish(b"\x80\x04N.", routing_key=QUEUE, headers=headers, **pickled)
    raw = [
        "garbage",
        "[1, 2]",
        '{"body": "", "properties": {"delivery_tag": "x", "delivery_info": {}}}',
        b"\xff",
        "[" * 100_000,
    ]
    with redis_server.client() as client:
        for item in raw:
            client.lpush(QUEUE, item)
    store = platform.runtime.store
    wait_until(lambda: len(store.dead_letters(QUEUE)) == 7 + len(raw), "twelve dead letters")

    reasons = sorted(letter.reason for letter in store.dead_letters(QUEUE))
    for expected in [
        "no job 'song_nosuch'",
        "carries (5,)",
        "carries ('a', 'b')",
        "no task called 'os.system'",
        "pickle",
    ]:
        assert sum(expected in reason for reason in reasons) == 1, (expected, reasons)
    assert sum("not JSON" in reason for reason in reasons) == 3
    assert "garbage" in [letter.payload for letter in store.dead_letters(QUEUE)]
    assert not any("Traceback" in reason for reason in reasons)
    assert platform.wait_for_end(platform.submit("work")).state == JobState.SUCCEEDED, "the worker works on"
    publisher.close()


def test_the_queue_is_light_to_import() -> None:
    """A worker must be up in well under a second; each of these would cost it a good part of that."""
    heavy = ["numpy", "scipy", "matplotlib", "fastapi", "torch", "symusic", "pyarrow", "soundfile", "librosa", "boto3"]
    code = f"import sys, json, bandmate_shared.queue; print(json.dumps([m for m in {heavy!r} if m in sys.modules]))"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert json.loads(output) == []
