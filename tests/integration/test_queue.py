"""Workers and their jobs, independent of the broker (see tests/contract/test_broker.py): real workers, on Redis."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from bandmate_shared.contracts.jobs import JobState
from bandmate_shared.settings import SharedSettings

from tests.support.brokers import QUEUE
from tests.support.queue_platform import QueuePlatform


@pytest.fixture
def platform(tmp_path: Path, redis_server, settings: SharedSettings) -> Iterator[QueuePlatform]:
    running = QueuePlatform(
        settings.model_copy(update={"redis_url": redis_server.url, "lease_seconds": 2.0}), tmp_path, {}
    )
    running.start()
    yield running
    running.stop()


@pytest.mark.chaos
def test_a_killed_worker_process_costs_an_attempt_and_no_job(platform: QueuePlatform) -> None:
    job_id = platform.submit("wait")
    platform.wait_for_runs(1)
    os.kill(int(platform.runs()[0][2]), signal.SIGKILL)
    platform.release_waiting_jobs()
    job = platform.wait_for_end(job_id)
    assert (job.state, job.result) == (JobState.SUCCEEDED, {"attempt": 2})
    types = [event.type for event in platform.runtime.store.events(job_id)]
    assert types.count("job.running") == 2
    assert types.count("job.succeeded") == 1


@pytest.mark.parametrize("act", ["wait", "deaf"])
def test_a_stopped_worker_releases_its_job_even_if_the_handler_ignores_it(
    platform: QueuePlatform, wait_until, act: str
) -> None:
    job_id = platform.submit(act)
    platform.wait_for_runs(1)
    platform.workers[0].terminate()
    wait_until(lambda: platform.job(job_id).state == JobState.QUEUED, "the job to be back in the queue", 10)
    assert platform.job(job_id).attempt == 0
    assert platform.runtime.store.events(job_id)[-1].type == "job.released"
    platform.release_waiting_jobs()
    platform.workers[0].wait(10)
    platform.start_worker()
    assert platform.wait_for_end(job_id).result == {"attempt": 1}
    types = [event.type for event in platform.runtime.store.events(job_id)]
    assert types.count("job.succeeded") == 1, "what the first worker did after it had given the job back hit nothing"


def test_a_worker_stops_while_it_writes_to_the_database(platform: QueuePlatform) -> None:
    """Regression: a worker stopped during a transaction kept the database's write lock and waited for it forever."""
    for stopped in range(5):
        if stopped:
            platform.start_worker()
        job_id = platform.submit("write")
        platform.wait_for_runs(stopped + 1)
        platform.workers[-1].terminate()
        assert platform.workers[-1].wait(15) == 0
        assert platform.job(job_id).attempt == 0
        platform.runtime.store.cancel(job_id)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT])
def test_a_worker_that_is_still_starting_stops_at_once(
    settings: SharedSettings, tmp_path: Path, wait_until, number: signal.Signals
) -> None:
    """It waits for a broker that takes the connection and never answers: there is no job yet, and nothing to wait for.

    Celery only notes the signal until the broker answers or the socket's fifteen seconds are over.
    """
    with socket.create_server(("127.0.0.1", 0)) as silent_broker:
        silent_broker.settimeout(60)
        url = f"redis://127.0.0.1:{silent_broker.getsockname()[1]}/0"
        platform = QueuePlatform(settings.model_copy(update={"redis_url": url, "lease_seconds": 2.0}), tmp_path, {})
        try:
            worker = platform.start_worker()
            connection, _ = silent_broker.accept()
            with connection:
                worker.send_signal(number)
                assert worker.wait(8) == 0
        finally:
            platform.stop()


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


def test_permanent_errors_fail_and_temporary_errors_are_retried(platform: QueuePlatform) -> None:
    refused, flaky = platform.submit("refuse"), platform.submit("flaky")
    error = platform.wait_for_end(refused).error
    assert error is not None
    assert (error.type, error.detail) == ("invalid-request", "no such thing can be composed")
    assert platform.wait_for_end(flaky).result == {"attempt": 2}


@pytest.mark.parametrize("act", ["wait", "deaf"])
def test_a_job_that_takes_too_long_fails_as_out_of_time(
    settings: SharedSettings, tmp_path: Path, redis_server, act: str
) -> None:
    """'wait' sees the timeout at its next check, 'deaf' gets an exception."""
    platform = QueuePlatform(
        settings.model_copy(update={"redis_url": redis_server.url, "lease_seconds": 2.0}), tmp_path, {}
    )
    platform.start(workers=0)
    platform.start_worker(QUEUE_WORKER_SECONDS="0.5", QUEUE_WORKER_SOFT_SECONDS="0.5")
    try:
        error = platform.wait_for_end(platform.submit(act)).error
        assert error is not None
        assert error.type == "out-of-time"
        assert platform.wait_for_end(platform.submit("work")).state == JobState.SUCCEEDED, "the worker works on"
    finally:
        platform.stop()


def test_the_queue_is_light_to_import() -> None:
    """A worker must start in well under a second; each of these modules would take a good part of that."""
    heavy = ["numpy", "scipy", "matplotlib", "fastapi", "torch", "symusic", "pyarrow", "soundfile", "librosa", "boto3"]
    loaded = f"[name for name in {heavy!r} if name in sys.modules]"
    code = f"import sys, json, bandmate_shared.queues.celery_app; print(json.dumps({loaded}))"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert json.loads(output) == []
