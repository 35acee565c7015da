"""Error responses reach a client that is still sending its body (over real sockets, where a response can be lost)."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from urllib.parse import urlsplit

import pytest
from bandmate_shared.http import drain_request_body
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
    """The server's response up to the end of the connection, or as much of its head as arrived."""
    response = b""
    while b"\r\n\r\n" not in response and (chunk := connection.recv(65536)):
        response += chunk
    return response


def pause_between(connection: socket.socket) -> None:
    """Wait half a second without sending, so that the server answers if it answers without the body."""
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
def test_a_refused_client_can_send_its_whole_body_and_read_the_response(
    address: tuple[str, int], headers: list[str], status: bytes
) -> None:
    with closing(begin(address, *headers)) as connection:
        pause_between(connection)
        connection.sendall(bytes(BODY))
        response = answer(connection)
    assert response.startswith(b"HTTP/1.1 " + status)


def test_a_refused_chunked_body_is_drained_before_the_response(address: tuple[str, int]) -> None:
    with closing(begin(address, "Transfer-Encoding: chunked", "Content-Type: application/json")) as connection:
        for _ in range(6):
            connection.sendall(b"100000\r\n" + b" " * 2**20 + b"\r\n")
        connection.sendall(b"0\r\n\r\n")
        assert answer(connection).startswith(b"HTTP/1.1 404")


def test_a_client_that_sends_no_body_is_answered_after_a_timeout(
    address: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain_request_body, "MAX_SECONDS", 0.3)
    with closing(begin(address, f"Content-Length: {BODY}")) as connection:
        assert answer(connection).startswith(b"HTTP/1.1 413")


def test_a_client_that_sends_without_end_is_disconnected(
    address: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain_request_body, "MAX_BYTES", 2**20)
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


def test_a_client_with_expect_100_continue_is_refused_before_its_body(address: tuple[str, int]) -> None:
    with closing(begin(address, f"Content-Length: {BODY}", "Expect: 100-continue")) as connection:
        assert answer(connection).startswith(b"HTTP/1.1 413")
