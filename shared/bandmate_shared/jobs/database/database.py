"""Reading and writing transactions on the job database, retried where that is safe.

SQLite (embedded) is brought to the newest schema when it is opened. Postgres is not: many processes share it, so one
command migrates it (`migrate.py`), and code that meets an older schema refuses to start.
"""

import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine

from bandmate_shared.jobs.database import versions
from bandmate_shared.jobs.database.engine import Limits, create_pooled_engine
from bandmate_shared.jobs.database.error_translation import (
    as_bandmate_error,
    is_rolled_back,
    is_unreachable,
    translate_errors,
)
from bandmate_shared.jobs.database.migrate import bring_up_sqlite

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger(__name__)

RETRY_PAUSES = (0.05, 0.25, 1.0)
"""Seconds before each retry, each drawn between half and the whole. A restart of Postgres takes about so long."""


class Database:
    """The engine behind the store. Opening raises DatabaseOutdated, DatabaseTooNew, and Unavailable."""

    def __init__(self, url: str, limits: Limits | None = None) -> None:
        self.engine = create_pooled_engine(url, limits or Limits())
        self._writer = self.engine.execution_options(bandmate_writes=True)
        try:
            self._check_schema()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A read-only transaction: it waits for no lock and holds none. Raises Unavailable."""
        with translate_errors(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that may write; leaving it by an exception rolls it back. Raises Unavailable, StorageFull."""
        with translate_errors(), self._writer.begin() as connection:
            yield connection

    def read(self, work: Callable[Concatenate[Connection, P], T], *arguments: P.args, **named: P.kwargs) -> T:
        """Run `work` in a reading transaction, again where the database was unreachable for a moment."""
        return _retried(self.engine, lambda connection: work(connection, *arguments, **named), repeatable_commit=True)

    def write(self, work: Callable[Concatenate[Connection, P], T], *arguments: P.args, **named: P.kwargs) -> T:
        """Run `work` in a writing transaction.

        It is run again where it certainly had no effect: the server rolled it back, or was lost before it was asked
        to commit. So `work` must do nothing but talk to the database. Raises Unavailable, StorageFull.
        """
        return _retried(self._writer, lambda connection: work(connection, *arguments, **named), repeatable_commit=False)

    def close(self) -> None:
        self.engine.dispose()

    def _check_schema(self) -> None:
        version = self.read(versions.stored_version)
        if self.engine.dialect.name != "sqlite":
            versions.require_current(version)
        elif versions.is_outdated(version):
            self.write(bring_up_sqlite)


def _retried(engine: Engine, work: Callable[[Connection], T], *, repeatable_commit: bool) -> T:
    pauses = iter(RETRY_PAUSES)
    while True:
        committing = False
        try:
            with engine.begin() as connection:
                answer = work(connection)
                committing = True
            return answer
        except Exception as error:
            outcome_unknown = committing and is_unreachable(error) and not repeatable_commit
            may_retry = (is_rolled_back(error) or is_unreachable(error)) and not outcome_unknown
            pause = next(pauses, None) if may_retry else None
            if pause is None:
                translated = as_bandmate_error(error, committing=outcome_unknown)
                if translated is None:
                    raise
                raise translated from error
            failure = str(error).partition("\n")[0]
        log.warning("the job database is tried again: %s", failure)
        time.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - nothing secret about it
