"""`bandmate-submissions` on Redis and on SQS: each submission becomes one job or one readable dead letter."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from bandmate_shared.contracts.jobs import JobState
from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.errors import InvalidRequest, Unavailable
from bandmate_shared.intake import intake as submissions
from bandmate_shared.intake import submission_queue, submission_stream
from bandmate_shared.intake.intake import SubmissionIntake
from bandmate_shared.jobs.execution.inprocess import InProcessQueue
from bandmate_shared.queues.names import SUBMISSIONS
from bandmate_shared.queues.sqs_queues import queue_url
from bandmate_shared.runtime import Runtime, open_runtime
from bandmate_shared.settings import SharedSettings

from tests.conftest import RedisServer, wait_until
from tests.support.brokers import BrokerServer, RedisBroker, SqsBroker

GOOD = '{"style": "folk", "bars": 8}'


class _Stream:
    """A client of the stream on Redis."""

    def __init__(self, broker: RedisBroker) -> None:
        self.broker = broker

    def add(self, request: str, key: str | None = None) -> None:
        self.add_fields({"request": request} | ({} if key is None else {"idempotency_key": key}))

    def add_fields(self, fields: Mapping[str, str]) -> None:
        with self.broker.client() as client:
            client.xadd(SUBMISSIONS, fields)

    def count_left(self) -> int:
        with self.broker.client() as client:
            return int(client.xlen(SUBMISSIONS))


class _Queue:
    """A client of the queue on SQS."""

    def __init__(self, broker: SqsBroker) -> None:
        self.broker = broker

    def add(self, request: str, key: str | None = None) -> None:
        attributes = {} if key is None else {"idempotency_key": {"DataType": "String", "StringValue": key}}
        self.send(MessageBody=request, MessageAttributes=attributes)

    def send(self, **message: Any) -> None:
        client = self.broker.client()
        client.send_message(QueueUrl=queue_url(client, SUBMISSIONS), **message)

    def count_left(self) -> int:
        client = self.broker.client()
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = client.get_queue_attributes(QueueUrl=queue_url(client, SUBMISSIONS), AttributeNames=names)
        return sum(int(answer["Attributes"][name]) for name in names)


Source = _Stream | _Queue


@pytest.fixture(scope="module")
def brokers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, BrokerServer]]:
    folder = tmp_path_factory.mktemp("brokers")
    running: dict[str, BrokerServer] = {
        "redis": RedisBroker(RedisServer(folder / "redis")),
        "sqs": SqsBroker(folder / "sqs"),
    }
    with ExitStack() as stack:
        for broker in running.values():
            broker.start()
            stack.callback(broker.stop)
        yield running


@pytest.fixture(params=["redis", "sqs"])
def source(request: pytest.FixtureRequest, brokers: dict[str, BrokerServer], monkeypatch: pytest.MonkeyPatch) -> Source:
    """An empty broker."""
    broker = brokers[request.param]
    if not broker.is_running():
        broker.start()
    broker.forget()
    for name, value in broker.environment.items():
        monkeypatch.setenv(name, value)
    return _Stream(broker) if isinstance(broker, RedisBroker) else _Queue(broker)


@pytest.fixture
def chosen(settings: SharedSettings, source: Source) -> SharedSettings:
    return settings.model_copy(update={"broker_url": source.broker.url})


@pytest.fixture
def runtime(chosen: SharedSettings) -> Iterator[Runtime]:
    opened = open_runtime(chosen, InProcessQueue())
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submission_stream, "BLOCK_SECONDS", 0.05)
    monkeypatch.setattr(submission_stream, "RECLAIM_AFTER_SECONDS", 0.5)
    monkeypatch.setattr(submission_queue, "WAIT_SECONDS", 0)
    monkeypatch.setattr(submission_queue, "VISIBILITY_SECONDS", 1)
    monkeypatch.setattr(submissions, "RETRY_SECONDS", 0.2)


@contextmanager
def _running_intake(runtime: Runtime, check: Callable[[SongRequest], SongRequest] | None = None) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=SubmissionIntake(runtime, check).run, args=[stop])
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


def _songs(runtime: Runtime) -> list[dict[str, Any]]:
    return [job.request for job in runtime.store.list_jobs("local", kind="song", limit=200)[0]]


def test_a_request_becomes_a_job_and_is_removed(runtime: Runtime, source: Source) -> None:
    source.add(GOOD)
    with _running_intake(runtime):
        wait_until(lambda: len(_songs(runtime)) == 1, "the first job")
        source.add('{"style": "jazz"}')
        wait_until(lambda: len(_songs(runtime)) == 2, "the second job")
        wait_until(lambda: source.count_left() == 0, "nothing to be left")
    jazz, folk = _songs(runtime)
    assert (folk["style"], folk["bars"], jazz["style"]) == ("folk", 8, "jazz")
    assert len(runtime.publisher.messages) == 2
    assert runtime.store.dead_letters() == []


BAD = {
    "not JSON": ("please sing", None, "not JSON"),
    "not an object": ("[1]", None, "not a song request"),
    "nested": ("[" * 100_000, None, "nested too deeply"),
    "unknown field": ('{"stile": "folk"}', None, "stile: there is no such field"),
    "negative bars": ('{"bars": -1}', None, "bars: input should be greater than or equal to 1, not -1"),
    "tempo 0": ('{"tempo": 0}', None, "tempo: "),
    "key": ('{"key": "H#"}', None, "key: "),
    "no lyrics": ('{"lyrics": "  "}', None, "lyrics: the lyrics are empty"),
    "key too long": (GOOD, "k" * 250, "at most 200"),
    "refused by the check": ('{"style": "grunge"}', None, "there is no style 'grunge'"),
}


@pytest.mark.parametrize(("request_", "key", "reason"), BAD.values(), ids=BAD.keys())
def test_an_invalid_submission_becomes_a_dead_letter_with_a_reason(
    runtime: Runtime, source: Source, request_: str, key: str | None, reason: str
) -> None:
    source.add(request_, key)
    letter = _dead_letter_before_a_valid_one(runtime, source)
    assert reason in letter.reason
    assert "pydantic" not in letter.reason
    assert "Traceback" not in letter.reason
    assert json.dumps(request_)[1:40] in letter.payload


def _dead_letter_before_a_valid_one(runtime: Runtime, source: Source) -> Any:
    def check(request: SongRequest) -> SongRequest:
        if request.style == "grunge":
            raise InvalidRequest("there is no style 'grunge'")
        return request

    source.add(GOOD)
    with _running_intake(runtime, check):
        wait_until(lambda: source.count_left() == 0, "both to be taken in")
    assert len(_songs(runtime)) == 1, "a bad one does not stop the good one behind it"
    [letter] = runtime.store.dead_letters(SUBMISSIONS)
    return letter


STREAM_ONLY = {
    "no field": ({"song": GOOD}, "no field 'request' (its fields: song)"),
    "oversize": ({"request": '"' + "a" * 5_000_000 + '"'}, "larger than 4000000 bytes (BANDMATE_MAX_BODY_BYTES)"),
    "NUL": ({"request": '{"style": "a\0"}'}, "not JSON"),
}


@pytest.mark.parametrize("source", ["redis"], indirect=True)
@pytest.mark.parametrize(("fields", "reason"), STREAM_ONLY.values(), ids=STREAM_ONLY.keys())
def test_an_invalid_stream_entry_becomes_a_dead_letter(
    runtime: Runtime, source: _Stream, fields: dict[str, str], reason: str
) -> None:
    source.add_fields(fields)
    assert reason in _dead_letter_before_a_valid_one(runtime, source).reason


@pytest.mark.parametrize("source", ["redis"], indirect=True)
def test_bytes_that_are_not_utf8_become_a_dead_letter(runtime: Runtime, source: _Stream) -> None:
    with source.broker.client() as client:
        client.execute_command("XADD", SUBMISSIONS, "*", "request", b"\xff\xfe\x00")
    with _running_intake(runtime):
        wait_until(lambda: len(runtime.store.dead_letters(SUBMISSIONS)) == 1, "the dead letter")


@pytest.mark.parametrize("source", ["sqs"], indirect=True)
def test_a_binary_idempotency_key_is_refused(runtime: Runtime, source: _Queue) -> None:
    source.send(MessageBody=GOOD, MessageAttributes={"idempotency_key": {"DataType": "Binary", "BinaryValue": b"k"}})
    assert "must be a String; it is a Binary" in _dead_letter_before_a_valid_one(runtime, source).reason


@pytest.mark.parametrize("source", ["redis"], indirect=True)
def test_the_documented_redis_cli_command_works(runtime: Runtime, source: _Stream) -> None:
    """The command in the module's docstring, with the client that comes with the server."""
    lines = (submission_stream.__doc__ or "").splitlines()
    words = next(line.strip() for line in lines if "redis-cli" in line).replace("'", "").split()
    server = source.broker._server
    command_line_client = Path(server.binary).with_name("redis-cli")
    if not command_line_client.exists():
        pytest.skip("there is no redis-cli beside the redis-server of this machine")
    subprocess.run([command_line_client, "-p", str(server.port), *words[1:]], check=True, capture_output=True)
    with _running_intake(runtime):
        wait_until(lambda: len(_songs(runtime)) == 1, "the job")
    assert _songs(runtime)[0]["bars"] == 8


def test_the_request_returned_by_the_check_is_submitted(runtime: Runtime, source: Source) -> None:
    with _running_intake(runtime, lambda request: request.model_copy(update={"seed": 7})):
        source.add(GOOD)
        wait_until(lambda: len(_songs(runtime)) == 1, "the job")
    assert _songs(runtime)[0]["seed"] == 7


def test_an_idempotency_key_makes_one_job(runtime: Runtime, source: Source) -> None:
    with _running_intake(runtime):
        for request in (GOOD, GOOD, '{"style": "jazz"}'):
            source.add(request, "my first song")
            wait_until(lambda: source.count_left() == 0, "it to be taken in")
    assert [song["style"] for song in _songs(runtime)] == ["folk"]
    [letter] = runtime.store.dead_letters(SUBMISSIONS)
    assert "was used for another request" in letter.reason


DYING_INTAKE = """
import os, signal, threading
from bandmate_shared.runtime import open_runtime
from bandmate_shared.intake import submission_queue
from bandmate_shared.intake.intake import SubmissionIntake

submission_queue.VISIBILITY_SECONDS = 1

class Dies(SubmissionIntake):
    def _submit(self, submission):
        super()._submit(submission)
        os.kill(os.getpid(), signal.SIGKILL)

Dies(open_runtime()).run(threading.Event())
"""


@pytest.mark.chaos
def test_an_intake_killed_between_job_and_removal_makes_one_job(
    runtime: Runtime, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BANDMATE_HOME", str(runtime.settings.home))
    monkeypatch.setenv("BANDMATE_BROKER_URL", runtime.settings.broker_url)
    source.add(GOOD)
    intake = subprocess.run([sys.executable, "-c", DYING_INTAKE], check=False, timeout=60, capture_output=True)
    assert intake.returncode == -9, intake.stderr
    assert len(_songs(runtime)) == 1
    assert source.count_left() == 1

    with _running_intake(runtime):
        wait_until(lambda: source.count_left() == 0, "it to be removed")
    assert len(_songs(runtime)) == 1


def test_a_temporary_error_is_retried_without_delaying_other_submissions(runtime: Runtime, source: Source) -> None:
    model_available = threading.Event()

    def check(request: SongRequest) -> SongRequest:
        if request.style == "jazz" and not model_available.is_set():
            raise Unavailable("the model is away")
        return request

    source.add('{"style": "jazz"}')
    with _running_intake(runtime, check):
        wait_until(lambda: len(runtime.store.list_jobs("local")[0]) == 0 and source.count_left() == 1, "it to be there")
        source.add(GOOD)
        wait_until(lambda: len(_songs(runtime)) == 1, "the job of the one behind it")
        model_available.set()
        wait_until(lambda: len(_songs(runtime)) == 2, "the job of the one that had to wait")
        wait_until(lambda: source.count_left() == 0, "nothing to be left")
    assert runtime.store.dead_letters() == []


def test_submissions_over_the_quota_are_retried_in_order(chosen: SharedSettings, source: Source) -> None:
    runtime = open_runtime(chosen.model_copy(update={"queue_quota": 1}), InProcessQueue())
    source.add(GOOD)
    source.add(GOOD)
    with _running_intake(runtime):
        wait_until(lambda: source.count_left() == 1, "the first job")
        [job] = runtime.store.list_jobs("local")[0]
        runtime.store.cancel(job.id)
        wait_until(lambda: source.count_left() == 0, "the second job")
    states = [job.state for job in runtime.store.list_jobs("local")[0]]
    assert sorted(states) == [JobState.CANCELLED, JobState.QUEUED]
    assert runtime.store.dead_letters() == []
    runtime.close()


def test_submissions_waiting_in_a_stopped_intake_go_to_the_next(chosen: SharedSettings, source: Source) -> None:
    def fail(request: SongRequest) -> SongRequest:
        raise Unavailable("the model is away")

    runtime = open_runtime(chosen, InProcessQueue())
    submission_read = threading.Event()
    source.add(GOOD)
    with _running_intake(runtime, lambda request: (submission_read.set(), fail(request))[1]):
        wait_until(submission_read.is_set, "the first intake to read it")
    with _running_intake(runtime):
        wait_until(lambda: len(_songs(runtime)) == 1, "the second intake to have it")
    runtime.close()


@pytest.mark.chaos
def test_a_broker_killed_and_started_again(runtime: Runtime, source: Source) -> None:
    with _running_intake(runtime):
        source.add(GOOD)
        wait_until(lambda: len(_songs(runtime)) == 1, "the first job")
        source.broker.kill()
        source.broker.start()
        source.add(GOOD)
        wait_until(lambda: len(_songs(runtime)) == 2, "the second job")
        source.broker.forget()
        source.add(GOOD)
        wait_until(lambda: len(_songs(runtime)) == 3, "the third job, though the broker had lost everything")
