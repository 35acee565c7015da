"""The servers that timings run against, started on this machine: Redis, PostgreSQL, and a whole `bandmate up`."""

import contextlib
import json
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
from bandmate_local.redis_server import find_redis_server, free_port, redis_answers, redis_command
from bandmate_shared.errors import Unavailable

BANDMATE = str(Path(sys.executable).with_name("bandmate"))


def clean_environment(home: Path) -> dict[str, str]:
    """The environment of a `bandmate` command on this home, without the caller's own settings."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("BANDMATE_", "REDIS_"))}
    return inherited | {"BANDMATE_HOME": str(home), "BANDMATE_REDIS_PORT": "0"}


def run_bandmate(home: Path, *arguments: str) -> dict[str, Any]:
    """Run a `bandmate` command to its end; returns what it printed as JSON."""
    command = [BANDMATE, *arguments, "--json"]
    options: dict[str, Any] = {"env": clean_environment(home), "stdin": subprocess.DEVNULL, "timeout": 300}
    completed = subprocess.run(command, **options, capture_output=True, text=True, check=False)
    if completed.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{completed.stderr}")
    return dict(json.loads(completed.stdout))


def time_platform(home: Path) -> tuple[float, float]:
    """Wall seconds from the start of `bandmate up` until it is ready, and from Ctrl-C until it has ended."""
    started = time.monotonic()
    command, environment = [BANDMATE, "up", "--port", "0", "--json"], clean_environment(home)
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True) as up:
        assert up.stdout is not None
        if not any(line.startswith("}") for line in up.stdout):
            raise SystemExit("`bandmate up` ended before it was ready")
        ready = time.monotonic()
        up.send_signal(signal.SIGINT)
        up.wait(60)
        return ready - started, time.monotonic() - ready


@contextlib.contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """A Redis of our own, as the embedded platform starts it; yields its URL."""
    folder.mkdir(exist_ok=True)
    port = free_port()
    url = f"redis://127.0.0.1:{port}/0"
    with (folder / "redis.log").open("ab") as log:
        server = subprocess.Popen(redis_command(find_redis_server(), folder, port), stdout=log, stderr=log)
    try:
        _wait_until(lambda: redis_answers(url), "Redis")
        yield url
    finally:
        server.terminate()
        server.wait(30)


class PostgresServer:
    """Debian's PostgreSQL with its default settings, run by an ordinary user as it requires."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs, self._folder = programs, folder
        self._port, self._password = free_port(), secrets.token_hex(16)
        self._user = _ordinary_user()
        password = folder / "password"
        password.write_text(self._password)
        if self._user is not None:
            shutil.chown(folder, self._user)
            shutil.chown(password, self._user)
        self._call("initdb", "--auth=scram-sha-256", "--username=postgres", f"--pwfile={password}")
        options = f"-p {self._port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
        self._call("pg_ctl", "start", "--wait", f"--log={folder / 'log'}", f"--options={options}")

    def create_database(self) -> str:
        """Make an empty database; returns its URL as BANDMATE_DATABASE_URL takes it."""
        name = f"bench_{secrets.token_hex(6)}"
        server = f"postgresql://postgres:{self._password}@127.0.0.1:{self._port}/"
        with psycopg.connect(server + "postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'".encode())
        return f"{server.replace('postgresql:', 'postgresql+psycopg:')}{name}"

    def stop(self) -> None:
        self._call("pg_ctl", "stop", "--mode=immediate", "--wait")

    def _call(self, program: str, *arguments: str) -> None:
        command = [self._programs / program, *arguments, f"--pgdata={self._folder / 'data'}"]
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
        subprocess.run(command, user=self._user, cwd=self._folder, **quiet, timeout=120, check=True)  # type: ignore[call-overload]


@contextlib.contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL of our own.

    Raises:
        Unavailable: its programs are not installed.
    """
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    program = str(installed[-1]) if installed else shutil.which("postgres")
    if program is None:
        raise Unavailable("there is no postgres program; on Debian: apt-get install postgresql")
    with tempfile.TemporaryDirectory(prefix="bandmate-postgres-") as folder:
        server = PostgresServer(Path(program).resolve().parent, Path(folder))
        try:
            yield server
        finally:
            server.stop()


def _ordinary_user() -> str | None:
    """A user other than root, where we are root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _wait_until(condition: Callable[[], bool], name: str, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"{name} did not answer within {seconds:g} s")
        time.sleep(0.05)
