import base64

import pytest
from bandmate_shared.errors import InvalidRequest
from bandmate_shared.jobs.model import NewJob
from bandmate_shared.jobs.queries import MAX_PAGE
from bandmate_shared.jobs.store import JobStore


def _walk(store: JobStore, limit: int, **filters) -> list[str]:
    job_ids, cursor = [], None
    while True:
        page, cursor = store.list_jobs("local", cursor=cursor, limit=limit, **filters)
        job_ids += [job.id for job in page]
        assert len(page) <= limit
        if cursor is None:
            return job_ids


def _encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 50])
def test_pagination_lists_every_job_once_newest_first(store: JobStore, clock, limit: int) -> None:
    ids = []
    for number in range(7):
        ids.append(store.submit(NewJob("song", {})).job.id)
        clock.advance(number % 2)  # Some are made at the very same moment.
    listed_ids = _walk(store, limit)
    assert sorted(listed_ids) == sorted(ids)
    times = [store.get(job_id).created_at for job_id in listed_ids]
    assert times == sorted(times, reverse=True)


def test_new_jobs_do_not_disturb_a_walk(store: JobStore, clock) -> None:
    old = [store.submit(NewJob("song", {})).job.id for _ in range(4)]
    first, cursor = store.list_jobs("local", limit=2)
    clock.advance(1)
    store.submit(NewJob("song", {}))
    second, end = store.list_jobs("local", cursor=cursor, limit=2)
    assert sorted(job.id for job in first + second) == sorted(old)
    assert end is None


def test_filters(store: JobStore) -> None:
    song = store.submit(NewJob("song", {})).job.id
    vocal = store.submit(NewJob("vocal", {})).job.id
    dataset = store.submit(NewJob("dataset", {})).job.id
    store.submit(NewJob("song", {}, tenant="b"))
    store.cancel(vocal)
    assert _walk(store, 1, kind="song") == [song]
    assert set(_walk(store, 1, kind=["song", "dataset"])) == {song, dataset}
    assert _walk(store, 1, state="cancelled") == [vocal]
    assert len(store.list_jobs(None)[0]) == 4


def test_a_page_is_bounded(store: JobStore) -> None:
    for _ in range(3):
        store.submit(NewJob("song", {}))
    assert len(store.list_jobs("local", limit=0)[0]) == 1
    assert len(store.list_jobs("local", limit=MAX_PAGE * 10)[0]) == 3


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "é",
        *(_encoded(text) for text in ("[1]", '["2026-01-01", "a"]', '["2026-01-01T00:00:00+00:00", 1]', "{")),
    ],
)
def test_a_foreign_cursor_is_refused(store: JobStore, cursor: str) -> None:
    with pytest.raises(InvalidRequest, match="cursor"):
        store.list_jobs("local", cursor=cursor)
