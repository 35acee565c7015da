"""The tables of the job store, and how its database is opened.

Nothing here is SQLite's alone: the statements run on Postgres as they stand. What SQLite needs besides is in
`_prepare_sqlite`. The invariants that the store keeps, and the tests check:
  - a queued job has exactly one outbox row; a job in any other state has none;
  - `jobs.last_seq` is the number of the job's events, whose `seq` run from 1 without a gap;
  - a waiting job is running, has no lease, and has at least one child that has not ended.
"""

import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    DateTime,
    Dialect,
    Engine,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    false,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeDecorator

BUSY_SECONDS = 30.0
"""How long a SQLite connection waits for another process's transaction before it gives up."""

_WAIT = f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}"


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime in UTC. SQLite keeps no zone: there it is stored without one, in a form that sorts."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData()

_json = JSON(none_as_null=True)
_serial = BigInteger().with_variant(Integer, "sqlite")

jobs = Table(
    "jobs",
    metadata,
    Column("id", String(48), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("phase", String(64), nullable=False),
    Column("waiting", Boolean, nullable=False, server_default=false()),
    Column("attempt", Integer, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("last_seq", Integer, nullable=False),
    Column("request", _json, nullable=False),
    Column("result", _json),
    Column("error", _json),
    Column("saved", _json, nullable=False),
    Column("artifacts", _json, nullable=False),
    Column("parent_id", String(48), ForeignKey("jobs.id")),
    Column("batch", Integer),  # A child's: the parent's fence when it was parked for this child.
    Column("parked_fence", Integer),  # A parent's: its fence when it was last parked; names its newest children.
    Column("stage", String(64)),
    Column("fraction", Float),
    Column("worker", String(128)),
    Column("cancel_requested", Boolean, nullable=False, server_default=false()),
    Column("lease_until", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Index("jobs_newest_first", "tenant", "created_at", "id"),
    Index("jobs_unfinished", "state", "tenant", "parent_id", "lease_until"),
    Index("jobs_children", "parent_id"),
)

job_events = Table(
    "job_events",
    metadata,
    Column("job_id", String(48), ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("type", String(64), nullable=False),
    Column("time", UtcDateTime, nullable=False),
    Column("data", _json, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", _serial, primary_key=True, autoincrement=True),
    Column("job_id", String(48), ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("queue", String(64), nullable=False),
    Column("due_at", UtcDateTime, nullable=False, index=True),
    Column("sends", Integer, nullable=False, server_default="0"),
    sqlite_autoincrement=True,  # An id must not come again: a late "sent" would silence the message that has it now.
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("tenant", String(64), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("request_sha256", String(64), nullable=False),
    Column("job_id", String(48), ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Index("idempotency_expiry", "expires_at"),
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("id", String(48), primary_key=True),
    Column("queue", String(64), nullable=False),
    Column("job_id", String(48), ForeignKey("jobs.id", ondelete="CASCADE")),
    Column("payload", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("redriven_at", UtcDateTime),
    Index("dead_letters_of_queue", "queue", "id"),
    Index("dead_letters_of_job", "job_id"),
)


class Database:
    """The engine behind the store: `reading()` and `writing()` are the only two kinds of transaction there are."""

    def __init__(self, url: str) -> None:
        options: dict[str, Any] = {}
        if url.startswith("sqlite:///"):
            Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
            options["connect_args"] = {"timeout": BUSY_SECONDS}
        else:
            options["pool_pre_ping"] = True
        self.engine = create_engine(url, **options)
        if self.engine.dialect.name == "sqlite":
            _prepare_sqlite(self.engine)
        self._writer = self.engine.execution_options(bandmate_writes=True)
        self._create_tables()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only looks: it waits for nobody, and nobody waits for it."""
        with self.engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that may write; leaving it by an exception undoes it."""
        with self._writer.begin() as connection:
            yield connection

    def close(self) -> None:
        self.engine.dispose()

    def abandon(self) -> None:
        """After a fork, in the child: forget the parent's connections without closing them under its feet."""
        self.engine.dispose(close=False)

    def _create_tables(self) -> None:
        for last in (False, True):
            try:
                with self.writing() as connection:
                    metadata.create_all(connection)
                return
            except DBAPIError:  # Another process may have created them between our look and our CREATE.
                if last:
                    raise


def _prepare_sqlite(engine: Engine) -> None:
    """Make SQLite safe for several processes.

    WAL lets readers and one writer go on side by side. A writing transaction takes the write lock at its start (BEGIN
    IMMEDIATE) and waits up to BUSY_SECONDS for it; a transaction that began as a reader and only then writes would be
    refused at once when somebody wrote in between, whatever the time-out. synchronous=NORMAL writes the log at each
    commit and flushes it at checkpoints: a killed process loses nothing, a power failure may lose the last moments,
    and the file is sound in both cases.
    """

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # The driver opens no transactions of its own; _on_begin does.
        cursor = connection.cursor()
        cursor.execute(_WAIT)
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = NORMAL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        if connection.get_execution_options().get("bandmate_writes", False):
            _begin_writing(connection)
        else:
            connection.exec_driver_sql("BEGIN")


def _begin_writing(connection: Connection) -> None:
    """Wait for the write lock by short naps of random length.

    SQLite's own waiting sleeps ever longer, up to 100 ms, while our transactions take about one: a process that has
    met the lock a few times would be overtaken by the others again and again.
    """
    driver: Any = connection.connection.driver_connection
    deadline = time.monotonic() + BUSY_SECONDS
    driver.execute("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                driver.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY  # The upper bits say why it is busy.
                if not busy or time.monotonic() > deadline:
                    break
            time.sleep(random.uniform(0.0002, 0.002))  # noqa: S311 - nothing secret about it
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # Raises the same, as SQLAlchemy's own error.
    finally:
        driver.execute(_WAIT)
