"""What an error of the database means: to the caller (a typed error), and for trying again.

Three questions matter. Is it the database's state (away, overloaded, full) or our own mistake? Only the first becomes
one of our errors; a mistake passes as it is. Was everything undone for certain? Then trying again is harmless. Is the
connection gone? Then the next try needs another one, which the pool sees to.
(The codes are PostgreSQL's, "Appendix A. PostgreSQL Error Codes".)
"""

from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bandmate_shared.errors import BandmateError, StorageFull, Unavailable

_UNDONE = {
    "40001": "other transactions were in the way",
    "40P01": "two transactions waited for each other",
}
"""The server says itself that it has rolled back, and another try may fare better."""

_AWAY = ("57P01", "57P02", "57P03", "57P05", "25P03", "25006", "53300")
"""Shutting down, crashed, starting up, our session ended by a time-out, a primary that became a standby, no slots."""

_FULL = "53100"
_TOO_SLOW = ("57014", "55P03")
"""A statement, or its wait for a lock, went past our limits. Trying at once again would only add to the load."""


def is_undone(error: Exception) -> bool:
    """The transaction certainly had no effect, and the same may succeed at once."""
    return isinstance(error, DBAPIError) and _code(error) in _UNDONE


def is_away(error: Exception) -> bool:
    """The server or the way to it was lost; before the commit was sent, that undoes the transaction as well."""
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    code = _code(error)
    if code is not None:
        return code in _AWAY or code.startswith("08")
    return isinstance(error, OperationalError) and not _is_sqlite(error)  # psycopg has no code where none came.


def translated(error: Exception, *, committing: bool = False) -> BandmateError | None:
    """The error of ours that says it to people and to the worker. None: the error is our own mistake.

    `committing`: the connection was lost while the answer to COMMIT was awaited, so nobody knows whether it happened.
    """
    if isinstance(error, PoolTimeout):
        return Unavailable("every connection to the job database is in use; BANDMATE_DATABASE_CONNECTIONS allows more")
    if not isinstance(error, DBAPIError):
        return None
    if "disk is full" in str(error.orig) or _code(error) == _FULL:
        return StorageFull("the disk of the job database is full; nothing was changed")
    if is_undone(error):
        return Unavailable(f"the job database undid the change: {_UNDONE[str(_code(error))]}")
    if _code(error) in _TOO_SLOW:
        return Unavailable("the job database took too long and nothing was changed; is it overloaded?")
    if is_away(error):
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
