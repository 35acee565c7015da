"""Creates the SQLAlchemy engines: SQLite prepared for several processes, Postgres with a pool and time limits."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, NullPool, create_engine, event, make_url

from bandmate_shared.jobs.database.sqlite import BUSY_SECONDS, prepare_sqlite

_CONNECTION: dict[str, Any] = {
    "application_name": "bandmate",
    "client_encoding": "utf8",  # Whatever the database was made with.
    "connect_timeout": 10,
    # A host that vanished silently is noticed within half a minute, not after the system's two hours.
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


def create_pooled_engine(url: str, limits: Limits) -> Engine:
    """The engine for the job store's transactions."""
    if is_sqlite(url):
        return _sqlite_engine(url, connect_args={"timeout": BUSY_SECONDS})
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


def create_plain_engine(url: str) -> Engine:
    """An engine without a pool and time limits: for migrations."""
    if is_sqlite(url):
        return _sqlite_engine(url, poolclass=NullPool)
    return create_engine(url, poolclass=NullPool, connect_args=_CONNECTION)


def is_sqlite(url: str) -> bool:
    return make_url(url).get_backend_name() == "sqlite"


def _sqlite_engine(url: str, **options: Any) -> Engine:
    file = make_url(url).database
    if file:
        Path(file).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, **options)
    prepare_sqlite(engine)
    return engine


def _limit_statements(engine: Engine, limits: Limits) -> None:
    """Bound every statement, wait for a lock, and transaction whose process has died.

    Set by statement and not as a connection option, which poolers in front of Postgres do not pass on.
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
