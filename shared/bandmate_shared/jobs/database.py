"""How the database is opened, and the only two kinds of transaction there are: reading and writing.

SQLite (embedded) is brought to the newest schema by opening it. Postgres is not: many processes share it, so one
command migrates it (`migrate.py`), and code that meets an older schema refuses to start.
"""

import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine, NullPool, create_engine, event, inspect, make_url

from bandmate_shared.jobs import versions
from bandmate_shared.jobs.failures import is_away, is_undone, translated
from bandmate_shared.jobs.schema import jobs, metadata
from bandmate_shared.jobs.sqlite import BUSY_SECONDS, prepare_sqlite

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger(__name__)

PAUSES = (0.05, 0.25, 1.0)
"""Seconds before each further try, each drawn between half and the whole. A restart of Postgres takes about so long."""

_CONNECTION: dict[str, Any] = {
    "application_name": "bandmate",
    "client_encoding": "utf8",  # Whatever the database was made with.
    "connect_timeout": 10,
    # A host that vanished without a word is noticed within half a minute, not after the system's two hours.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What a process takes from a Postgres server. Seconds; SQLite has use for none of it."""

    connections: int = 10
    connect_seconds: float = 5.0
    statement_seconds: float = 30.0
    lock_seconds: float = 10.0


class Database:
    """The engine behind the store. Raises DatabaseOutdated, DatabaseTooNew, and Unavailable when it is opened."""

    def __init__(self, url: str, limits: Limits = Limits()) -> None:
        self.engine = _engine(url, limits)
        self._writer = self.engine.execution_options(bandmate_writes=True)
        try:
            self._meet_schema()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only looks: it waits for nobody, and nobody waits for it. Raises Unavailable."""
        with translating(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that may write; leaving it by an exception undoes it. Raises Unavailable, StorageFull."""
        with translating(), self._writer.begin() as connection:
            yield connection

    def read(self, work: Callable[Concatenate[Connection, P], T], *arguments: P.args, **named: P.kwargs) -> T:
        """The answer of `work` in a reading transaction, tried again where the database was away for a moment."""
        return _repeated(self.engine, lambda connection: work(connection, *arguments, **named), once_committing=True)

    def write(self, work: Callable[Concatenate[Connection, P], T], *arguments: P.args, **named: P.kwargs) -> T:
        """The answer of `work` in a writing transaction.

        It is tried again where it certainly had no effect: the server undid it, or was lost before it was asked to
        commit. So `work` must do nothing but talk to the database. Raises Unavailable, StorageFull.
        """
        return _repeated(self._writer, lambda connection: work(connection, *arguments, **named), once_committing=False)

    def close(self) -> None:
        self.engine.dispose()

    def abandon(self) -> None:
        """After a fork, in the child: forget the parent's connections without closing them under its feet."""
        self.engine.dispose(close=False)

    def _meet_schema(self) -> None:
        version = self.read(versions.noted)
        if self.engine.dialect.name != "sqlite":
            versions.refuse_outdated(version)
        elif versions.is_outdated(version):
            self.write(_bring_up)


def connect_plainly(url: str) -> Engine:
    """An engine without a pool, time limits or a look at the schema: for migrations."""
    if make_url(url).get_backend_name() != "sqlite":
        return create_engine(url, poolclass=NullPool, connect_args=_CONNECTION)
    engine = create_engine(url, poolclass=NullPool)
    prepare_sqlite(engine)
    return engine


def _engine(url: str, limits: Limits) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        if parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})
        prepare_sqlite(engine)
        return engine
    engine = create_engine(
        url,
        isolation_level="READ COMMITTED",  # What the statements are written for, whatever the database's default.
        pool_size=limits.connections,
        max_overflow=0,
        pool_timeout=limits.connect_seconds,
        pool_pre_ping=True,
        connect_args=_CONNECTION | {"connect_timeout": max(2, round(limits.connect_seconds))},
    )
    _limit_statements(engine, limits)
    return engine


def _limit_statements(engine: Engine, limits: Limits) -> None:
    """Nothing may hang for ever: not a statement, not a wait for a lock, not a transaction whose process has died.

    Set by statement and not as a connection option, which the poolers that sit before Postgres do not pass on.
    """
    times = {
        "statement_timeout": limits.statement_seconds,
        "lock_timeout": limits.lock_seconds,
        "idle_in_transaction_session_timeout": limits.statement_seconds,
    }
    statement = "; ".join(f"SET {name} = {int(seconds * 1000)}" for name, seconds in times.items())

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        connection.execute(statement)
        connection.commit()


def _bring_up(connection: Connection) -> None:
    """SQLite: tables in an empty file, migrations in one of an earlier release. We hold the write lock."""
    version = versions.noted(connection)  # Another process may have been here while we waited.
    if not versions.is_outdated(version):
        return
    if version is None and not inspect(connection).has_table(jobs.name):
        metadata.create_all(connection)
        versions.note_head(connection)
        return
    from bandmate_shared.jobs.migrate import run_migrations  # Alembic takes long to import, and is seldom needed.

    run_migrations(connection)


@contextmanager
def translating() -> Iterator[None]:
    """Raise our own errors for what the database meets with, and everything else as it is."""
    try:
        yield
    except Exception as error:
        ours = translated(error)
        if ours is None:
            raise
        raise ours from error


def _repeated(engine: Engine, work: Callable[[Connection], T], *, once_committing: bool) -> T:
    pauses = iter(PAUSES)
    while True:
        committing = False
        try:
            with engine.begin() as connection:
                answer = work(connection)
                committing = True
            return answer
        except Exception as error:
            unknown = committing and is_away(error) and not once_committing
            again = (is_undone(error) or is_away(error)) and not unknown
            pause = next(pauses, None) if again else None
            if pause is None:
                ours = translated(error, committing=unknown)
                if ours is None:
                    raise
                raise ours from error
            failure = str(error).partition("\n")[0]
        log.warning("the job database is tried again: %s", failure)
        time.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - nothing secret about it
