"""Transactions when PostgreSQL or the connection to it fails. The server and the failures are real."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from bandmate_shared.contracts.jobs import JobState
from bandmate_shared.errors import Unavailable
from bandmate_shared.jobs.database import database as database_module
from bandmate_shared.jobs.database.database import Database
from bandmate_shared.jobs.database.engine import Limits
from bandmate_shared.jobs.database.schema import jobs
from bandmate_shared.jobs.model import Lease, NewJob
from bandmate_shared.jobs.store import JobStore
from bandmate_shared.settings import SharedSettings
from sqlalchemy import Connection, event, func, select, text, update
from sqlalchemy.exc import ProgrammingError

from tests.support.postgres_server import PostgresServer

UNCHANGED = "nothing was changed"


@pytest.fixture
def store(postgres_url: str) -> Iterator[JobStore]:
    opened = JobStore.open(SharedSettings(database_url=postgres_url, database_connections=4))
    yield opened
    opened.close()


@pytest.fixture
def end_session(postgres: PostgresServer) -> Callable[[Connection], None]:
    """End the session of a connection, as an administrator or a failover does."""

    def end(connection: Connection) -> None:
        process = connection.connection.driver_connection.info.backend_pid
        with postgres.connect() as administrator:
            administrator.execute("SELECT pg_terminate_backend(%s, 5000)", (process,))

    return end


def _count(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(jobs)).scalar_one()


def test_sessions_that_ended_while_idle_are_replaced(store: JobStore, postgres: PostgresServer) -> None:
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: store.submit(NewJob("song", {})), range(8)))
    name = store.database.engine.url.database
    with postgres.connect() as administrator:
        query = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE datname = %s"
        [count] = administrator.execute(query, (name,)).fetchone() or [0]
    assert count
    assert store.submit(NewJob("song", {})).created
    assert len(store.list_jobs(None)[0]) == 9


def test_a_transaction_is_retried_when_its_session_ends(store: JobStore, end_session) -> None:
    attempts = []

    def work(connection: Connection) -> int:
        attempts.append(connection)
        connection.execute(update(jobs).values(stage=f"try {len(attempts)}"))
        if len(attempts) == 1:
            end_session(connection)
        return _count(connection)

    store.submit(NewJob("song", {}))
    assert store.database.write(work) == 1
    assert len(attempts) == 2
    assert store.list_jobs(None)[0][0].stage == "try 2"


def test_a_lost_answer_to_a_commit_is_reported_as_unknown(store: JobStore, end_session) -> None:
    job = store.submit(NewJob("song", {})).job
    attempts = []

    def work(connection: Connection) -> None:
        attempts.append(connection)
        connection.execute(update(jobs).values(stage="compose"))

    event.listen(store.database.engine, "commit", end_session, once=True)
    with pytest.raises(Unavailable, match="whether the change was made is not known") as caught:
        store.database.write(work)
    assert caught.value.retryable
    assert len(attempts) == 1, "what may have happened is not done again"
    assert store.get(job.id).stage is None


def test_reads_are_always_retried(store: JobStore, end_session) -> None:
    event.listen(store.database.engine, "commit", end_session, once=True)
    assert store.backlog() == {}


def test_a_transaction_is_retried_after_a_restart(store: JobStore, postgres: PostgresServer) -> None:
    attempts = []

    def work(connection: Connection) -> None:
        attempts.append(connection)
        connection.execute(update(jobs).values(stage=f"try {len(attempts)}"))
        if len(attempts) == 1:
            postgres.restart()
        connection.execute(update(jobs).values(fraction=0.5))

    job = store.submit(NewJob("song", {})).job
    store.database.write(work)
    assert store.get(job.id).stage == "try 2"
    assert len(attempts) == 2


def test_calls_are_unavailable_while_the_server_is_down_and_work_afterwards(
    store: JobStore, postgres: PostgresServer
) -> None:
    job = store.submit(NewJob("song", {}), idempotency_key="k").job
    lease = store.claim(job.id, "w")
    assert lease is not None
    postgres.kill()
    try:
        for call in (store.backlog, lambda: store.heartbeat(lease), lambda: store.submit(NewJob("song", {}))):
            started = time.monotonic()
            with pytest.raises(Unavailable, match=UNCHANGED):
                call()
            assert time.monotonic() - started < 10
    finally:
        postgres.start()
    assert store.heartbeat(lease).fence == lease.fence
    store.succeed(lease, {})
    assert store.get(job.id).state == JobState.SUCCEEDED
    assert not store.submit(NewJob("song", {}), idempotency_key="k").created


def test_both_transactions_of_a_deadlock_succeed(store: JobStore) -> None:
    ids = [store.submit(NewJob("song", {})).job.id for _ in range(2)]
    barrier = threading.Barrier(2, timeout=30)
    attempts: list[int] = []

    def work_of(number: int) -> Callable[[Connection], None]:
        first_try = threading.Event()

        def work(connection: Connection) -> None:
            attempts.append(number)
            for job_id in (ids[number], ids[1 - number]):
                connection.execute(update(jobs).where(jobs.c.id == job_id).values(fence=jobs.c.fence + 1))
                if not first_try.is_set():
                    first_try.set()
                    barrier.wait()

        return work

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda number: store.database.write(work_of(number)), range(2)))
    assert [store.get(job_id).fence for job_id in ids] == [2, 2], "each had its effect once"
    assert len(attempts) == 3, "one of them was undone and tried again"


def test_another_default_isolation_changes_nothing(postgres: PostgresServer, empty_postgres_url: str) -> None:
    from bandmate_shared.jobs.database.migrate import upgrade

    upgrade(empty_postgres_url)
    name = empty_postgres_url.rpartition("/")[2]
    with postgres.connect() as administrator:
        statement = f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'"
        administrator.execute(statement.encode())
    store = JobStore.open(SharedSettings(database_url=empty_postgres_url))
    assert store.database.read(lambda connection: connection.scalar(text("SHOW transaction_isolation"))) == (
        "read committed"
    )
    store.close()


def test_waiting_for_a_lock_is_limited(postgres_url: str) -> None:
    store = JobStore.open(SharedSettings(database_url=postgres_url, database_lock_seconds=0.2))
    lease = store.claim(store.submit(NewJob("song", {})).job.id, "w")
    assert lease is not None
    with store.database.writing() as other_connection:
        other_connection.execute(select(jobs.c.id).with_for_update())
        with pytest.raises(Unavailable, match="took too long and nothing was changed"):
            store.heartbeat(lease)
    assert store.heartbeat(lease).fence == 1
    store.close()


def test_the_time_of_a_statement_is_limited(postgres_url: str) -> None:
    database = Database(postgres_url, Limits(statement_seconds=0.2))
    with pytest.raises(Unavailable, match="took too long"):
        database.read(lambda connection: connection.execute(text("SELECT pg_sleep(30)")))
    database.close()


def test_a_hanging_transaction_releases_its_locks(store: JobStore, postgres_url: str) -> None:
    lease = store.claim(store.submit(NewJob("song", {})).job.id, "w")
    assert lease is not None
    hanging = Database(postgres_url, Limits(statement_seconds=0.3))
    waiting_lease: list[Lease] = []
    with pytest.raises(Unavailable), hanging.writing() as connection:  # noqa: PT012 - it fails as it commits
        connection.execute(update(jobs).values(stage="of the hanging one"))
        waiting_lease.append(store.heartbeat(lease))
    hanging.close()
    assert waiting_lease, "another waits, and then goes on"
    assert store.get(lease.job_id).stage is None


def test_when_all_connections_are_in_use_the_error_names_the_setting(postgres_url: str) -> None:
    database = Database(postgres_url, Limits(connections=1, connect_seconds=0.2))
    with database.reading(), pytest.raises(Unavailable, match="BANDMATE_DATABASE_CONNECTIONS"):
        database.read(_count)
    assert database.read(_count) == 0
    database.close()


def test_an_unreachable_server_is_unavailable_and_the_password_is_not_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(database_module, "RETRY_PAUSES", (0.01,))
    with pytest.raises(Unavailable) as caught:
        Database("postgresql+psycopg://user:verysecret@127.0.0.1:1/none", Limits(connect_seconds=1))
    assert "verysecret" not in caught.value.detail + caplog.text
    assert "refused" in caplog.text, "the log says why"


def test_programming_errors_are_not_retried(store: JobStore) -> None:
    attempts = []

    def work(connection: Connection) -> None:
        attempts.append(connection)
        connection.execute(text("SELECT nothing_such"))

    with pytest.raises(ProgrammingError):
        store.database.write(work)
    assert len(attempts) == 1
