import pytest
from bandmate_shared.contracts.jobs import JobState
from bandmate_shared.errors import Conflict, NotFound
from bandmate_shared.jobs.model import NewJob, QuotaExceeded
from bandmate_shared.jobs.store import JobStore
from bandmate_shared.settings import SharedSettings

SONG = NewJob("song", {"style": "folk", "bars": 8})


def test_a_submitted_job_is_queued_told_of_and_to_be_sent(store: JobStore) -> None:
    submitted = store.submit(SONG)

    job = store.get(submitted.job.id)
    assert submitted.created
    assert submitted.job == job
    assert job.id.startswith("song_")
    assert job.id == job.id.lower()
    assert (job.state, job.attempt, job.fence, job.phase) == (JobState.QUEUED, 0, 0, "start")
    assert [(event.seq, event.type) for event in store.events(job.id)] == [(1, "job.queued")]
    assert [(message.job_id, message.queue) for message in store.pending_messages()] == [(job.id, "bandmate-generate")]


@pytest.mark.parametrize(
    ("kind", "queue"),
    [
        ("song", "generate"),
        ("take", "generate"),
        ("vocal", "vocal"),
        ("dataset", "ingest"),
        ("training", "train"),
    ],
)
def test_each_kind_goes_to_the_queue_of_its_service(store: JobStore, kind: str, queue: str) -> None:
    store.submit(NewJob(kind, {}))
    assert [message.queue for message in store.pending_messages()] == [f"bandmate-{queue}"]
    assert store.backlog() == {f"bandmate-{queue}": 1}


def test_the_same_key_and_request_are_one_job(store: JobStore) -> None:
    first = store.submit(SONG, idempotency_key="k")
    again = store.submit(NewJob("song", {"bars": 8, "style": "folk"}), idempotency_key="k")

    assert (first.created, again.created) == (True, False)
    assert again.job.id == first.job.id
    assert len(store.pending_messages()) == 1


def test_the_answer_to_a_key_is_the_job_as_it_is_now(store: JobStore) -> None:
    job = store.submit(SONG, idempotency_key="k").job
    store.claim(job.id, "w")
    assert store.submit(SONG, idempotency_key="k").job.state == JobState.RUNNING


def test_another_request_under_the_same_key_is_refused(store: JobStore) -> None:
    store.submit(SONG, idempotency_key="k")
    with pytest.raises(Conflict, match="idempotency key 'k' was used"):
        store.submit(NewJob("song", {"style": "jazz"}), idempotency_key="k")
    with pytest.raises(Conflict):
        store.submit(NewJob("take", SONG.request), idempotency_key="k")


def test_what_was_asked_decides_when_a_seed_was_drawn_since(store: JobStore) -> None:
    fields = {"style": "folk"}
    first = store.submit(NewJob("song", fields | {"seed": 1}), idempotency_key="k", asked=fields)
    again = store.submit(NewJob("song", fields | {"seed": 2}), idempotency_key="k", asked=fields)
    assert again.job.id == first.job.id
    assert again.job.request["seed"] == 1


def test_keys_are_the_tenants_own(store: JobStore) -> None:
    tenant_a = store.submit(NewJob("song", {}, tenant="a"), idempotency_key="k")
    tenant_b = store.submit(NewJob("song", {}, tenant="b"), idempotency_key="k")
    assert tenant_b.created
    assert tenant_b.job.id != tenant_a.job.id


def test_an_idempotency_key_expires_after_a_day(store: JobStore, clock) -> None:
    first = store.submit(SONG, idempotency_key="k")
    clock.advance(24 * 3600 - 1)
    assert not store.submit(SONG, idempotency_key="k").created
    clock.advance(1)
    second = store.submit(SONG, idempotency_key="k")
    assert second.created
    assert second.job.id != first.job.id
    clock.advance(24 * 3600)
    assert store.sweep()["forgotten"] == 1


def test_past_the_quota_a_tenant_is_told_to_come_back(new_database_url) -> None:
    store = JobStore.open(SharedSettings(database_url=new_database_url(), queue_quota=2))
    first = store.submit(NewJob("song", {}, tenant="a"), idempotency_key="k").job
    store.submit(NewJob("song", {}, tenant="a"))
    with pytest.raises(QuotaExceeded, match="at most 2") as raised:
        store.submit(NewJob("song", {}, tenant="a"))
    assert (raised.value.status, raised.value.retry_after > 0) == (429, True)

    assert store.submit(NewJob("song", {}, tenant="b")).created, "another tenant has a quota of its own"
    again = store.submit(NewJob("song", {}, tenant="a"), idempotency_key="k")
    assert again.job.id == first.id, "a repeated submission does not count"
    store.cancel(first.id)
    assert store.submit(NewJob("song", {}, tenant="a")).created, "an ended job no longer counts"
    store.close()


def test_children_do_not_count_towards_the_quota(new_database_url) -> None:
    store = JobStore.open(SharedSettings(database_url=new_database_url(), queue_quota=2))
    lease = store.claim(store.submit(SONG).job.id, "w")
    assert lease is not None
    store.park(lease, [NewJob("take", {}) for _ in range(5)], "choose")
    assert store.submit(SONG).created
    store.close()


def test_a_job_and_its_children_belong_to_one_trace(store: JobStore) -> None:
    trace, other = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-" + "1" * 32 + "-" + "2" * 16 + "-00"
    job = store.submit(NewJob("song", {}, traceparent=trace)).job
    assert job.traceparent == store.get(job.id).traceparent == trace
    lease = store.claim(job.id, "w")
    assert lease is not None
    ids = store.park(lease, [NewJob("take", {}), NewJob("take", {}, traceparent=other)], "choose")
    assert [store.get(job_id).traceparent for job_id in ids] == [trace, other]
    assert store.submit(NewJob("song", {})).job.traceparent is None


def test_a_child_cannot_be_submitted(store: JobStore) -> None:
    parent = store.submit(SONG).job
    with pytest.raises(ValueError, match="parking"):
        store.submit(NewJob("vocal", {}, parent_id=parent.id))


def test_another_tenants_job_is_not_found(store: JobStore) -> None:
    job = store.submit(NewJob("song", {}, tenant="a")).job
    assert store.get(job.id, "a").id == job.id
    for ask in (store.get, store.cancel):
        with pytest.raises(NotFound, match=job.id):
            ask(job.id, "b")
    assert store.get(job.id).state == JobState.QUEUED
    assert store.list_jobs("b") == ([], None)


def test_an_unknown_job_is_not_found(store: JobStore) -> None:
    with pytest.raises(NotFound, match="there is no job song_x"):
        store.get("song_x")
