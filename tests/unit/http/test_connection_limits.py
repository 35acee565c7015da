"""Half requests, stalled bodies and too many connections, over real sockets against a real server."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing
from itertools import repeat
from urllib.parse import urlsplit

import httpx2
import pytest
from bandmate_shared.http.app import create_app
from bandmate_shared.http.connection_limits import RESERVED_DESCRIPTORS, ConnectionLimits
from bandmate_shared.http.streams import sse
from bandmate_shared.jobs.model import NewJob
from bandmate_shared.runtime import Runtime
from bandmate_shared.settings import SharedSettings
from fastapi import APIRouter, FastAPI
from starlette.responses import StreamingResponse

from tests.conftest import wait_until

Serving = Callable[[FastAPI, SharedSettings], AbstractContextManager[str]]
MAX_CONNECTIONS = 8
TIMEOUT_SECONDS = 0.6


@pytest.fixture
def limited(settings: SharedSettings) -> SharedSettings:
    return settings.model_copy(
        update={
            "http_header_seconds": TIMEOUT_SECONDS,
            "http_body_seconds": TIMEOUT_SECONDS,
            "http_write_seconds": TIMEOUT_SECONDS,
            "http_min_body_rate": 1000.0,
            "http_max_connections": MAX_CONNECTIONS,
        }
    )


@pytest.fixture
def address(app: FastAPI, limited: SharedSettings, serving: Serving) -> Iterator[tuple[str, int]]:
    with serving(app, limited) as url:
        place = urlsplit(url)
        yield str(place.hostname), int(place.port or 0)


def connect(address: tuple[str, int], data: bytes = b"") -> socket.socket:
    connection = socket.create_connection(address, timeout=20)
    connection.sendall(data)
    return connection


def read_to_end(connection: socket.socket) -> bytes:
    """Everything until the server closes the connection; the test fails by timeout where it never does."""
    received = b""
    try:
        while block := connection.recv(65536):
            received += block
    except ConnectionResetError:
        pass
    return received


def head(method: str, path: str, *headers: str) -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers, "", ""]).encode()


def drip(connection: socket.socket, seconds: float = 20.0) -> bool:
    """Send a byte every now and then; whether the server closes the connection nevertheless."""
    connection.settimeout(0.1)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            connection.sendall(b"x")
            if connection.recv(65536) == b"":
                return True
        except TimeoutError:
            continue
        except OSError:
            return True
    return False


@pytest.mark.parametrize("data", [b"", b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Half: "])
def test_half_a_request_is_answered_with_408_and_closed(address: tuple[str, int], data: bytes) -> None:
    with closing(connect(address, data)) as connection:
        assert read_to_end(connection).startswith(b"HTTP/1.1 408 ")


def test_a_head_sent_a_byte_at_a_time_is_cut_off(address: tuple[str, int]) -> None:
    with closing(connect(address, b"GET /healthz HTTP/1.1\r\nX-Slow: ")) as connection:
        assert drip(connection)


def test_a_second_request_on_a_connection_has_the_same_time(address: tuple[str, int]) -> None:
    with closing(connect(address, head("GET", "/healthz") + b"GET /hea")) as connection:
        answers = read_to_end(connection)
        assert answers.startswith(b"HTTP/1.1 200 ")


def test_stalled_and_dripping_bodies_are_cut_off(address: tuple[str, int]) -> None:
    request = head("POST", "/v1/songs", "Content-Length: 100000", "Content-Type: application/json")
    with closing(connect(address, request + b"{")) as connection:
        read_to_end(connection)
    with closing(connect(address, request)) as connection:
        assert drip(connection)


def test_a_slow_body_above_the_least_rate_is_taken(address: tuple[str, int]) -> None:
    body = b'{"bars": 4}' + b" " * 4000
    request = head(
        "POST", "/v1/songs", f"Content-Length: {len(body)}", "Content-Type: application/json", "Connection: close"
    )
    with closing(connect(address, request)) as connection:
        for start in range(0, len(body), 400):
            connection.sendall(body[start : start + 400])
            time.sleep(TIMEOUT_SECONDS / 5)  # Ten parts: in all twice as long as a silent body may take.
        assert read_to_end(connection).startswith(b"HTTP/1.1 202 ")


def test_half_open_connections_do_not_block_others_and_are_closed(address: tuple[str, int]) -> None:
    with ExitStack() as stack:
        half_open = [
            stack.enter_context(closing(connect(address, b"GET / HTTP/1.1\r\n"))) for _ in range(5 * MAX_CONNECTIONS)
        ]
        url = f"http://{address[0]}:{address[1]}"
        assert httpx2.get(f"{url}/healthz", trust_env=False).status_code == 200
        for connection in half_open:
            read_to_end(connection)


def test_past_the_cap_on_busy_connections_the_answer_is_503(
    runtime: Runtime, address: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Event streams are requests at work: none is given up for a newcomer."""
    monkeypatch.setattr(sse, "KEEPALIVE_SECONDS", 0.05)
    job_id = runtime.store.submit(NewJob("song", {"bars": 4})).job.id
    with ExitStack() as stack:
        streams = [
            stack.enter_context(closing(connect(address, head("GET", f"/v1/songs/{job_id}/events"))))
            for _ in range(MAX_CONNECTIONS)
        ]
        for stream in streams:
            assert stream.recv(15).startswith(b"HTTP/1.1 200 ")
        with closing(connect(address)) as newcomer:
            answer = read_to_end(newcomer)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"application/problem+json" in answer.lower()
        deadline = time.monotonic() + 3 * TIMEOUT_SECONDS
        while time.monotonic() < deadline:  # Longer than any timeout: the streams are still alive.
            for stream in streams:
                assert stream.recv(65536) != b""


def test_a_client_that_does_not_read_its_response_is_cut_off(
    runtime: Runtime, limited: SharedSettings, serving: Serving
) -> None:
    router = APIRouter()

    @router.get("/endless")
    def endless() -> StreamingResponse:
        return StreamingResponse(repeat(bytes(2**20)))

    with serving(create_app(runtime, "Endless", [router]), limited) as url:
        place = urlsplit(url)
        with closing(connect((str(place.hostname), int(place.port or 0)), head("GET", "/endless"))):
            wait_until(
                lambda: 'route="/endless"' in httpx2.get(f"{url}/metrics", trust_env=False).text,
                "the request that nobody reads the response of to end",
            )


def test_the_cap_stays_below_the_limit_on_descriptors(
    settings: SharedSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _which: (256, 4096))
    many = settings.model_copy(update={"http_max_connections": 100_000})
    assert ConnectionLimits.of(many).connections == 256 - RESERVED_DESCRIPTORS
    assert ConnectionLimits.of(settings.model_copy(update={"http_max_connections": 7})).connections == 7
