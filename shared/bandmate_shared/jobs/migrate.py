"""Bringing a database to the newest schema: `python -m bandmate_shared.jobs.migrate`, before new code starts.

Any number of processes may do so at once: one migrates, the others wait and find it done. On Postgres each migration
is a transaction of its own, under an advisory lock that ends with its session; on SQLite all of them are one writing
transaction. There is no way back but a backup: old code runs on the new schema instead (see `versions.py`).
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, make_url, text

from bandmate_shared.errors import BandmateError
from bandmate_shared.jobs import versions
from bandmate_shared.jobs.database import Database, connect_plainly, translating

SCRIPTS = Path(__file__).parent / "migrations"

_LOCK = 0x62616E646D617465
"""The key of the advisory lock: 'bandmate' in ASCII."""

LOCK_SECONDS = 10.0
"""How long a migration waits for a table. A change that waits holds up everybody who comes after it."""


class MigrationsNotInstalled(BandmateError):
    """Alembic, which runs the migrations, is not there."""

    type = "migrations-not-installed"
    title = "The database cannot be migrated by this installation"


def head() -> str:
    """The version that this code needs."""
    return versions.HEAD


def current(url: str) -> str | None:
    """The version that the database has. None: it is empty, or was made by the first release. Raises Unavailable."""
    if make_url(url).get_backend_name() == "sqlite" and not Path(make_url(url).database or "").exists():
        return None
    engine = connect_plainly(url)
    try:
        with translating(), engine.connect() as connection:
            return versions.noted(connection)
    finally:
        engine.dispose()


def upgrade(url: str) -> str | None:
    """Run the migrations that the database has yet to see; returns the version that it had before.

    A database that is newer than the code stays as it is. Raises DatabaseTooNew where the code cannot work with it,
    Unavailable where the database does not answer or a table is in use for too long (then nothing of that migration
    has happened; try again), MigrationsNotInstalled without alembic.
    """
    if make_url(url).get_backend_name() == "sqlite":
        before = current(url)
        Database(url).close()  # A SQLite database is brought to the newest schema by being opened.
        return before
    engine = connect_plainly(url)
    try:
        with translating(), _alone(engine), engine.connect() as connection:
            before = versions.noted(connection)
            connection.rollback()
            if versions.is_outdated(before):
                connection.execute(text(f"SET lock_timeout = {int(LOCK_SECONDS * 1000)}"))
                connection.commit()
                run_migrations(connection)
            return before
    finally:
        engine.dispose()


def run_migrations(connection: Connection) -> None:
    """Bring the connection's database to the head. The caller sees to it that nobody else does."""
    try:
        from alembic import command
        from alembic.config import Config
    except ImportError as error:
        raise MigrationsNotInstalled(
            "the database was made by an earlier release and must be migrated, which needs alembic;"
            " install bandmate-shared[postgres]"
        ) from error
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, versions.HEAD)


@contextmanager
def _alone(engine: Engine) -> Iterator[None]:
    """Hold the advisory lock, in a session that does nothing else; it goes with the session, whatever happens."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _LOCK})


def main() -> int:
    """Migrate the database that the settings name; returns the exit status."""
    from bandmate_shared.settings import shared_settings

    try:
        before = upgrade(shared_settings().resolved_database_url)
    except BandmateError as error:
        sys.stderr.write(f"{error.title}: {error.detail}\n")
        return 1
    sys.stdout.write(f"{before or 'no version'} → {head()}\n" if before != head() else f"{head()}: up to date\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
