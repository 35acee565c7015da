"""Concurrent use of one PostgreSQL: locks must prevent the races that SQLite's single writer prevents."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest
from bandmate_shared.contracts.jobs import JobError, JobState
from bandmate_shared.errors import Conflict
from bandmate_shared.jobs import outbox
from bandmate_shared.jobs.model import Job, Lease, NewJob, QuotaExceeded
from bandmate_shared.jobs.queries import FINAL_EVENTS
from bandmate_shared.jobs.store import JobStore
from bandmate_shared.settings import SharedSettings

from tests.support.spawned import Spawn

THREADS = 8
T = TypeVar("T")
ERROR = JobError(type="internal", title="t", detail="d")

RELAY = """
import json, sys
from bandmate_shared.jobs.store import JobStore
from bandmate_shared.settings import SharedSettings
store = JobStore.open(SharedSettings(database_url=sys.argv[1]))
taken = []
while messages := store.take_messages(7):
    taken += [message.job_id for message in messages]
store.close()
print(json.dumps(taken))
"""


@pytest.fixture
def store(postgres_url: str) -> Iterator[JobStore]:
    opened = JobStore.open(SharedSettings(database_url=postgres_url, database_connections=THREADS + 2))
    yield opened
    opened.close()


def _call_in_threads(call: Callable[[int], T]) -> list[T | BaseException]:
    """The results or exceptions of a call in several threads at once."""
    with ThreadPoolExecutor(THREADS) as threads:
        futures = [threads.submit(call, number) for number in range(THREADS)]
        return [future.exception() or future.result() for future in futures]


def _song(store: JobStore) -> Job:
    return store.submit(NewJob("song", {})).job


def test_one_of_several_threads_claims_the_job(store: JobStore) -> None:
    for _ in range(10):
        job = _song(store)
        leases = _call_in_threads(lambda number, job=job: store.claim(job.id, f"w{number}"))
        assert sum(isinstance(lease, Lease) for lease in leases) == 1
        assert leases.count(None) == THREADS - 1
        assert [event.type for event in store.events(job.id)] == ["job.queued", "job.running"]


def test_one_thread_takes_over_from_a_dead_worker_with_one_event(postgres_url: str, wait_until) -> None:
    store = JobStore.open(
        SharedSettings(database_url=postgres_url, lease_seconds=0.02, heartbeat_seconds=0.01, max_attempts=1000)
    )
    patient = JobStore.open(SharedSettings(database_url=postgres_url, max_attempts=1000, database_connections=THREADS))
    for _ in range(5):
        job = _song(store)
        dead = store.claim(job.id, "dead")
        assert dead is not None
        wait_until(lambda dead=dead: store.clock() >= dead.until, "the lease to run out")
        # Half of the threads claim the job, and half sweep.
        outcomes = _call_in_threads(
            lambda number, job=job: patient.claim(job.id, f"w{number}") if number % 2 else patient.sweep()["requeued"]
        )
        assert not [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        assert sum(isinstance(outcome, Lease) for outcome in outcomes) <= 1
        assert sum(outcome == 1 for outcome in outcomes if isinstance(outcome, int)) <= 1
        assert [event.type for event in store.events(job.id)].count("job.lease-expired") == 1
    store.close()
    patient.close()


def test_concurrent_submissions_with_one_key_are_one_job(store: JobStore) -> None:
    for number in range(10):
        outcomes = _call_in_threads(lambda _, key=f"k{number}": store.submit(NewJob("song", {}), idempotency_key=key))
        submissions = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
        assert len(submissions) == len(outcomes)
        assert len({submission.job.id for submission in submissions}) == 1
    assert len(store.list_jobs(None, limit=200)[0]) == 10
    assert len(store.pending_messages()) == 10


def test_concurrent_submissions_with_one_key_and_other_requests_are_refused(store: JobStore) -> None:
    outcomes = _call_in_threads(lambda number: store.submit(NewJob("song", {"bars": number}), idempotency_key="k"))
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == THREADS - 1
    assert len(store.list_jobs(None)[0]) == 1


def test_a_quota_may_be_exceeded_by_concurrent_submissions_only(postgres_url: str) -> None:
    store = JobStore.open(SharedSettings(database_url=postgres_url, queue_quota=3, database_connections=THREADS))
    _call_in_threads(lambda _: store.submit(NewJob("song", {})))
    submitted = len(store.list_jobs(None)[0])
    assert 3 <= submitted <= THREADS
    with pytest.raises(QuotaExceeded):
        store.submit(NewJob("song", {}))
    store.close()


def test_relays_in_many_processes_send_each_message_once(store: JobStore, postgres_url: str, spawn: Spawn) -> None:
    ids = [_song(store).id for _ in range(100)]
    relays = [
        spawn([sys.executable, "-W", "error", "-c", RELAY, postgres_url], stdout=subprocess.PIPE) for _ in range(3)
    ]
    taken: list[str] = []
    for relay in relays:
        output, _ = relay.communicate(timeout=60)
        assert relay.returncode == 0
        taken += json.loads(output)
    assert Counter(taken) == Counter(ids)


def test_a_hanging_relay_blocks_only_its_own_messages(store: JobStore) -> None:
    ids = [_song(store).id for _ in range(6)]
    with store.database.writing() as hanging:
        locked = outbox.take_due(hanging, store.clock(), store.policy, 4)
        assert [message.job_id for message in locked] == ids[:4]
        assert [message.job_id for message in store.take_messages()] == ids[4:], "nobody waits for it"


def test_the_last_of_many_children_wakes_the_parent_once(store: JobStore) -> None:
    for _ in range(5):
        parent = _song(store)
        lease = store.claim(parent.id, "w")
        assert lease is not None
        ids = store.park(lease, [NewJob("take", {}) for _ in range(THREADS)], "choose")
        leases = [store.claim(job_id, "w") for job_id in ids]

        def end(number: int, leases: list[Lease | None] = leases) -> None:
            lease = leases[number]
            assert lease is not None
            store.succeed(lease, {}) if number % 2 else store.fail(lease, ERROR, retryable=False)

        assert _call_in_threads(end) == [None] * THREADS
        assert store.get(parent.id).state == JobState.QUEUED
        assert [event.type for event in store.events(parent.id)].count("job.resumed") == 1
        assert [message.job_id for message in store.take_messages()].count(parent.id) == 1


def test_cancelling_while_children_end_gives_each_job_one_final_state(store: JobStore) -> None:
    for _ in range(5):
        parent = _song(store)
        lease = store.claim(parent.id, "w")
        assert lease is not None
        ids = store.park(lease, [NewJob("take", {}) for _ in range(THREADS - 2)], "choose")
        leases = [store.claim(job_id, "w") for job_id in ids]

        def act(number: int, parent: Job = parent, leases: list[Lease | None] = leases) -> None:
            if number >= len(leases):
                store.cancel(parent.id)
                return
            lease = leases[number]
            assert lease is not None
            store.succeed(lease, {})

        assert _call_in_threads(act) == [None] * THREADS
        for job_id in [parent.id, *ids]:
            types = [event.type for event in store.events(job_id)]
            state = store.get(job_id).state
            assert sum(name in FINAL_EVENTS for name in types) == state.is_final
        assert store.get(parent.id).state == JobState.CANCELLED


def test_concurrent_redrives_are_done_once(store: JobStore) -> None:
    lease = store.claim(_song(store).id, "w")
    assert lease is not None
    store.fail(lease, ERROR, retryable=False)
    outcomes = _call_in_threads(lambda _: store.redrive(lease.job_id))
    assert sum(isinstance(outcome, Job) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == THREADS - 1
    assert [event.type for event in store.events(lease.job_id)].count("job.redriven") == 1
