"""The job store returns values unchanged, on SQLite and on PostgreSQL.

The rest of the store's conformance suite is in `tests/unit/jobs`: every test there runs on both databases too.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from bandmate_shared.contracts.jobs import Artifact, JobError
from bandmate_shared.errors import InvalidRequest
from bandmate_shared.jobs.database.migrate import upgrade
from bandmate_shared.jobs.model import NewJob
from bandmate_shared.jobs.store import JobStore
from bandmate_shared.settings import SharedSettings
from sqlalchemy import text

from tests.support.postgres_server import PostgresServer

HARD_JSON = {
    "a NUL": "la\0la",
    "half of a surrogate pair": "\ud83c",
    "beyond the BMP": "🎼 𝄞",
    "right to left": "שיר",
    "numbers": [0, -1, 2**53 + 1, 1e300, 0.1],
    "nothing": None,
    "nested": {"z": 1, "a": [{"": ""}]},
    "": "an empty name",
    "long": "x" * 100_000,
}


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        postgres_url: str = request.getfixturevalue("postgres_url")
        return postgres_url
    return f"sqlite:///{tmp_path / 'jobs.sqlite3'}"


@pytest.fixture
def store(url: str) -> Iterator[JobStore]:
    opened = JobStore.open(SharedSettings(database_url=url))
    yield opened
    opened.close()


def test_json_is_returned_unchanged(store: JobStore) -> None:
    lease = store.claim(store.submit(NewJob("song", HARD_JSON)).job.id, "w")
    assert lease is not None
    store.append_event(lease, "odd", HARD_JSON)
    [child] = store.park(lease, [NewJob("take", HARD_JSON)], "next", HARD_JSON)
    child_lease = store.claim(child, "w")
    assert child_lease is not None
    store.succeed(child_lease, HARD_JSON)
    job = store.get(lease.job_id)
    assert (job.request, job.saved, store.get(child).result) == (HARD_JSON, HARD_JSON, HARD_JSON)
    assert list(job.request) == list(HARD_JSON), "the names keep their order"
    assert next(event.data for event in store.events(job.id) if event.type == "odd") == HARD_JSON


def test_errors_and_dead_letters_take_any_text(store: JobStore) -> None:
    lease = store.claim(store.submit(NewJob("song", {})).job.id, "w")
    assert lease is not None
    error = JobError(type="internal", title="t", detail="a \0 and a \ud800 in somebody's file name")
    for _ in range(store.policy.max_attempts - 1):
        store.fail(lease, error, retryable=True)
        again = store.claim(lease.job_id, "w")
        assert again is not None
        lease = again
    store.fail(lease, error, retryable=True)
    assert store.get(lease.job_id).error == error
    store.add_dead_letter("bandmate-submissions", "\0{\ud83c🎼", "not \0 JSON")
    reasons = [letter.reason for letter in store.dead_letters()]
    assert len(reasons) == 2
    assert not [reason for reason in reasons if "\0" in reason or "\ud800" in reason]


@pytest.mark.parametrize("key", ["x" * 256, "a\0b", "ключ"])
def test_an_invalid_idempotency_key_is_refused(store: JobStore, key: str) -> None:
    with pytest.raises(InvalidRequest, match="idempotency key"):
        store.submit(NewJob("song", {}), idempotency_key=key)
    assert store.list_jobs(None) == ([], None)
    assert store.submit(NewJob("song", {}), idempotency_key="x" * 255).created


def test_times_are_exact_to_the_microsecond_in_any_time_zone(url: str) -> None:
    moment = datetime(2026, 3, 29, 3, 30, 0, 123456, tzinfo=timezone(timedelta(hours=5, minutes=45)))
    store = JobStore.open(SharedSettings(database_url=url), lambda: moment)
    job = store.get(store.submit(NewJob("song", {})).job.id)
    assert job.created_at == moment
    assert job.created_at.tzinfo == UTC
    assert store.events(job.id)[0].time == moment
    store.close()


def test_the_time_zone_of_the_database_does_not_matter(postgres: PostgresServer, postgres_url: str) -> None:
    name = postgres_url.rpartition("/")[2]
    with postgres.connect() as administrator:
        administrator.execute(f"ALTER DATABASE {name} SET timezone = 'Asia/Kathmandu'".encode())
    moment = datetime(2026, 11, 1, 8, 30, tzinfo=UTC)
    store = JobStore.open(SharedSettings(database_url=postgres_url), lambda: moment)
    assert store.database.read(lambda connection: connection.scalar(text("SHOW timezone"))) == "Asia/Kathmandu"
    job = store.get(store.submit(NewJob("song", {})).job.id)
    assert (job.created_at, job.created_at.tzinfo) == (moment, UTC)
    first, cursor = store.list_jobs(None, limit=1)
    assert first == [job]
    assert cursor is None
    store.close()
    with postgres.connect() as administrator:
        administrator.execute(f"ALTER DATABASE {name} RESET timezone".encode())


def test_a_database_that_was_made_without_an_encoding(postgres: PostgresServer) -> None:
    """As `createdb` creates it where no locale is set."""
    name = postgres.create("ENCODING 'SQL_ASCII' LOCALE 'C'")
    upgrade(postgres.url(name))
    store = JobStore.open(SharedSettings(database_url=postgres.url(name)))
    store.add_dead_letter("bandmate-submissions", "шир 🎼", "не JSON")
    [letter] = store.dead_letters()
    assert (letter.payload, letter.reason) == ("шир 🎼", "не JSON")
    assert store.get(store.submit(NewJob("song", HARD_JSON)).job.id).request == HARD_JSON
    store.close()
    postgres.drop(name)


def test_a_job_with_many_artifacts(store: JobStore) -> None:
    lease = store.claim(store.submit(NewJob("song", {})).job.id, "w")
    assert lease is not None
    artifacts = [
        Artifact(name=f"stems/{n}.wav", sha256=f"{n:064x}", size=2**40 + n, media_type="audio/wav") for n in range(500)
    ]
    store.succeed(lease, {}, artifacts)
    assert store.get(lease.job_id).artifacts == artifacts


def test_a_store_can_be_opened_twice_in_one_process(url: str) -> None:
    """The same database twice in one process, as the API and its sweeper have it."""
    stores = [JobStore.open(SharedSettings(database_url=url)) for _ in range(2)]
    job = stores[0].submit(NewJob("song", {})).job
    assert stores[1].get(job.id) == job
    opened: list[Callable[[], None]] = [store.close for store in stores]
    for close in opened:
        close()
