"""A real PostgreSQL for the tests: a container where an engine answers, else a process, else the test is skipped.

    def test_something(postgres_url: str) -> None: ...        a database of this test's own, at the newest schema
    def test_empty(empty_postgres_url: str) -> None: ...       the same without tables
    def test_restart(postgres: PostgresServer) -> None: ...     the server, which tests share: `.restart()`, `.kill()`

One server runs for the whole session (of each worker of pytest-xdist). `TEST_POSTGRES=process` leaves the engine
alone, `TEST_POSTGRES=/path/to/bin` names the programs of a process, and `TEST_POSTGRES=none` skips these tests.
"""

import contextlib
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import psycopg
import pytest
from bandmate_shared.jobs.database.migrate import upgrade
from bandmate_shared.jobs.database.schema import metadata

from tests.support.containers import EngineUnavailable, free_port, started

IMAGE = "postgres:17-trixie"
_PASSWORD = secrets.token_hex(16)

_FAST = ["-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=200"]
"""Durability against power cuts is not tested; the system keeps the writes of a killed process."""


class _Machine(Protocol):
    """The container or process in which the server runs."""

    port: int

    def restart(self) -> None: ...
    def kill(self) -> None: ...
    def start(self) -> None: ...


class PostgresServer:
    """A running server; its databases are the tests' own."""

    def __init__(self, machine: _Machine, user: str) -> None:
        self._machine = machine
        self._user = user
        self.wait_until_ready()
        with self.connect() as connection:
            self.version = connection.info.server_version // 10_000

    def url(self, database: str) -> str:
        """The URL of a database, for BANDMATE_DATABASE_URL."""
        return f"postgresql+psycopg://{self._user}:{_PASSWORD}@127.0.0.1:{self._machine.port}/{database}"

    def connect(self, database: str = "postgres") -> "psycopg.Connection[tuple[object, ...]]":
        """A connection that commits each statement."""
        url = self.url(database).replace("+psycopg", "")
        return psycopg.connect(url, autocommit=True, connect_timeout=5)

    def create(self, options: str = "ENCODING 'UTF8' LOCALE 'C.UTF-8'") -> str:
        """A new database; returns its name."""
        name = f"test_{secrets.token_hex(6)}"
        with self.connect() as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 {options}".encode())
        return name

    def drop(self, name: str) -> None:
        """Remove a database, whoever is connected to it."""
        with self.connect() as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())

    def empty(self, name: str) -> None:
        """End every session in a database and remove every row: five times as fast as a new database."""
        with self.connect(name) as connection:
            other_sessions = "datname = current_database() AND pid <> pg_backend_pid()"
            connection.execute(
                f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {other_sessions}".encode()
            )
            tables = ", ".join(table.name for table in metadata.sorted_tables)
            connection.execute(f"TRUNCATE {tables} RESTART IDENTITY".encode())

    def restart(self) -> None:
        """Shut the server down, which ends every session, and start it."""
        self._machine.restart()
        self.wait_until_ready()

    def kill(self) -> None:
        """Kill the server, as a power cut does; `start()` starts it again."""
        self._machine.kill()

    def start(self) -> None:
        self._machine.start()
        self.wait_until_ready()

    def wait_until_ready(self, seconds: float = 60.0) -> None:
        """Wait until it answers a query."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                self.connect().close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)


class _Process:
    """Debian's postgres as a process, run by an unprivileged user, which it requires."""

    def __init__(self, programs: Path, folder: Path, options: list[str]) -> None:
        self._programs = programs
        self._options = options
        self._folder = folder
        self._user = _ordinary_user()
        self.port = free_port()
        password = folder / "password"
        password.write_text(_PASSWORD)
        if self._user is not None:
            shutil.chown(folder, self._user)
            shutil.chown(password, self._user)
        self._call("initdb", "--auth=scram-sha-256", "--username=postgres", f"--pwfile={password}", "--no-sync")
        self.start()

    def restart(self) -> None:
        self._call("pg_ctl", "stop", "--mode=fast", "--wait")
        self.start()

    def kill(self) -> None:
        self._call("pg_ctl", "stop", "--mode=immediate", "--wait")

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= {' '.join(self._options)}"
        self._call("pg_ctl", "start", "--wait", f"--log={self._folder / 'log'}", f"--options={options}")

    def _call(self, program: str, *arguments: str) -> None:
        data = f"--pgdata={self._folder / 'data'}"
        answer = subprocess.run(
            [self._programs / program, *arguments, data],
            user=self._user,
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            timeout=120,
        )
        assert answer.returncode == 0, f"{program} failed"


def _ordinary_user() -> str | None:
    """A user other than root, where this process runs as root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _programs() -> Path | None:
    """The folder of the newest `postgres`, or the one that TEST_POSTGRES names."""
    setting = os.environ.get("TEST_POSTGRES", "")
    if setting == "none":
        return None
    if setting.startswith("/"):
        return Path(setting)
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if binaries:
        return binaries[-1].parent
    on_path = shutil.which("postgres")
    return Path(on_path).resolve().parent if on_path else None


@contextlib.contextmanager
def run_server(*, durable: bool = False) -> Iterator[PostgresServer]:
    """Run a server until the block ends. `durable` leaves its settings as they are.

    Raises EngineUnavailable where none can run.
    """
    options = [] if durable else _FAST
    with contextlib.ExitStack() as stack:
        machine: _Machine
        try:
            if os.environ.get("TEST_POSTGRES"):
                raise EngineUnavailable("TEST_POSTGRES says to leave the engine alone")
            settings = {"POSTGRES_PASSWORD": _PASSWORD, "POSTGRES_USER": "postgres"}
            words = ["postgres", *options]
            machine = stack.enter_context(started(IMAGE, 5432, words, settings, stop_signal="SIGINT"))
        except EngineUnavailable as error:
            programs = _programs()
            if programs is None:
                raise EngineUnavailable(f"{error}, and there is no postgres program") from None
            machine = stack.enter_context(_as_process(programs, options))
        yield PostgresServer(machine, "postgres")


@contextlib.contextmanager
def _as_process(programs: Path, options: list[str]) -> Iterator["_Process"]:
    with tempfile.TemporaryDirectory(prefix="bandmate-postgres-") as folder:
        process = _Process(programs, Path(folder), options)
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture(scope="session")
def _shared_postgres() -> Iterator[PostgresServer]:
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(run_server())
        except EngineUnavailable as error:
            pytest.skip(f"no PostgreSQL: {error}")
        yield server


@pytest.fixture
def postgres(_shared_postgres: PostgresServer) -> PostgresServer:
    """The server that this worker's tests share. A test that stops it starts it again."""
    return _shared_postgres


@pytest.fixture(scope="session")
def _free_databases() -> list[str]:
    """Databases at the newest schema, without a row, that no test uses."""
    return []


@pytest.fixture
def new_postgres_url(postgres: PostgresServer, _free_databases: list[str]) -> Iterator[Callable[[], str]]:
    """Makes databases at the newest schema, as many as the test asks for. The test must not change the schema."""
    names: list[str] = []

    def new_url() -> str:
        if _free_databases:
            name = _free_databases.pop()
        else:
            name = postgres.create()
            upgrade(postgres.url(name))
        names.append(name)
        return postgres.url(name)

    yield new_url
    for name in names:
        postgres.empty(name)
        _free_databases.append(name)


@pytest.fixture
def postgres_url(new_postgres_url: Callable[[], str]) -> str:
    """The address of a database of the test's own, at the newest schema."""
    return new_postgres_url()


@pytest.fixture
def empty_postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """The address of a database of the test's own, without tables."""
    name = postgres.create()
    yield postgres.url(name)
    postgres.drop(name)
