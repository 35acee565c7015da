"""Translates database errors into Bandmate's, and tells which of them allow a retry.

Errors of the database's state (unreachable, overloaded, full) become Bandmate's; mistakes of our own pass as they are.
A transaction that certainly had no effect may be run again; a lost connection is replaced by the pool.
(The codes are PostgreSQL's, "Appendix A. PostgreSQL Error Codes".)
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bandmate_shared.errors import BandmateError, StorageFull, Unavailable

_ROLLED_BACK = {
    "40001": "other transactions were in the way",
    "40P01": "two transactions waited for each other",
}
"""The server itself reports the rollback, and another try may succeed."""

_UNREACHABLE = ("57P01", "57P02", "57P03", "57P05", "25P03", "25006", "53300")
"""Shutting down, crashed, starting up, our session ended by a time-out, a primary that became a standby, no slots."""

_DISK_FULL = "53100"
_TOO_SLOW = ("57014", "55P03")
"""A statement, or its wait for a lock, exceeded our limits. Retrying at once would only add to the load."""


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise Bandmate's error for the database's; any other exception passes as it is."""
    try:
        yield
    except Exception as error:
        translated = as_bandmate_error(error)
        if translated is None:
            raise
        raise translated from error


def is_rolled_back(error: Exception) -> bool:
    """The transaction certainly had no effect, and may succeed at once."""
    return isinstance(error, DBAPIError) and _code(error) in _ROLLED_BACK


def is_unreachable(error: Exception) -> bool:
    """The server or the way to it was lost; before the commit was sent, that rolls the transaction back as well."""
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    code = _code(error)
    if code is not None:
        return code in _UNREACHABLE or code.startswith("08")
    return isinstance(error, OperationalError) and not _is_sqlite(error)  # psycopg has no code where none came.


def as_bandmate_error(error: Exception, *, committing: bool = False) -> BandmateError | None:
    """The Bandmate error that reports it. None: the error is a mistake of our own.

    `committing`: the connection was lost while the answer to COMMIT was awaited, so the outcome is unknown.
    """
    if isinstance(error, PoolTimeout):
        return Unavailable("every connection to the job database is in use; BANDMATE_DATABASE_CONNECTIONS allows more")
    if not isinstance(error, DBAPIError):
        return None
    if "disk is full" in str(error.orig) or _code(error) == _DISK_FULL:
        return StorageFull("the disk of the job database is full; nothing was changed")
    if is_rolled_back(error):
        return Unavailable(f"the job database undid the change: {_ROLLED_BACK[str(_code(error))]}")
    if _code(error) in _TOO_SLOW:
        return Unavailable("the job database took too long and nothing was changed; is it overloaded?")
    if is_unreachable(error):
        outcome = "whether the change was made is not known" if committing else "nothing was changed"
        return Unavailable(f"the job database did not answer; {outcome}")
    if _is_sqlite(error) and "database is locked" in str(error.orig):
        return Unavailable("the job database is locked by another process; nothing was changed")
    return None


def _code(error: DBAPIError) -> str | None:
    code: str | None = getattr(error.orig, "sqlstate", None)
    return code


def _is_sqlite(error: DBAPIError) -> bool:
    return type(error.orig).__module__.partition(".")[0] == "sqlite3"
