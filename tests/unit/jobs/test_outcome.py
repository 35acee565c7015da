"""How attempts and jobs end, and how the sweeper handles workers that died."""

import pytest
from bandmate_shared.contracts.jobs import Artifact, JobError, JobState
from bandmate_shared.errors import Conflict, InvalidRequest, NotFound
from bandmate_shared.jobs.model import Lease, NewJob
from bandmate_shared.jobs.queries import FINAL_EVENTS
from bandmate_shared.jobs.store import JobStore

ERROR = JobError(type="unavailable", title="Service unavailable", detail="the model is away")
ARTIFACT = Artifact(name="song.mid", sha256="0" * 64, size=1, media_type="audio/midi")


def _claim(store: JobStore, job_id: str) -> Lease:
    lease = store.claim(job_id, "w")
    assert lease is not None
    return lease


def _submit(store: JobStore, kind: str = "song") -> str:
    return store.submit(NewJob(kind, {})).job.id


def _types(store: JobStore, job_id: str) -> list[str]:
    events = store.events(job_id)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    return [event.type for event in events]


@pytest.mark.parametrize(
    ("kind", "announcement"),
    [
        ("song", ["bandmate.song.completed"]),
        ("dataset", ["bandmate.dataset.ready"]),
        ("training", ["bandmate.model.trained"]),
        ("vocal", []),
    ],
)
def test_success(store: JobStore, clock, kind: str, announcement: list[str]) -> None:
    job_id = _submit(store, kind)
    clock.advance(5)
    store.succeed(_claim(store, job_id), {"seed": 3}, [ARTIFACT])
    job = store.get(job_id)
    assert (job.state, job.result, job.artifacts, job.error) == (JobState.SUCCEEDED, {"seed": 3}, [ARTIFACT], None)
    assert job.finished_at == clock.now
    assert job.fraction == 1.0
    assert job.artifact("song.mid") == ARTIFACT
    assert job.artifact("song.wav") is None
    assert _types(store, job_id) == ["job.queued", "job.running", *announcement, "job.succeeded"]


def test_a_refusal_fails_the_job_at_once_and_is_no_dead_letter(store: JobStore) -> None:
    job_id = _submit(store)
    store.fail(_claim(store, job_id), ERROR, retryable=False)
    job = store.get(job_id)
    assert (job.state, job.error, job.attempt) == (JobState.FAILED, ERROR, 1)
    assert _types(store, job_id)[-2:] == ["bandmate.job.failed", "job.failed"]
    assert store.dead_letters() == []
    assert store.pending_messages() == []


def test_a_passing_failure_is_tried_three_times_with_growing_pauses_then_given_up(store: JobStore, clock) -> None:
    job_id = _submit(store)
    pauses = []
    for _ in range(2):
        store.fail(_claim(store, job_id), ERROR, retryable=True)
        assert store.get(job_id).state == JobState.QUEUED
        pauses.append(store.events(job_id)[-1].data["retry_in_seconds"])
        assert store.pending_messages() == [], "not before the pause is over"
        clock.advance(pauses[-1])
        assert [message.job_id for message in store.pending_messages()] == [job_id]
    store.fail(_claim(store, job_id), ERROR, retryable=True)

    assert pauses == sorted(set(pauses))
    job = store.get(job_id)
    assert (job.state, job.error, job.attempt) == (JobState.FAILED, ERROR, 3)
    [letter] = store.dead_letters("bandmate-generate-dlq")
    assert (letter.job_id, letter.queue) == (job_id, "bandmate-generate")
    assert letter.reason == "failed 3 times, lastly: the model is away"
    assert store.claim(job_id, "w") is None


def test_a_worker_that_dies_is_replaced_three_times_then_the_job_is_given_up(store: JobStore, clock) -> None:
    job_id = _submit(store)
    for attempt in (1, 2):
        _claim(store, job_id)
        assert store.sweep()["requeued"] == 0, "the lease still lasts"
        clock.advance(1.0)
        assert store.sweep()["requeued"] == 1
        job = store.get(job_id)
        assert (job.state, job.attempt, job.worker) == (JobState.QUEUED, attempt, None)
        assert [message.job_id for message in store.pending_messages()] == [job_id]
    _claim(store, job_id)
    clock.advance(1.0)
    assert store.claim(job_id, "w") is None, "no attempts are left"
    assert store.sweep() == {"requeued": 0, "failed": 1, "cancelled": 0, "forgotten": 0}

    job = store.get(job_id)
    assert job.state == JobState.FAILED
    assert job.error is not None
    assert job.error.type == "attempts-exhausted"
    assert "died on each of the 3 attempts" in job.error.detail
    [letter] = store.dead_letters("bandmate-generate")
    assert letter.job_id == job_id


def test_a_released_attempt_does_not_count(store: JobStore) -> None:
    job_id = _submit(store)
    for _ in range(5):
        store.release(_claim(store, job_id))
    job = store.get(job_id)
    assert (job.state, job.attempt, job.fence) == (JobState.QUEUED, 0, 5)
    assert [message.job_id for message in store.pending_messages()] == [job_id]


def test_a_queued_job_is_cancelled_at_once(store: JobStore) -> None:
    job_id = _submit(store)
    assert store.cancel(job_id).state == JobState.CANCELLED
    assert store.pending_messages() == []
    assert store.claim(job_id, "w") is None
    assert _types(store, job_id) == ["job.queued", "job.cancelled"]


def test_a_running_job_is_cancelled_by_its_worker(store: JobStore) -> None:
    job_id = _submit(store)
    lease = _claim(store, job_id)
    assert store.cancel(job_id).state == JobState.RUNNING
    assert store.cancel(job_id).cancel_requested
    store.cancelled(lease)
    assert store.get(job_id).state == JobState.CANCELLED
    assert _types(store, job_id)[2:] == ["job.cancel-requested", "job.cancelled"]


@pytest.mark.parametrize("ending", ["dies", "fails", "is stopped", "parks"])
def test_a_cancelled_job_is_not_tried_again(store: JobStore, clock, ending: str) -> None:
    job_id = _submit(store)
    lease = _claim(store, job_id)
    store.cancel(job_id)
    if ending == "dies":
        clock.advance(1.0)
        assert store.claim(job_id, "second") is None
        assert store.sweep()["cancelled"] == 1
    elif ending == "fails":
        store.fail(lease, ERROR, retryable=True)
    elif ending == "is stopped":
        store.release(lease)
    else:
        assert store.park(lease, [NewJob("vocal", {})], "mix-down") == []
        assert store.children(job_id) == []
    assert store.get(job_id).state == JobState.CANCELLED


def test_ended_jobs_do_not_change(store: JobStore) -> None:
    job_id = _submit(store)
    store.succeed(_claim(store, job_id), {})
    before = store.get(job_id), store.events(job_id)
    store.cancel(job_id)
    assert (store.get(job_id), store.events(job_id)) == before


def test_a_redriven_job_has_all_its_attempts_again(store: JobStore, clock) -> None:
    job_id = _submit(store)
    for _ in range(3):
        _claim(store, job_id)
        clock.advance(1.0)
        store.sweep()
    [letter] = store.dead_letters()

    assert store.redrive(letter.id).id == job_id
    job = store.get(job_id)
    assert (job.state, job.attempt, job.error, job.finished_at) == (JobState.QUEUED, 0, None, None)
    assert _types(store, job_id)[-1] == "job.redriven"
    assert [message.job_id for message in store.pending_messages()] == [job_id]
    [letter] = store.dead_letters()
    assert letter.redriven_at == clock.now
    lease = _claim(store, job_id)
    assert lease.fence == 4, "the fence goes on"
    store.succeed(lease, {})
    assert _types(store, job_id)[-1] in FINAL_EVENTS


def test_only_what_failed_can_be_redriven(store: JobStore) -> None:
    job_id = _submit(store)
    with pytest.raises(Conflict, match="is queued; only a failed job"):
        store.redrive(job_id)
    with pytest.raises(NotFound):
        store.redrive("song_x")
    with pytest.raises(NotFound):
        store.redrive("dl_x")
    letter_id = store.add_dead_letter("bandmate-submissions", "{\0", "not JSON: \0")
    with pytest.raises(InvalidRequest, match="never became a job"):
        store.redrive(letter_id)
    [letter] = store.dead_letters("bandmate-submissions")
    assert "\0" not in letter.payload + letter.reason
