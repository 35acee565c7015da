"""Fenced leases: only the worker with the current lease can write."""

from collections.abc import Callable

import pytest
from bandmate_shared.contracts.jobs import JobError, JobState
from bandmate_shared.jobs.model import Job, Lease, NewJob, StaleLease
from bandmate_shared.jobs.store import JobStore

ERROR = JobError(type="internal", title="t", detail="d")

WRITES: dict[str, Callable[[JobStore, Lease], object]] = {
    "heartbeat": lambda store, lease: store.heartbeat(lease),
    "append_event": lambda store, lease: store.append_event(lease, "x", {}),
    "set_progress": lambda store, lease: store.set_progress(lease, "compose", 0.5),
    "succeed": lambda store, lease: store.succeed(lease, {"of": "the stale one"}),
    "fail": lambda store, lease: store.fail(lease, ERROR, retryable=False),
    "fail, retryable": lambda store, lease: store.fail(lease, ERROR, retryable=True),
    "park": lambda store, lease: store.park(lease, [NewJob("vocal", {})], "mix-down"),
    "cancelled": lambda store, lease: store.cancelled(lease),
    "release": lambda store, lease: store.release(lease),
}
every_write = pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())


def _claimed(store: JobStore) -> Lease:
    lease = store.claim(store.submit(NewJob("song", {})).job.id, "first")
    assert lease is not None
    return lease


def _everything(store: JobStore, job_id: str) -> tuple[Job, object, object]:
    return store.get(job_id), store.events(job_id), store.list_jobs(None)


def test_a_claim_starts_the_job_and_empties_the_outbox(store: JobStore, clock) -> None:
    lease = _claimed(store)
    job = store.get(lease.job_id)
    assert (job.state, job.attempt, job.fence, job.worker) == (JobState.RUNNING, 1, 1, "first")
    assert job.started_at == clock.now
    assert job.lease_until == lease.until
    assert (lease.until - clock.now).total_seconds() == store.policy.lease_seconds
    clock.advance(1e6)
    assert store.pending_messages() == []
    running = store.events(lease.job_id)[-1]
    assert (running.type, running.data) == ("job.running", {"worker": "first", "attempt": 1, "phase": "start"})


def test_while_the_lease_lasts_nobody_else_gets_the_job(store: JobStore, clock) -> None:
    lease = _claimed(store)
    assert store.claim(lease.job_id, "second") is None
    clock.advance(0.9)
    store.heartbeat(lease)
    clock.advance(0.9)
    assert store.claim(lease.job_id, "second") is None


def test_after_it_another_worker_gets_the_job_with_a_higher_fence(store: JobStore, clock) -> None:
    lease = _claimed(store)
    clock.advance(1.0)
    second = store.claim(lease.job_id, "second")
    assert second is not None
    assert second.fence > lease.fence
    assert store.get(lease.job_id).attempt == 2
    assert store.get(lease.job_id).worker == "second"


def _deaths(store: JobStore, job_id: str) -> list[dict[str, object]]:
    return [event.data for event in store.events(job_id) if event.type == "job.lease-expired"]


@pytest.mark.parametrize("first_to_notice", ["a claim", "the sweeper"])
def test_the_death_of_a_worker_is_recorded_once(store: JobStore, clock, first_to_notice: str) -> None:
    lease = _claimed(store)
    clock.advance(1.0)
    if first_to_notice == "the sweeper":
        store.sweep()
        store.sweep()
    assert store.claim(lease.job_id, "second") is not None
    store.sweep()
    assert _deaths(store, lease.job_id) == [{"worker": "first", "attempt": 1}]
    types = [event.type for event in store.events(lease.job_id)]
    assert types == ["job.queued", "job.running", "job.lease-expired", "job.running"]


def test_the_expired_lease_of_the_last_attempt_is_recorded_before_the_end(store: JobStore, clock) -> None:
    lease = _claimed(store)
    for number in (2, 3):
        clock.advance(1.0)
        assert store.claim(lease.job_id, f"worker {number}") is not None
    clock.advance(1.0)
    assert store.claim(lease.job_id, "a fourth") is None, "only the sweeper ends the job"
    assert store.sweep()["failed"] == 1
    assert [data["attempt"] for data in _deaths(store, lease.job_id)] == [1, 2, 3]
    last_types = [event.type for event in store.events(lease.job_id)][-3:]
    assert last_types == ["job.lease-expired", "bandmate.job.failed", "job.failed"]


def test_the_expired_lease_of_a_cancelled_attempt_is_recorded_before_the_end(store: JobStore, clock) -> None:
    lease = _claimed(store)
    store.cancel(lease.job_id)
    clock.advance(1.0)
    assert store.claim(lease.job_id, "second") is None
    assert store.sweep()["cancelled"] == 1
    assert [event.type for event in store.events(lease.job_id)][-2:] == ["job.lease-expired", "job.cancelled"]


def test_claiming_a_missing_job_returns_nothing(store: JobStore) -> None:
    assert store.claim("song_x", "w") is None


@every_write
def test_after_another_claim_the_old_lease_changes_nothing(store: JobStore, clock, write) -> None:
    stale = _claimed(store)
    clock.advance(1.0)
    assert store.claim(stale.job_id, "second") is not None
    before = _everything(store, stale.job_id)
    with pytest.raises(StaleLease):
        write(store, stale)
    assert _everything(store, stale.job_id) == before


@every_write
def test_an_expired_lease_changes_nothing_even_if_nobody_claimed_since(store: JobStore, clock, write) -> None:
    stale = _claimed(store)
    clock.advance(1.0)
    before = _everything(store, stale.job_id)
    with pytest.raises(StaleLease):
        write(store, stale)
    assert _everything(store, stale.job_id) == before


@every_write
def test_the_lease_ends_with_the_job(store: JobStore, write) -> None:
    lease = _claimed(store)
    store.succeed(lease, {})
    before = _everything(store, lease.job_id)
    with pytest.raises(StaleLease):
        write(store, lease)
    assert _everything(store, lease.job_id) == before


@every_write
def test_the_lease_ends_with_parking(store: JobStore, write) -> None:
    lease = _claimed(store)
    store.park(lease, [NewJob("vocal", {})], "mix-down")
    before = _everything(store, lease.job_id)
    with pytest.raises(StaleLease):
        write(store, lease)
    assert _everything(store, lease.job_id) == before


def test_progress_is_on_the_job_and_among_its_events(store: JobStore) -> None:
    lease = _claimed(store)
    store.set_progress(lease, "compose", 0.25, "bar 4 of 16", 3.5)
    job = store.get(lease.job_id)
    assert (job.stage, job.fraction) == ("compose", 0.25)
    event = store.events(lease.job_id)[-1]
    assert event.type == "progress"
    assert event.data == {"stage": "compose", "fraction": 0.25, "message": "bar 4 of 16", "eta_seconds": 3.5}
    assert [event.seq for event in store.events(lease.job_id)] == [1, 2, 3]
    assert [event.seq for event in store.events(lease.job_id, after_seq=1, limit=1)] == [2]


def test_every_write_tells_of_a_cancellation(store: JobStore) -> None:
    lease = _claimed(store)
    assert not store.heartbeat(lease).cancel_requested
    store.cancel(lease.job_id)
    assert store.heartbeat(lease).cancel_requested
    assert store.append_event(lease, "x", {}).cancel_requested
    assert store.set_progress(lease, "compose").cancel_requested
