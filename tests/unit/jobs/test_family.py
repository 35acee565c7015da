"""Parents and children: parking, going on, failing, cancelling and redriving together."""

from bandmate_shared.contracts.jobs import JobError, JobState
from bandmate_shared.jobs.model import Lease, NewJob
from bandmate_shared.jobs.store import JobStore

ERROR = JobError(type="unvoiceable", title="The words cannot be sung", detail="no vowel in 'pst'")
VOCAL = NewJob("vocal", {"notes": []})
TAKE = NewJob("take", {"seed": 1})


def _claim(store: JobStore, job_id: str) -> Lease:
    lease = store.claim(job_id, "w")
    assert lease is not None, f"{job_id} is {store.get(job_id).state}"
    return lease


def _parked(store: JobStore, *children: NewJob, kind: str = "song") -> tuple[str, list[str]]:
    job_id = store.submit(NewJob(kind, {}, tenant="a")).job.id
    return job_id, store.park(_claim(store, job_id), children, "mix-down", {"bars": 8})


def _messages(store: JobStore) -> list[str]:
    return [message.job_id for message in store.pending_messages()]


def test_a_parked_parent_waits_without_lease_or_message(store: JobStore, clock) -> None:
    parent_id, [child_id] = _parked(store, VOCAL)
    parent, child = store.get(parent_id), store.get(child_id)
    assert (parent.state, parent.waiting, parent.worker, parent.lease_until) == (JobState.RUNNING, True, None, None)
    assert (parent.phase, parent.saved, parent.attempt) == ("mix-down", {"bars": 8}, 0)
    assert (child.parent_id, child.tenant, child.state) == (parent_id, "a", JobState.QUEUED)
    assert _messages(store) == [child_id]
    clock.advance(1e6)
    assert sum(store.sweep().values()) == 0
    assert store.claim(parent_id, "w") is None


def test_the_parent_continues_after_the_last_child(store: JobStore) -> None:
    parent_id, [first, second] = _parked(store, VOCAL, VOCAL)
    store.succeed(_claim(store, first), {})
    assert store.get(parent_id).waiting
    store.succeed(_claim(store, second), {})

    parent = store.get(parent_id)
    assert (parent.state, parent.waiting) == (JobState.QUEUED, False)
    assert _messages(store) == [parent_id]
    resumed = store.events(parent_id)[-1]
    assert resumed.data == {"phase": "mix-down", "children": {first: "succeeded", second: "succeeded"}}
    lease = _claim(store, parent_id)
    assert store.get(parent_id).attempt == 1, "attempts are counted for each phase"
    assert [child.id for child in store.children(parent_id, newest_batch=True)] == [first, second]
    store.succeed(lease, {})


def test_a_failed_voice_fails_the_song_with_its_own_error(store: JobStore) -> None:
    parent_id, [take, vocal] = _parked(store, TAKE, VOCAL)
    store.fail(_claim(store, vocal), ERROR, retryable=False)
    assert not store.get(parent_id).state.is_final, "the other child is still at work"
    store.succeed(_claim(store, take), {})
    parent = store.get(parent_id)
    assert (parent.state, parent.error) == (JobState.FAILED, ERROR)
    assert [event.type for event in store.events(parent_id)][-2:] == ["bandmate.job.failed", "job.failed"]
    assert [event.type for event in store.events(vocal)][-1] == "job.failed"
    assert "bandmate.job.failed" not in [event.type for event in store.events(vocal)], "only root jobs are announced"


def test_a_song_succeeds_if_some_of_its_takes_do(store: JobStore) -> None:
    parent_id, [bad, good] = _parked(store, TAKE, TAKE)
    store.fail(_claim(store, bad), ERROR, retryable=False)
    store.succeed(_claim(store, good), {})
    _claim(store, parent_id)
    states = [child.state for child in store.children(parent_id, newest_batch=True)]
    assert states == [JobState.FAILED, JobState.SUCCEEDED]


def test_without_one_take_the_song_fails_with_the_first_error(store: JobStore, clock) -> None:
    parent_id, [first_take, second_take] = _parked(store, TAKE, TAKE)
    clock.advance(1)
    store.fail(_claim(store, second_take), ERROR, retryable=False)
    clock.advance(1)
    store.fail(_claim(store, first_take), ERROR.model_copy(update={"type": "later"}), retryable=False)
    assert store.get(parent_id).error == ERROR


def test_a_child_whose_worker_keeps_dying_fails_the_parent(store: JobStore, clock) -> None:
    parent_id, [vocal] = _parked(store, VOCAL)
    for _ in range(3):
        _claim(store, vocal)
        clock.advance(1.0)
        store.sweep()
    parent = store.get(parent_id)
    assert parent.state == JobState.FAILED
    assert parent.error is not None
    assert parent.error.type == "attempts-exhausted"
    assert [letter.job_id for letter in store.dead_letters("bandmate-vocal")] == [vocal]


def test_children_of_an_earlier_phase_do_not_count_in_the_next(store: JobStore) -> None:
    parent_id, [bad, good] = _parked(store, TAKE, TAKE)
    store.fail(_claim(store, bad), ERROR, retryable=False)
    store.succeed(_claim(store, good), {})
    [third] = store.park(_claim(store, parent_id), [TAKE], "again")
    store.fail(_claim(store, third), ERROR, retryable=False)
    assert store.get(parent_id).state == JobState.FAILED, "the take that succeeded was not of this phase"
    assert [child.id for child in store.children(parent_id, newest_batch=True)] == [third]
    assert len(store.children(parent_id)) == 3


def test_parking_for_no_children_goes_on_at_once(store: JobStore) -> None:
    parent_id, ids = _parked(store)
    assert ids == []
    parent = store.get(parent_id)
    assert (parent.state, parent.phase, parent.saved) == (JobState.QUEUED, "mix-down", {"bars": 8})
    assert _messages(store) == [parent_id]


def test_cancelling_a_parent_cancels_all_below_it(store: JobStore) -> None:
    parent_id, [queued, running, take] = _parked(store, VOCAL, VOCAL, TAKE)
    lease = _claim(store, running)
    [grandchild] = store.park(_claim(store, take), [VOCAL], "mix-down")
    store.cancel(parent_id, "a")

    states = {job_id: store.get(job_id).state for job_id in (parent_id, queued, take, grandchild)}
    assert set(states.values()) == {JobState.CANCELLED}
    assert store.heartbeat(lease).cancel_requested
    store.cancelled(lease)
    assert store.get(running).state == JobState.CANCELLED
    assert _messages(store) == []


def test_cancelling_the_only_child_fails_the_parent(store: JobStore) -> None:
    parent_id, [vocal] = _parked(store, VOCAL)
    store.cancel(vocal)
    parent = store.get(parent_id)
    assert parent.state == JobState.FAILED
    assert parent.error is not None
    assert parent.error.type == "cancelled"
    assert vocal in parent.error.detail


def test_failure_and_redriving_reach_every_ancestor(store: JobStore) -> None:
    song, [take] = _parked(store, TAKE)
    [vocal] = store.park(_claim(store, take), [VOCAL], "mix-down")
    store.fail(_claim(store, vocal), ERROR, retryable=False)
    assert [store.get(job_id).state for job_id in (vocal, take, song)] == [JobState.FAILED] * 3

    assert store.redrive(vocal).id == song
    assert [(store.get(job_id).state, store.get(job_id).waiting) for job_id in (vocal, take, song)] == [
        (JobState.QUEUED, False),
        (JobState.RUNNING, True),
        (JobState.RUNNING, True),
    ]
    for job_id in (vocal, take, song):
        store.succeed(_claim(store, job_id), {})
    assert store.get(song).state == JobState.SUCCEEDED
    assert store.get(song).error is None


def test_redriving_the_parent_redrives_the_failed_children_only(store: JobStore) -> None:
    song, [good, bad] = _parked(store, TAKE, VOCAL)
    store.succeed(_claim(store, good), {"kept": True})
    store.fail(_claim(store, bad), ERROR, retryable=False)
    store.redrive(song)
    assert store.get(good).result == {"kept": True}
    assert _messages(store) == [bad]


def test_redriving_a_parent_that_failed_by_itself_starts_its_phase_anew(store: JobStore) -> None:
    song, [vocal] = _parked(store, VOCAL)
    store.succeed(_claim(store, vocal), {})
    store.fail(_claim(store, song), ERROR, retryable=False)
    job = store.redrive(song)
    assert (job.state, job.phase, job.saved, job.attempt) == (JobState.QUEUED, "mix-down", {"bars": 8}, 0)
    assert [child.id for child in store.children(song, newest_batch=True)] == [vocal]
