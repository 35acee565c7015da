"""Migrates a database to the newest schema: `python -m bandmate_shared.jobs.database.migrate`, before new code starts.

Any number of processes may run it at once: one migrates, the others wait and find it done. On Postgres each migration
is a transaction of its own, under an advisory lock that ends with its session; on SQLite all of them are one writing
transaction. There is no way back but a backup: old code runs on the new schema instead (see `versions.py`).
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, make_url, text

from bandmate_shared.errors import BandmateError
from bandmate_shared.jobs.database import versions
from bandmate_shared.jobs.database.engine import create_plain_engine, is_sqlite
from bandmate_shared.jobs.database.error_translation import translate_errors
from bandmate_shared.jobs.database.schema import jobs, metadata
from bandmate_shared.settings import shared_settings

SCRIPTS = Path(__file__).parent / "migrations"

_LOCK = 0x62616E646D617465
"""The key of the advisory lock: 'bandmate' in ASCII."""

LOCK_SECONDS = 10.0
"""How long a migration waits for a table. A change that waits blocks every later statement on that table."""


class MigrationsNotInstalled(BandmateError):
    """Alembic, which runs the migrations, is not installed."""

    type = "migrations-not-installed"
    title = "The database cannot be migrated by this installation"


def head() -> str:
    """The version that this code needs."""
    return versions.HEAD


def current(url: str) -> str | None:
    """The version that the database has. None: it is empty, or was made by the first release. Raises Unavailable."""
    if is_sqlite(url) and not Path(make_url(url).database or "").exists():
        return None
    engine = create_plain_engine(url)
    try:
        with translate_errors(), engine.connect() as connection:
            return versions.stored_version(connection)
    finally:
        engine.dispose()


def upgrade(url: str) -> str | None:
    """Run the migrations that the database lacks; returns the version that it had before.

    A database that is newer than the code stays as it is. Raises DatabaseTooNew where the code cannot work with it,
    Unavailable where the database does not answer or a table is in use for too long (then nothing of that migration
    has happened; try again), MigrationsNotInstalled without alembic.
    """
    before = current(url)
    if not versions.is_outdated(before):
        return before
    engine = create_plain_engine(url)
    try:
        if is_sqlite(url):
            writer = engine.execution_options(bandmate_writes=True)
            with translate_errors(), writer.begin() as connection:
                bring_up_sqlite(connection)
            return before
        with translate_errors(), _advisory_lock(engine), engine.connect() as connection:
            before = versions.stored_version(connection)  # Another process may have migrated it while we waited.
            connection.rollback()
            if versions.is_outdated(before):
                connection.execute(text(f"SET lock_timeout = {int(LOCK_SECONDS * 1000)}"))
                connection.commit()
                run_migrations(connection)
            return before
    finally:
        engine.dispose()


def bring_up_sqlite(connection: Connection) -> None:
    """Create the tables in an empty file, or run the migrations in one of an earlier release.

    The connection's transaction holds the write lock.
    """
    version = versions.stored_version(connection)  # Another process may have been here while we waited.
    if not versions.is_outdated(version):
        return
    if version is None and not inspect(connection).has_table(jobs.name):
        metadata.create_all(connection)
        versions.store_head(connection)
    else:
        run_migrations(connection)


def run_migrations(connection: Connection) -> None:
    """Bring the connection's database to the head. The caller holds the lock."""
    try:
        from alembic import command, config  # optional extra, and slow to import
    except ImportError as error:
        raise MigrationsNotInstalled(
            "the database was made by an earlier release and must be migrated, which needs alembic;"
            " install bandmate-shared[postgres]"
        ) from error
    scripts = config.Config()
    scripts.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    scripts.attributes["connection"] = connection
    command.upgrade(scripts, versions.HEAD)


@contextmanager
def _advisory_lock(engine: Engine) -> Iterator[None]:
    """Hold the advisory lock in a session that does nothing else; it ends with the session."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _LOCK})


def main() -> int:
    """Migrate the database that the settings name; returns the exit status."""
    try:
        before = upgrade(shared_settings().resolved_database_url)
    except BandmateError as error:
        sys.stderr.write(f"{error.title}: {error.detail}\n")
        return 1
    sys.stdout.write(f"{before or 'no version'} → {head()}\n" if before != head() else f"{head()}: up to date\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
