"""Schema versions: the one the code needs, the one the database has, and whether the two are compatible.

A version reads `0005.0003`: the fifth schema, which code made for the third and later still understands. A migration
that only expands (a new table, a column that may be empty, an index) keeps the second number. One that contracts
raises it to the schema since which no code uses what goes away. So code can tell of a database newer than itself
whether it may go on, which a deployment that replaces its processes one by one depends on.
"""

from sqlalchemy import Connection, MetaData, String, Table, column, insert, inspect, select, table
from sqlalchemy.schema import Column

from bandmate_shared.errors import BandmateError

HEAD = "0005.0001"
"""The newest migration in `migrations/versions/`, and what the tables of `schema.py` are."""

_TABLE = "alembic_version"
_version_row = table(_TABLE, column("version_num", String))


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


def stored_version(connection: Connection) -> str | None:
    """The schema version in the database. None: it is empty, or was made by the first release."""
    if not inspect(connection).has_table(_TABLE):
        return None
    version: str | None = connection.scalar(select(_version_row.c.version_num))
    return version


def store_head(connection: Connection) -> None:
    """Record that the tables are the newest, as alembic would."""
    Table(_TABLE, MetaData(), Column("version_num", String(32), primary_key=True)).create(connection, checkfirst=True)
    connection.execute(insert(_version_row), {"version_num": HEAD})


def is_outdated(version: str | None) -> bool:
    """Whether this database lacks migrations. Raises DatabaseTooNew."""
    if version is None:
        return True
    schema, understood_by = _numbers(version)
    code_schema, _ = _numbers(HEAD)
    if understood_by > code_schema:
        raise DatabaseTooNew(
            f"the database has schema {schema}, which needs code made for schema {understood_by} or later;"
            f" this is code for schema {code_schema}: deploy the newer release"
        )
    return schema < code_schema


def require_current(version: str | None) -> None:
    """Raises DatabaseOutdated and DatabaseTooNew where code and database cannot work together."""
    if is_outdated(version):
        has = "has no schema yet" if version is None else f"has schema {_numbers(version)[0]}"
        raise DatabaseOutdated(
            f"the database {has} and this code needs schema {_numbers(HEAD)[0]};"
            " run: python -m bandmate_shared.jobs.database.migrate"
        )


def _numbers(version: str) -> tuple[int, int]:
    try:
        schema, understood_by = version.split(".")
        return int(schema), int(understood_by)
    except ValueError:
        raise DatabaseTooNew(f"the database has the unknown schema version {version!r}") from None
