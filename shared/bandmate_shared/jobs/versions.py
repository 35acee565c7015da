"""Which version of the schema the code needs, which one the database has, and whether the two can work together.

A version reads `0005.0003`: the fifth schema, which code made for the third and later still understands. A migration
that only expands (a new table, a column that may be empty, an index) keeps the second number. One that contracts
raises it to the schema since which no code uses what goes away. So code can tell of a database newer than itself
whether it may go on, which a deployment that replaces its processes one by one depends on.
"""

from sqlalchemy import Connection, MetaData, String, Table, column, insert, inspect, select, table
from sqlalchemy.schema import Column

from bandmate_shared.errors import BandmateError

HEAD = "0002.0001"
"""The newest migration in `migrations/versions/`, and what the tables of `schema.py` are."""

_TABLE = "alembic_version"
_noted = table(_TABLE, column("version_num", String))


class DatabaseOutdated(BandmateError):
    """The database has an older schema than the code needs; nothing runs until it is migrated."""

    type = "database-outdated"
    title = "The database must be migrated first"
    status = 503


class DatabaseTooNew(BandmateError):
    """The database has lost something that this code still needs; only newer code works with it."""

    type = "database-too-new"
    title = "The database is too new for this program"
    status = 503


def noted(connection: Connection) -> str | None:
    """The version that the database says it has. None: it says nothing; it is empty, or of the first release."""
    if not inspect(connection).has_table(_TABLE):
        return None
    version: str | None = connection.scalar(select(_noted.c.version_num))
    return version


def note_head(connection: Connection) -> None:
    """Say that the tables are the newest, as alembic would."""
    Table(_TABLE, MetaData(), Column("version_num", String(32), primary_key=True)).create(connection, checkfirst=True)
    connection.execute(insert(_noted), {"version_num": HEAD})


def is_outdated(version: str | None) -> bool:
    """Whether there are migrations that this database has yet to see. Raises DatabaseTooNew."""
    if version is None:
        return True
    schema, understood_by = _numbers(version)
    ours, _ = _numbers(HEAD)
    if understood_by > ours:
        raise DatabaseTooNew(
            f"the database has schema {schema}, which needs code made for schema {understood_by} or later;"
            f" this is code for schema {ours}: deploy the newer release"
        )
    return schema < ours


def refuse_outdated(version: str | None) -> None:
    """Raises DatabaseOutdated and DatabaseTooNew where code and database cannot work together."""
    if is_outdated(version):
        has = "has no schema yet" if version is None else f"has schema {_numbers(version)[0]}"
        raise DatabaseOutdated(
            f"the database {has} and this code needs schema {_numbers(HEAD)[0]};"
            " run: python -m bandmate_shared.jobs.migrate"
        )


def _numbers(version: str) -> tuple[int, int]:
    try:
        schema, understood_by = version.split(".")
        return int(schema), int(understood_by)
    except ValueError:
        raise DatabaseTooNew(f"the database says it has the schema {version!r}, which is none of Bandmate's") from None
