"""What SQLite needs so that several processes may share it."""

import random
import sqlite3
import time
from typing import Any

from sqlalchemy import Connection, Engine, event

BUSY_SECONDS = 30.0
"""How long a SQLite connection waits for another process's transaction before it gives up."""

_WAIT = f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}"


def prepare_sqlite(engine: Engine) -> None:
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
