"""What workers do with jobs, whatever the broker (tests/contract/test_broker.py asks those): real workers, on Redis."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from bandmate_shared.contracts.jobs import JobState
from bandmate_shared.settings import SharedSettings

from tests.brokers import QUEUE
from tests.queue_platform import QueuePlatform


@pytest.fixture
def platform(tmp_path: Path, redis_server, settings: SharedSettings) -> Iterator[QueuePlatform]:
    running = QueuePlatform(settings.model_copy(update={"redis_url": redis_server.url}), tmp_path, {})
    running.start()
    yield running
    running.stop()


@pytest.mark.chaos
def test_a_killed_worker_process_costs_an_attempt_and_no_job(platform: QueuePlatform) -> None:
    job_id = platform.submit("wait")
    platform.wait_for_runs(1)
    os.kill(int(platform.runs()[0][2]), signal.SIGKILL)
    platform.let_go()
    job = platform.wait_for_end(job_id)
    assert (job.state, job.result) == (JobState.SUCCEEDED, {"attempt": 2})
    types = [event.type for event in platform.runtime.store.events(job_id)]
    assert types.count("job.running") == 2
    assert types.count("job.succeeded") == 1


@pytest.mark.parametrize("act", ["wait", "deaf"])
def test_a_worker_told_to_stop_gives_its_job_back_even_if_the_handler_does_not_listen(
    platform: QueuePlatform, wait_until, act: str
) -> None:
    job_id = platform.submit(act)
    platform.wait_for_runs(1)
    platform.workers[0].terminate()
    wait_until(lambda: platform.job(job_id).state == JobState.QUEUED, "the job to be back in the queue", 10)
    assert platform.job(job_id).attempt == 0
    assert platform.runtime.store.events(job_id)[-1].type == "job.released"
    platform.let_go()
    platform.workers[0].wait(10)
    platform.start_worker()
    assert platform.wait_for_end(job_id).result == {"attempt": 1}
    types = [event.type for event in platform.runtime.store.events(job_id)]
    assert types.count("job.succeeded") == 1, "what the first worker did after it had given the job back hit nothing"


def test_a_worker_stops_while_it_writes_to_the_database(platform: QueuePlatform) -> None:
    """Stopped in the midst of a transaction it once kept the database's write lock, and waited for it for ever."""
    for stopped in range(5):
        job_id = platform.submit("write")
        platform.wait_for_runs(stopped + 1)
        platform.workers[-1].terminate()
        assert platform.workers[-1].wait(15) == 0
        assert platform.job(job_id).attempt == 0
        platform.runtime.store.cancel(job_id)
        platform.start_worker()


@pytest.mark.chaos
def test_a_poison_job_becomes_a_dead_letter_and_can_be_redriven(platform: QueuePlatform) -> None:
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


def test_failures_are_told_or_tried_again(platform: QueuePlatform) -> None:
    refused, flaky = platform.submit("refuse"), platform.submit("flaky")
    error = platform.wait_for_end(refused).error
    assert error is not None
    assert (error.type, error.detail) == ("invalid-request", "no such thing can be composed")
    assert platform.wait_for_end(flaky).result == {"attempt": 2}


@pytest.mark.parametrize("act", ["wait", "deaf"])
def test_a_job_that_takes_too_long_fails_as_out_of_time(
    settings: SharedSettings, tmp_path: Path, redis_server, act: str
) -> None:
    """'wait' finds out at its next look, 'deaf' by an exception."""
    platform = QueuePlatform(settings.model_copy(update={"redis_url": redis_server.url}), tmp_path, {})
    platform.start(workers=0)
    platform.start_worker(QUEUE_WORKER_SECONDS="0.5", QUEUE_WORKER_HEED_SECONDS="0.5")
    try:
        error = platform.wait_for_end(platform.submit(act)).error
        assert error is not None
        assert error.type == "out-of-time"
        assert platform.wait_for_end(platform.submit("work")).state == JobState.SUCCEEDED, "the worker works on"
    finally:
        platform.stop()


def test_the_queue_is_light_to_import() -> None:
    """A worker must be up in well under a second; each of these would cost it a good part of that."""
    heavy = ["numpy", "scipy", "matplotlib", "fastapi", "torch", "symusic", "pyarrow", "soundfile", "librosa", "boto3"]
    code = f"import sys, json, bandmate_shared.queue; print(json.dumps([m for m in {heavy!r} if m in sys.modules]))"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert json.loads(output) == []
