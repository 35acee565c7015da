"""The conformance suite of brokers: Redis as a process, SQS as a moto server, Valkey in a container.

The workers are real Celery workers, which are killed and stopped while they work; the brokers are killed too.
"""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from bandmate_shared.contracts.jobs import JobState
from bandmate_shared.queues.broker import Broker
from bandmate_shared.queues.publisher import TASK, CeleryPublisher
from bandmate_shared.settings import SharedSettings

from tests.conftest import RedisServer, wait_until
from tests.support.brokers import QUEUE, BrokerServer, RedisBroker, SqsBroker
from tests.support.containers import StartedContainer, started
from tests.support.queue_platform import QueuePlatform

BOTH = ("redis", "sqs")
ALL = (*BOTH, pytest.param("valkey", marks=pytest.mark.engine))


@dataclass
class _Valkey:
    """A container with the interface of `RedisServer`."""

    container: StartedContainer

    @property
    def url(self) -> str:
        return f"redis://{self.container.address}/0"

    def kill(self) -> None:
        self.container.kill()

    def start(self) -> None:
        self.container.start()


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], BrokerServer]]:
    """Starts each broker at its first use."""
    folder = tmp_path_factory.mktemp("brokers")
    running: dict[str, BrokerServer] = {}

    def start(name: str) -> BrokerServer:
        if name == "valkey":
            command = ["valkey-server", "--save", "", "--appendonly", "yes", "--protected-mode", "no"]
            container = stack.enter_context(started("valkey/valkey:8-trixie", 6379, command))
            valkey = RedisBroker(_Valkey(container), name)
            wait_until(valkey.is_running, "Valkey to answer")  # The engine takes connections before it does.
            return valkey
        server = RedisBroker(RedisServer(folder / name)) if name == "redis" else SqsBroker(folder / name)
        server.start()
        stack.callback(server.stop)
        return server

    def get(name: str) -> BrokerServer:
        if name not in running:
            running[name] = start(name)
        return running[name]

    with ExitStack() as stack:
        yield get


@pytest.fixture(params=BOTH)
def broker(
    request: pytest.FixtureRequest, servers: Callable[[str], BrokerServer], monkeypatch: pytest.MonkeyPatch
) -> BrokerServer:
    """One broker, running and empty."""
    server = servers(request.param)
    if not server.is_running():  # The test before killed it and failed.
        server.start()
    server.forget()
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return server


@pytest.fixture
def chosen(broker: BrokerServer, settings: SharedSettings) -> SharedSettings:
    return settings.model_copy(update={"broker_url": broker.url, "lease_seconds": 2.0})


@pytest.fixture
def platform(broker: BrokerServer, chosen: SharedSettings, tmp_path: Path) -> Iterator[QueuePlatform]:
    running = QueuePlatform(chosen, tmp_path, broker.environment)
    running.start()
    yield running
    running.stop()


@pytest.mark.parametrize("broker", ALL, indirect=True)
def test_jobs_go_through_the_queue(platform: QueuePlatform, broker: BrokerServer) -> None:
    job = platform.wait_for_end(platform.submit("work"))
    assert (job.state, job.result) == (JobState.SUCCEEDED, {"attempt": 1})
    assert [artifact.name for artifact in job.artifacts] == ["take.txt"]

    parent = platform.wait_for_end(platform.submit("work", kind="song"))
    assert parent.result == {"children": ["succeeded", "succeeded"]}

    began = time.monotonic()
    backlog = [platform.submit("work") for _ in range(20)]
    for job_id in backlog:
        assert platform.wait_for_end(job_id).state == JobState.SUCCEEDED
    assert time.monotonic() - began < 15, "a worker that is free asks for the next message at once"
    assert platform.runtime.store.backlog() == {}
    wait_until(lambda: broker.is_empty(QUEUE), "every message to be acknowledged")


def test_duplicate_messages_run_a_job_once(platform: QueuePlatform, broker: BrokerServer) -> None:
    publisher = CeleryPublisher(Broker(broker.url))
    job_id = platform.submit("wait")
    platform.wait_for_runs(1)
    for _ in range(5):
        publisher.publish(QUEUE, job_id)
    publisher.close()
    second_worker = platform.start_worker()
    last = platform.submit("work")
    platform.wait_for_end(last)
    platform.release_waiting_jobs()
    platform.wait_for_end(job_id)
    wait_until(lambda: broker.is_empty(QUEUE), "the queue to be empty")
    assert second_worker.poll() is None
    assert [run[:2] for run in platform.runs()] == [[job_id, "1"], [last, "1"]]


def test_a_job_longer_than_the_visibility_timeout_is_delivered_once(
    broker: BrokerServer, chosen: SharedSettings, tmp_path: Path
) -> None:
    # With a long lease the outbox does not send the message again while the workers start.
    # A visibility timeout of 6 s is extended every 2 s: a busy machine may be 4 s late with that.
    patient = chosen.model_copy(update={"visibility_seconds": 6, "lease_seconds": 120.0, "heartbeat_seconds": 1.0})
    platform = QueuePlatform(patient, tmp_path, broker.environment)
    platform.start(workers=2)
    try:
        job_id = platform.submit("wait")
        platform.wait_for_runs(1)
        deadline = time.monotonic() + 1.5 * patient.visibility_seconds
        wait_until(lambda: time.monotonic() > deadline, "more than one visibility timeout to pass")
        platform.release_waiting_jobs()
        assert platform.wait_for_end(job_id).result == {"attempt": 1}
        wait_until(lambda: broker.is_empty(QUEUE), "the message to be acknowledged")
        assert platform.idle_deliveries() == 0, "the idle worker was not given it too"
    finally:
        platform.stop()


@pytest.mark.chaos
@pytest.mark.parametrize("broker", ALL, indirect=True)
def test_another_worker_finishes_the_job_of_a_killed_one(platform: QueuePlatform) -> None:
    job_id = platform.submit("wait")
    platform.wait_for_runs(1)
    parent = psutil.Process(int(platform.runs()[0][2])).parent()
    assert parent is not None
    for process in [parent, *parent.children(recursive=True)]:
        process.kill()
    platform.release_waiting_jobs()
    platform.start_worker()
    assert platform.wait_for_end(job_id).result == {"attempt": 2}
    assert [event.type for event in platform.runtime.store.events(job_id)].count("job.succeeded") == 1


@pytest.mark.chaos
def test_the_message_of_a_killed_worker_is_redelivered(
    broker: BrokerServer, chosen: SharedSettings, tmp_path: Path
) -> None:
    """Before the sweeper notices that the worker died, which takes a minute here."""
    patient = chosen.model_copy(update={"visibility_seconds": 2, "lease_seconds": 60.0})
    platform = QueuePlatform(patient, tmp_path, broker.environment)
    platform.start()
    try:
        job_id = platform.submit("wait")
        platform.wait_for_runs(1)
        for process in [child := psutil.Process(int(platform.runs()[0][2])), child.parent()]:
            process.kill()
        platform.start_worker()
        wait_until(lambda: platform.idle_deliveries() == 1, "the message to come to the second worker", 20)
        assert platform.job(job_id).state == JobState.RUNNING, "whose database says that somebody is at work"
    finally:
        platform.stop()


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGQUIT])
def test_a_stopped_worker_releases_its_job_to_another(
    platform: QueuePlatform, broker: BrokerServer, stop: signal.Signals
) -> None:
    job_id = platform.submit("wait")
    platform.wait_for_runs(1)
    first, second = platform.workers[0], platform.start_worker()
    stopped_at = time.monotonic()
    first.send_signal(stop)
    first.wait(10)
    assert first.returncode == 0
    assert time.monotonic() - stopped_at < 5
    platform.wait_for_runs(2)
    assert second.poll() is None
    platform.release_waiting_jobs()
    assert platform.wait_for_end(job_id).result == {"attempt": 1}, "it did not cost an attempt"
    assert [event.type for event in platform.runtime.store.events(job_id)].count("job.released") == 1
    wait_until(lambda: broker.is_empty(QUEUE), "the message to be acknowledged")


def test_a_draining_worker_finishes_its_job_and_takes_no_other(
    broker: BrokerServer, chosen: SharedSettings, tmp_path: Path
) -> None:
    platform = QueuePlatform(chosen.model_copy(update={"drain_seconds": 60.0}), tmp_path, broker.environment)
    platform.start()
    try:
        job_id = platform.submit("wait")
        platform.wait_for_runs(1)
        worker = platform.workers[0]
        worker.terminate()
        wait_until(lambda: "the worker stops" in platform.worker_log.read_text(), "the worker to hear of it")
        second_job = platform.submit("work")
        platform.release_waiting_jobs()
        worker.wait(10)
        assert platform.job(job_id).result == {"attempt": 1}
        assert platform.job(second_job).state == JobState.QUEUED
        assert len(platform.runs()) == 1
    finally:
        platform.stop()


@pytest.mark.chaos
@pytest.mark.parametrize("restart", ["before the running job ends", "after it"])
def test_a_broker_killed_and_started_again_loses_no_job(
    platform: QueuePlatform, broker: BrokerServer, restart: str
) -> None:
    at_work = platform.submit("wait")
    platform.wait_for_runs(1)
    waiting = platform.submit("work")
    wait_until(lambda: not platform.runtime.store.pending_messages(), "the message to be sent")
    broker.kill()
    submitted_meanwhile = platform.submit("work")
    if restart == "before the running job ends":
        broker.start()
    platform.release_waiting_jobs()
    assert platform.wait_for_end(at_work).result == {"attempt": 1}, "a job at work does not need the broker"
    if restart == "after it":
        broker.start()
    for job_id in (waiting, submitted_meanwhile):
        assert platform.wait_for_end(job_id).state == JobState.SUCCEEDED


@pytest.mark.chaos
@pytest.mark.parametrize("at_work", [True, False])
def test_a_worker_stops_while_the_broker_is_away(platform: QueuePlatform, broker: BrokerServer, at_work: bool) -> None:
    job_id = platform.submit("wait")
    platform.wait_for_runs(1)
    broker.kill()
    if not at_work:
        platform.release_waiting_jobs()
        words = "Connection to broker lost", "SQS does not give messages"
        wait_until(lambda: any(word in platform.worker_log.read_text() for word in words), "the worker to notice")
    platform.workers[0].terminate()
    assert platform.workers[0].wait(20) == 0
    if at_work:
        assert (platform.job(job_id).state, platform.job(job_id).attempt) == (JobState.QUEUED, 0)


@pytest.mark.chaos
def test_no_job_is_lost_with_the_messages_of_a_broker(platform: QueuePlatform, broker: BrokerServer) -> None:
    at_work = platform.submit("wait")
    platform.wait_for_runs(1)
    waiting = [platform.submit("work") for _ in range(5)]
    wait_until(lambda: not platform.runtime.store.pending_messages(), "the messages to be sent")
    broker.forget()
    platform.release_waiting_jobs()
    for job_id in [at_work, *waiting]:
        assert platform.wait_for_end(job_id).state == JobState.SUCCEEDED


@pytest.mark.parametrize("broker", ALL, indirect=True)
def test_an_invalid_message_becomes_a_dead_letter(platform: QueuePlatform, broker: BrokerServer) -> None:
    publisher = CeleryPublisher(Broker(broker.url))
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
    publisher.close()
    for item in broker.garbage:
        broker.put(QUEUE, item)
    store = platform.runtime.store
    expected = 7 + len(broker.garbage)
    wait_until(lambda: len(store.dead_letters(QUEUE)) == expected, f"{expected} dead letters")

    reasons = sorted(letter.reason for letter in store.dead_letters(QUEUE))
    for text in ["no job 'song_nosuch'", "carries (5,)", "carries ('a', 'b')", "no task called 'os.system'", "pickle"]:
        assert sum(text in reason for reason in reasons) == 1, (text, reasons)
    assert sum("what was put on the queue is" in reason for reason in reasons) == len(broker.garbage)
    assert "garbage" in [letter.payload for letter in store.dead_letters(QUEUE)]
    assert not any("Traceback" in reason for reason in reasons)
    assert platform.wait_for_end(platform.submit("work")).state == JobState.SUCCEEDED, "the worker works on"
    wait_until(lambda: broker.is_empty(QUEUE), "nothing to be left")
