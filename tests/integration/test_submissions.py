"""`bandmate-submissions` on a real Redis: what a program adds becomes one job or one readable dead letter."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from bandmate_shared import submissions
from bandmate_shared.contracts.jobs import JobState
from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.errors import InvalidRequest, Unavailable
from bandmate_shared.jobs.inprocess import InProcessQueue
from bandmate_shared.runtime import Runtime, open_runtime
from bandmate_shared.settings import SharedSettings
from bandmate_shared.submissions import GROUP, STREAM, SubmissionIntake

GOOD = '{"style": "folk", "bars": 8}'


@pytest.fixture
def runtime(settings: SharedSettings, redis_server) -> Iterator[Runtime]:
    opened = open_runtime(settings.model_copy(update={"redis_url": redis_server.url}), InProcessQueue())
    yield opened
    opened.close()


@pytest.fixture
def client(redis_server) -> Iterator[redis.Redis]:
    with redis_server.client() as opened:
        yield opened


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submissions, "BLOCK_SECONDS", 0.05)
    monkeypatch.setattr(submissions, "RECLAIM_AFTER_SECONDS", 0.2)


@contextmanager
def _taking_in(runtime: Runtime, check: Callable[[SongRequest], SongRequest] | None = None) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=SubmissionIntake(runtime, check).run, args=[stop])
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


def _songs(runtime: Runtime) -> list[dict]:
    return [job.request for job in runtime.store.list_jobs("local", kind="song", limit=200)[0]]


def test_a_request_becomes_a_job_and_leaves_the_stream(runtime: Runtime, client: redis.Redis, wait_until) -> None:
    client.xadd(STREAM, {"request": GOOD})
    with _taking_in(runtime):
        wait_until(lambda: len(_songs(runtime)) == 1, "the first job")
        client.xadd(STREAM, {"request": '{"style": "jazz"}'})
        wait_until(lambda: len(_songs(runtime)) == 2, "the second job")
        wait_until(lambda: client.xlen(STREAM) == 0, "the stream to be empty")
    jazz, folk = _songs(runtime)
    assert (folk["style"], folk["bars"], jazz["style"]) == ("folk", 8, "jazz")
    assert len(runtime.publisher.messages) == 2
    assert runtime.store.dead_letters() == []


def test_the_documented_command_line(runtime: Runtime, redis_server, wait_until) -> None:
    """The one in the module's docstring, with the command-line client that comes with the server."""
    words = (
        next(line.strip() for line in submissions.__doc__.splitlines() if "redis-cli" in line).replace("'", "").split()
    )
    command_line_client = Path(redis_server.binary).with_name("redis-cli")
    if not command_line_client.exists():
        pytest.skip("there is no redis-cli beside the redis-server of this machine")
    subprocess.run([command_line_client, "-p", str(redis_server.port), *words[1:]], check=True, capture_output=True)
    with _taking_in(runtime):
        wait_until(lambda: len(_songs(runtime)) == 1, "the job")
    assert _songs(runtime)[0]["bars"] == 8


BAD = {
    "no field": ({"song": GOOD}, "no field 'request' (its fields: song)"),
    "not JSON": ({"request": "please sing"}, "not JSON"),
    "not an object": ({"request": "[1]"}, "not a song request"),
    "nested": ({"request": "[" * 100_000}, "nested too deeply"),
    "unknown field": ({"request": '{"stile": "folk"}'}, "stile: Extra inputs"),
    "negative bars": ({"request": '{"bars": -1}'}, "bars: Input should be greater than or equal to 1"),
    "tempo 0": ({"request": '{"tempo": 0}'}, "tempo: "),
    "key": ({"request": '{"key": "H#"}'}, "key: "),
    "no lyrics": ({"request": '{"lyrics": "  "}'}, "lyrics: the lyrics are empty"),
    "oversize": ({"request": '"' + "a" * 5_000_000 + '"'}, "larger than 4000000 bytes (BANDMATE_MAX_BODY_BYTES)"),
    "NUL": ({"request": '{"style": "a\0"}'}, "not JSON"),
    "key too long": ({"request": GOOD, "idempotency_key": "k" * 1000}, "at most 200"),
    "refused by the check": ({"request": '{"style": "grunge"}'}, "there is no style 'grunge'"),
}


@pytest.mark.parametrize(("fields", "reason"), BAD.values(), ids=BAD.keys())
def test_a_bad_entry_becomes_a_dead_letter_with_a_readable_reason(
    runtime: Runtime, client: redis.Redis, wait_until, fields: dict[str, str], reason: str
) -> None:
    def check(request: SongRequest) -> SongRequest:
        if request.style == "grunge":
            raise InvalidRequest("there is no style 'grunge'")
        return request

    client.xadd(STREAM, fields)
    client.xadd(STREAM, {"request": GOOD})
    with _taking_in(runtime, check):
        wait_until(lambda: client.xlen(STREAM) == 0, "both entries to be taken in")
    assert len(_songs(runtime)) == 1, "a bad entry does not stop the good one behind it"
    [letter] = runtime.store.dead_letters(STREAM)
    assert reason in letter.reason
    assert "pydantic" not in letter.reason
    assert "Traceback" not in letter.reason
    assert json.dumps(next(iter(fields.values())))[1:40] in letter.payload


def test_bytes_that_are_no_text(runtime: Runtime, client: redis.Redis, wait_until) -> None:
    client.execute_command("XADD", STREAM, "*", "request", b"\xff\xfe\x00")
    with _taking_in(runtime):
        wait_until(lambda: len(runtime.store.dead_letters(STREAM)) == 1, "the dead letter")


def test_what_the_check_completes_is_what_is_made(runtime: Runtime, client: redis.Redis, wait_until) -> None:
    with _taking_in(runtime, lambda request: request.model_copy(update={"seed": 7})):
        client.xadd(STREAM, {"request": GOOD})
        wait_until(lambda: len(_songs(runtime)) == 1, "the job")
    assert _songs(runtime)[0]["seed"] == 7


def test_a_key_of_the_senders_own_counts_once(runtime: Runtime, client: redis.Redis, wait_until) -> None:
    for request in (GOOD, GOOD, '{"style": "jazz"}'):
        client.xadd(STREAM, {"request": request, "idempotency_key": "my first song"})
    with _taking_in(runtime):
        wait_until(lambda: client.xlen(STREAM) == 0, "the entries to be taken in")
    assert [song["style"] for song in _songs(runtime)] == ["folk"]
    [letter] = runtime.store.dead_letters(STREAM)
    assert "was used for another request" in letter.reason


DYING_INTAKE = """
import os, signal, sys, threading
from bandmate_shared.runtime import open_runtime
from bandmate_shared.submissions import SubmissionIntake

class Dies(SubmissionIntake):
    def _submit(self, entry_id, fields):
        super()._submit(entry_id, fields)
        os.kill(os.getpid(), signal.SIGKILL)

Dies(open_runtime()).run(threading.Event())
"""


@pytest.mark.chaos
def test_an_intake_killed_between_job_and_acknowledgement_makes_one_job(
    runtime: Runtime, client: redis.Redis, wait_until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BANDMATE_HOME", str(runtime.settings.home))
    monkeypatch.setenv("REDIS_URL", runtime.settings.redis_url)
    client.xadd(STREAM, {"request": GOOD})
    dead = subprocess.run([sys.executable, "-c", DYING_INTAKE], check=False, timeout=60, capture_output=True)
    assert dead.returncode == -9, dead.stderr
    assert len(_songs(runtime)) == 1
    assert client.xpending(STREAM, GROUP)["pending"] == 1

    with _taking_in(runtime):
        wait_until(lambda: client.xlen(STREAM) == 0, "the entry to be acknowledged")
    assert len(_songs(runtime)) == 1


def test_what_may_pass_is_waited_out(runtime: Runtime, client: redis.Redis, wait_until) -> None:
    refusals = []

    def check(request: SongRequest) -> SongRequest:
        if len(refusals) < 2:
            refusals.append(request)
            raise Unavailable("the registry is away")
        return request

    client.xadd(STREAM, {"request": GOOD})
    with _taking_in(runtime, check):
        wait_until(lambda: len(_songs(runtime)) == 1, "the job")
    assert runtime.store.dead_letters() == []


def test_past_the_quota_submissions_wait_their_turn(settings: SharedSettings, redis_server, client, wait_until) -> None:
    chosen = settings.model_copy(update={"redis_url": redis_server.url, "queue_quota": 1})
    runtime = open_runtime(chosen, InProcessQueue())
    client.xadd(STREAM, {"request": GOOD})
    client.xadd(STREAM, {"request": GOOD})
    with _taking_in(runtime):
        wait_until(lambda: client.xlen(STREAM) == 1, "the first job")
        [job] = runtime.store.list_jobs("local")[0]
        runtime.store.cancel(job.id)
        wait_until(lambda: client.xlen(STREAM) == 0, "the second job")
    states = [job.state for job in runtime.store.list_jobs("local")[0]]
    assert sorted(states) == [JobState.CANCELLED, JobState.QUEUED]
    assert runtime.store.dead_letters() == []
    runtime.close()


@pytest.mark.chaos
def test_redis_killed_and_started_again(runtime: Runtime, redis_server, wait_until) -> None:
    with _taking_in(runtime):
        with redis_server.client() as client:
            client.xadd(STREAM, {"request": GOOD})
        wait_until(lambda: len(_songs(runtime)) == 1, "the first job")
        redis_server.kill()
        redis_server.start()
        with redis_server.client() as client:
            client.xadd(STREAM, {"request": GOOD})
            wait_until(lambda: len(_songs(runtime)) == 2, "the second job")
            client.flushall()
            client.xadd(STREAM, {"request": GOOD})
        wait_until(lambda: len(_songs(runtime)) == 3, "the third job, though the consumer group was lost")
