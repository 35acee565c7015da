"""Refusals reach a client that is still sending: over real sockets, for only they can lose an answer."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from urllib.parse import urlsplit

import pytest
from bandmate_shared.http import lingering
from bandmate_shared.http.app import create_app
from bandmate_shared.runtime import Runtime
from bandmate_shared.settings import SharedSettings
from fastapi import FastAPI

Serving = Callable[[FastAPI, SharedSettings], AbstractContextManager[str]]
BODY = 6_000_000


@pytest.fixture
def address(runtime: Runtime, settings: SharedSettings, serving: Serving) -> Iterator[tuple[str, int]]:
    with serving(create_app(runtime, "Refusing", []), settings) as url:
        place = urlsplit(url)
        yield str(place.hostname), int(place.port or 0)


def begin(address: tuple[str, int], *headers: str) -> socket.socket:
    """A connection that has sent the head of a request and none of its body."""
    connection = socket.create_connection(address, timeout=20)
    lines = [f"POST /v1/songs HTTP/1.1\r\nHost: 127.0.0.1:{address[1]}", *headers, "\r\n"]
    connection.sendall("\r\n".join(lines).encode())
    return connection


def answer(connection: socket.socket) -> bytes:
    """What the server said up to the end of the connection, or as much of its head as there is."""
    said = b""
    while b"\r\n\r\n" not in said and (more := connection.recv(65536)):
        said += more
    return said


def pause_between(connection: socket.socket) -> None:
    """Let the server answer, if it means to answer without the body: half a second of a line that stays silent."""
    connection.settimeout(0.5)
    with pytest.raises(TimeoutError):
        connection.recv(1, socket.MSG_PEEK)
    connection.settimeout(20)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([f"Content-Length: {BODY}"], b"413"),
        ([f"Content-Length: {BODY}", "Origin: https://elsewhere.example"], b"403"),
    ],
)
def test_a_refused_client_sends_its_body_and_reads_why(
    address: tuple[str, int], headers: list[str], status: bytes
) -> None:
    with closing(begin(address, *headers)) as connection:
        pause_between(connection)
        connection.sendall(bytes(BODY))
        said = answer(connection)
    assert said.startswith(b"HTTP/1.1 " + status)


def test_a_body_in_chunks_is_refused_readably(address: tuple[str, int]) -> None:
    with closing(begin(address, "Transfer-Encoding: chunked", "Content-Type: application/json")) as connection:
        for _ in range(6):
            connection.sendall(b"100000\r\n" + b" " * 2**20 + b"\r\n")
        connection.sendall(b"0\r\n\r\n")
        assert answer(connection).startswith(b"HTTP/1.1 404")


def test_a_client_that_sends_nothing_is_answered_after_a_while(
    address: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lingering, "MOST_SECONDS", 0.3)
    with closing(begin(address, f"Content-Length: {BODY}")) as connection:
        assert answer(connection).startswith(b"HTTP/1.1 413")


def test_one_that_sends_for_ever_is_cut_off(address: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lingering, "MOST_BYTES", 2**20)
    with closing(begin(address, f"Content-Length: {2**40}")) as connection:
        sent = threading.Event()

        def send() -> None:
            try:
                while True:
                    connection.sendall(bytes(2**20))
            except OSError:
                sent.set()

        threading.Thread(target=send, daemon=True).start()
        assert sent.wait(20), "the server reads for ever"


def test_one_that_asks_before_it_sends_is_told_at_once(address: tuple[str, int]) -> None:
    with closing(begin(address, f"Content-Length: {BODY}", "Expect: 100-continue")) as connection:
        assert answer(connection).startswith(b"HTTP/1.1 413")
