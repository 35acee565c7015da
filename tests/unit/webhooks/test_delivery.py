"""Webhooks from the end of a job to its receiver: sent again until it has confirmed, and never lost in between."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from bandmate_shared.contracts.jobs import Artifact, JobError
from bandmate_shared.contracts.webhooks import WebhookEvent
from bandmate_shared.errors import NotFound
from bandmate_shared.jobs.__main__ import main as operate
from bandmate_shared.jobs.model import Job, NewJob, Webhook
from bandmate_shared.jobs.store import JobStore
from bandmate_shared.settings import SharedSettings
from bandmate_shared.webhooks.delivery import MAX_RETRY_SECONDS, WebhookSender
from bandmate_shared.webhooks.signature import secret_for

from tests.support.spawned import Spawn
from tests.support.webhook_receiver import Received, WebhookReceiver

pytestmark = pytest.mark.process  # Threads of theirs open connections.

KEY = "0123456789abcdef"
ERROR = JobError(type="internal", title="Internal", detail="it broke")
FILE = Artifact(name="song.wav", sha256="0" * 64, size=8, media_type="audio/wav")
DAY = 24 * 3600.0


class Clock:
    """The present, moved on by hand."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def advance(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def webhook_settings(settings: SharedSettings) -> SharedSettings:
    return settings.model_copy(update={"webhook_private": True, "webhook_attempts": 4, "webhook_seconds": 10.0})


@pytest.fixture
def store(webhook_settings: SharedSettings, clock: Clock) -> Iterator[JobStore]:
    opened = JobStore.open(webhook_settings, clock)
    yield opened
    opened.close()


@pytest.fixture
def sender(store: JobStore, webhook_settings: SharedSettings) -> WebhookSender:
    return WebhookSender(store, webhook_settings)


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with WebhookReceiver() as running:
        yield running


def submit(store: JobStore, receiver: WebhookReceiver, key_id: str | None = None) -> Job:
    return store.submit(NewJob("song", {"bars": 8}, webhook=Webhook(f"{receiver.url}/hook", key_id))).job


def end(store: JobStore, receiver: WebhookReceiver, key_id: str | None = None) -> Job:
    """A song with a webhook that has succeeded."""
    job = submit(store, receiver, key_id)
    lease = store.claim(job.id, "w")
    assert lease is not None
    store.succeed(lease, {"title": "River song"}, [FILE])
    return store.get(job.id)


def test_the_end_of_a_job_is_posted_signed_and_then_forgotten(
    store: JobStore, sender: WebhookSender, receiver: WebhookReceiver, webhook_settings: SharedSettings
) -> None:
    job = end(store, receiver)
    assert sender.send_due() == 1
    [received] = receiver.received
    event = WebhookEvent.model_validate(received.verified(secret_for(webhook_settings, None)))
    assert (event.type, event.timestamp, event.data.title) == ("job.succeeded", job.finished_at, "River song")
    assert (event.data.id, event.data.artifacts) == (job.id, [FILE])
    assert event.data.links == {"self": f"/v1/songs/{job.id}"}
    assert received.id.startswith("msg_")
    assert received.headers["content-type"] == "application/json"
    assert (sender.send_due(), store.webhooks()) == (0, [])


def test_a_key_of_its_own_signs(
    store: JobStore, sender: WebhookSender, receiver: WebhookReceiver, webhook_settings: SharedSettings
) -> None:
    end(store, receiver, KEY)
    sender.send_due()
    assert receiver.received[0].verified(secret_for(webhook_settings, KEY))["type"] == "job.succeeded"


def test_failure_and_cancellation_are_reported_and_parts_are_not(
    store: JobStore, sender: WebhookSender, receiver: WebhookReceiver
) -> None:
    failed, cancelled, parent = (submit(store, receiver) for _ in range(3))
    lease = store.claim(failed.id, "w")
    assert lease is not None
    store.fail(lease, ERROR, retryable=False)
    store.cancel(cancelled.id)
    lease = store.claim(parent.id, "w")
    assert lease is not None
    [child] = store.park(lease, [NewJob("vocal", {})], "mix")
    lease = store.claim(child, "w")
    assert lease is not None
    store.fail(lease, ERROR, retryable=False)
    sender.send_due()
    assert {(event["type"], event["data"]["id"]) for event in receiver.events} == {
        ("job.failed", failed.id),
        ("job.cancelled", cancelled.id),
        ("job.failed", parent.id),
    }
    assert all(event["data"]["error"]["detail"] == "it broke" for event in receiver.events if "failed" in event["type"])
    store.redrive(failed.id)
    lease = store.claim(failed.id, "w")
    assert lease is not None
    store.succeed(lease, {})
    sender.send_due()
    assert (receiver.events[-1]["type"], receiver.events[-1]["data"]["id"]) == ("job.succeeded", failed.id)
    assert len({received.id for received in receiver.received}) == 4, "each end is an event of its own"


def test_a_job_without_a_webhook_reports_nothing(store: JobStore, sender: WebhookSender) -> None:
    store.cancel(store.submit(NewJob("song", {})).job.id)
    assert (store.webhooks(), sender.send_due()) == ([], 0)


def test_an_attempt_that_failed_is_repeated_with_growing_pauses_and_then_given_up(
    store: JobStore, sender: WebhookSender, receiver: WebhookReceiver, clock: Clock
) -> None:
    receiver.answer = lambda _received, number: (204 if number == 5 else 500, {})
    end(store, receiver)
    for pause in (5.0, 20.0, 80.0):
        assert sender.send_due() == 1
        [waiting] = store.webhooks(given_up=False)
        assert waiting.error == "the receiver answered 500"
        assert pause / 2 - 1 <= (waiting.due_at - clock()).total_seconds() <= pause, "drawn from the upper half"
        clock.advance(pause / 2 - 2)
        assert sender.send_due() == 0, "not before half of the pause"
        clock.advance(pause / 2 + 3)
    assert sender.send_due() == 1
    [letter] = store.webhooks(given_up=True)
    assert (letter.attempt, letter.error) == (4, "the receiver answered 500")
    clock.advance(365 * DAY)
    assert sender.send_due() == 0
    assert store.redrive_webhook(letter.id).attempt == 0
    assert sender.send_due() == 1
    assert {received.id for received in receiver.received} == {letter.id}, "one event, however often it is sent"
    assert len(receiver.received) == 5
    assert store.webhooks() == []
    with pytest.raises(NotFound, match="one that was received is not kept"):
        store.redrive_webhook(letter.id)


def test_a_receiver_may_ask_for_a_longer_pause_within_bounds(
    store: JobStore, sender: WebhookSender, receiver: WebhookReceiver, clock: Clock
) -> None:
    for seconds, expected in (("600", 600.0), ("999999", MAX_RETRY_SECONDS)):
        receiver.answer = lambda *_, seconds=seconds: (429, {"Retry-After": seconds})
        end(store, receiver)
        sender.send_due()
        newest = store.webhooks()[0]
        assert expected - 5 <= (newest.due_at - clock()).total_seconds() <= expected


@pytest.mark.parametrize("status", [301, 307, 404, 503])
def test_only_a_2xx_is_a_confirmation(
    store: JobStore, sender: WebhookSender, receiver: WebhookReceiver, status: int
) -> None:
    receiver.answer = lambda *_: (status, {"Location": f"{receiver.url}/elsewhere"})
    end(store, receiver)
    sender.send_due()
    [waiting] = store.webhooks(given_up=False)
    assert (waiting.error, len(receiver.received)) == (f"the receiver answered {status}", 1)


def test_a_receiver_that_is_gone_and_one_inside_the_network_are_given_up_at_once(
    store: JobStore, sender: WebhookSender, receiver: WebhookReceiver, webhook_settings: SharedSettings
) -> None:
    receiver.answer = lambda *_: (410, {})
    end(store, receiver)
    sender.send_due()
    [gone] = store.webhooks(given_up=True)
    assert gone.error == "the receiver answered 410: it wants no more"
    strict = WebhookSender(store, webhook_settings.model_copy(update={"webhook_private": False}))
    store.submit(NewJob("song", {}, webhook=Webhook("https://localhost/hook")))
    store.cancel(store.list_jobs(None, limit=1)[0][0].id)
    strict.send_due()
    refused = store.webhooks(given_up=True)[0]
    assert refused.error is not None
    assert "public addresses only" in refused.error


def test_one_webhook_is_taken_by_one_process_and_held_while_it_is_sent(store: JobStore, clock: Clock) -> None:
    with WebhookReceiver() as receiver:
        end(store, receiver)
    [taken] = store.take_webhooks(10, hold_seconds=60.0)
    assert store.take_webhooks(10, hold_seconds=60.0) == []
    clock.advance(61)
    [again] = store.take_webhooks(10, hold_seconds=60.0)
    assert (again.id, again.attempt) == (taken.id, 2)
    store.webhook_failed(taken, "too late", None)
    [waiting] = store.webhooks()
    assert waiting.given_up_at is None, "an attempt that was overtaken changes nothing"


def test_a_slow_receiver_does_not_delay_the_others(store: JobStore, sender: WebhookSender) -> None:
    slow, stop = threading.Event(), threading.Event()
    arrived = threading.Semaphore(0)

    def wait(*_: object) -> tuple[int, dict[str, str]]:
        assert slow.wait(60)
        return 204, {}

    def count(*_: object) -> tuple[int, dict[str, str]]:
        arrived.release()
        return 204, {}

    with WebhookReceiver(wait) as stuck, WebhookReceiver(count) as quick:
        thread = threading.Thread(target=sender.run, args=(stop,))
        thread.start()
        try:
            end(store, stuck)
            for _ in range(20):
                end(store, quick)
            for _ in range(20):
                assert arrived.acquire(timeout=60)
            assert [webhook.url for webhook in store.webhooks() if str(stuck.port) in webhook.url]
        finally:
            slow.set()
            stop.set()
            thread.join()
    assert store.webhooks() == [], "what is on its way is finished before the sender stops"


SENDING = """
import sys
from bandmate_shared.jobs.store import JobStore
from bandmate_shared.settings import SharedSettings
from bandmate_shared.webhooks.delivery import WebhookSender

settings = SharedSettings()
store = JobStore.open(settings)
WebhookSender(store, settings).send_due()
store.close()
"""


@pytest.mark.process
def test_a_process_killed_between_sending_and_marking_has_it_sent_again_under_the_same_id(
    store: JobStore, sender: WebhookSender, webhook_settings: SharedSettings, spawn: Spawn, clock: Clock
) -> None:
    """The receiver kills the sender as soon as it has read the webhook, before it answers."""
    process: list[subprocess.Popen[str]] = []
    started = threading.Event()

    def kill(_received: Received, number: int) -> tuple[int, dict[str, str]]:
        if number == 1:
            assert started.wait(60)
            os.kill(process[0].pid, signal.SIGKILL)
        return 204, {}

    with WebhookReceiver(kill) as receiver:
        end(store, receiver)
        environment = os.environ | {"BANDMATE_HOME": str(webhook_settings.home), "BANDMATE_WEBHOOK_PRIVATE": "true"}
        process.append(spawn([sys.executable, "-c", SENDING], env=environment))
        started.set()
        assert process[0].wait(120) == -signal.SIGKILL
        assert sender.send_due() == 0, "it is held for as long as the sender might still be at it"
        clock.advance(webhook_settings.webhook_seconds + 120)
        assert sender.send_due() == 1
        first, second = receiver.received
        assert (first.id, first.body) == (second.id, second.body)
        for received in (first, second):
            received.verified(secret_for(webhook_settings, None))
    assert store.webhooks() == []


def test_the_operators_commands_list_redrive_and_prune(
    store: JobStore,
    sender: WebhookSender,
    receiver: WebhookReceiver,
    webhook_settings: SharedSettings,
    capsys: pytest.CaptureFixture[str],
    clock: Clock,
) -> None:
    def call(*arguments: str) -> list[dict[str, object]]:
        assert operate(list(arguments), webhook_settings) == 0
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    receiver.answer = lambda *_: (410, {})
    job = end(store, receiver)
    assert [line["job_id"] for line in call("webhooks")] == [job.id]
    assert call("webhooks", "--given-up") == []
    sender.send_due()
    [letter] = call("webhooks", "--given-up")
    assert letter["error"] == "the receiver answered 410: it wants no more"
    [redriven] = call("redrive", str(letter["id"]))
    assert redriven["given_up_at"] is None
    sender.send_due()
    assert operate(["redrive", "msg_none"], webhook_settings) == 1
    assert "there is no webhook msg_none" in capsys.readouterr().err
    assert call("prune", "--older-than", "1d") == [{"events_deleted": 0, "webhooks_deleted": 0}]
    with store.database.writing() as connection:
        connection.exec_driver_sql("UPDATE webhooks SET given_up_at = '2020-01-01 00:00:00.000000'")
    assert call("prune", "--older-than", "1d") == [{"events_deleted": 0, "webhooks_deleted": 1}]
