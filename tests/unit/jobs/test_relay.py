"""The outbox and the relay: a message that did not arrive, or was lost later, is sent again."""

import itertools
import threading
from collections.abc import Callable

import pytest
from bandmate_shared.contracts.jobs import JobState
from bandmate_shared.jobs.execution.inprocess import InProcessQueue
from bandmate_shared.jobs.model import NewJob
from bandmate_shared.jobs.relay import Relay
from bandmate_shared.jobs.store import JobStore
from bandmate_shared.jobs.sweeper import Sweeper
from bandmate_shared.queues.broker import Broker
from bandmate_shared.queues.publisher import CeleryPublisher, NoBroker

SONG = NewJob("song", {})


class UnreliableQueue(InProcessQueue):
    """A queue that can be unreachable and can lose messages."""

    away = False
    refused = 0

    def publish(self, queue: str, job_id: str) -> None:
        if self.away:
            self.refused += 1
            raise ConnectionError("connection refused")
        super().publish(queue, job_id)

    def ids(self) -> list[str]:
        return [job_id for _, job_id in self.messages]


@pytest.fixture
def broker() -> UnreliableQueue:
    return UnreliableQueue()


@pytest.fixture
def relay(store: JobStore, broker: UnreliableQueue) -> Relay:
    return Relay(store, broker)


def test_a_kick_sends_what_is_pending_once_in_order(store: JobStore, broker, relay) -> None:
    ids = [store.submit(SONG).job.id for _ in range(250)]
    relay.kick()
    relay.kick()
    assert broker.ids() == ids
    assert set(broker.messages) == {("bandmate-generate", job_id) for job_id in ids}


def test_a_message_nobody_takes_is_sent_again_ever_more_rarely(store: JobStore, clock, broker, relay) -> None:
    job_id = store.submit(SONG).job.id
    sent_after = []
    for second in range(1, 2000):
        if relay.send_pending():
            sent_after.append(second)
        clock.advance(1)
    gaps = [late - early for early, late in itertools.pairwise(sent_after)]
    assert gaps == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600]
    assert set(broker.ids()) == {job_id}


def test_a_relay_that_is_late_does_not_touch_the_jobs_next_message(store: JobStore, clock) -> None:
    job_id = store.submit(SONG).job.id
    messages = store.take_messages()
    lease = store.claim(job_id, "a worker that got an earlier message")
    assert lease is not None
    store.release(lease)
    assert [message.job_id for message in store.take_messages()] == [job_id]
    store.give_back_messages(messages)
    assert store.pending_messages() == [], "the second message has been sent, whatever became of the first"


def test_two_relays_do_not_send_the_same(store: JobStore) -> None:
    job_id = store.submit(SONG).job.id
    assert [message.job_id for message in store.take_messages()] == [job_id]
    assert store.take_messages() == []


def test_while_the_broker_is_away_messages_stay(store: JobStore, broker, relay) -> None:
    job_id = store.submit(SONG).job.id
    broker.away = True
    relay.kick()
    with pytest.raises(ConnectionError):
        relay.send_pending()
    assert [message.job_id for message in store.pending_messages()] == [job_id]
    broker.away = False
    assert relay.send_pending() == 1


def test_messages_sent_before_the_broker_went_away_in_a_batch_are_not_sent_twice(
    store: JobStore, relay, broker
) -> None:
    first = store.submit(SONG).job.id
    second = store.submit(SONG).job.id
    publish = broker.publish

    def only_the_first(queue: str, job_id: str) -> None:
        if job_id != first:
            raise ConnectionError("gone")
        publish(queue, job_id)

    broker.publish = only_the_first
    relay.kick()
    broker.publish = publish
    relay.kick()
    assert broker.ids() == [first, second]


def test_the_thread_sends_again_what_the_broker_may_have_lost(
    store: JobStore, broker, relay, wait_until: Callable[..., None]
) -> None:
    lost = store.submit(SONG).job.id
    relay.start()
    try:
        wait_until(lambda: broker.ids() == [lost], "the first message")
        wait_until(lambda: not store.pending_messages(), "the note of it")
        broker.away = True
        broker.messages.clear()
        new = store.submit(SONG).job.id
        wait_until(lambda: broker.refused > 0, "the broker to be found away")
        broker.away = False
        wait_until(lambda: set(broker.ids()) == {lost, new}, "the lost message and the new one")
    finally:
        relay.stop()


def test_a_message_that_falls_due_later_is_sent_by_the_thread(
    store: JobStore, clock, broker, relay, wait_until: Callable[..., None]
) -> None:
    relay.start()
    try:
        job_id = store.submit(SONG).job.id
        wait_until(lambda: len(broker.messages) == 1, "the first sending, without a kick")
        wait_until(lambda: not store.pending_messages(), "the note of it")
        clock.advance(1)
        wait_until(lambda: broker.ids() == [job_id, job_id], "the second")
    finally:
        relay.stop()


def test_the_sweeper_hands_a_dead_workers_job_to_the_relay(
    store: JobStore, clock, broker, relay, wait_until: Callable[..., None]
) -> None:
    job_id = store.submit(SONG).job.id
    assert store.claim(job_id, "dies") is not None
    clock.advance(1)
    threads_before = set(threading.enumerate())
    sweeper = Sweeper(store, relay, 0.02)
    sweeper.start()
    try:
        wait_until(lambda: broker.ids() == [job_id], "the message")
        assert store.get(job_id).state == JobState.QUEUED
    finally:
        sweeper.stop()
    assert set(threading.enumerate()) <= threads_before


def test_at_its_start_the_sweeper_takes_unclaimed_messages_for_lost(
    store: JobStore, broker, relay, wait_until: Callable[..., None]
) -> None:
    job_id = store.submit(SONG).job.id
    relay.kick()
    broker.messages.clear()
    sweeper = Sweeper(store, relay, 0.02)
    sweeper.start()
    try:
        wait_until(
            lambda: [message.job_id for message in store.pending_messages()] == [job_id], "the message to be due"
        )
    finally:
        sweeper.stop()


def test_without_a_broker_publishing_says_so() -> None:
    publisher = CeleryPublisher(Broker(""))
    with pytest.raises(NoBroker, match="nor REDIS_URL is set"):
        publisher.publish("bandmate-generate", "song_x")
    publisher.close()
