"""An HTTP proxy that injects faults of networks and busy servers into chosen requests, for tests of clients."""

import http.client
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

Fault = Callable[["Exchange"], None]
"""Handles one exchange instead of passing it on."""


@dataclass
class Exchange:
    """A received request, with methods to forward and answer it."""

    handler: BaseHTTPRequestHandler
    body: bytes
    upstream: str

    def forward(self) -> tuple[int, Mapping[str, str], bytes]:
        """Forward the request; returns status, headers and body of the answer."""
        parsed = urlsplit(self.upstream)
        connection = http.client.HTTPConnection(parsed.hostname or "", parsed.port, timeout=30)
        try:
            headers = {name: value for name, value in self.handler.headers.items() if name.lower() != "expect"}
            connection.request(self.handler.command, self.handler.path, self.body, headers)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def answer(self, status: int, headers: Mapping[str, str], body: bytes, cut_at: int | None = None) -> None:
        """Send an answer; with `cut_at`, close the connection after that many bytes of its body."""
        self.handler.send_response(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                self.handler.send_header(name, value)
        length = next((value for name, value in headers.items() if name.lower() == "content-length"), str(len(body)))
        self.handler.send_header("Content-Length", length if self.handler.command == "HEAD" else str(len(body)))
        self.handler.send_header("Connection", "close")
        self.handler.end_headers()
        if self.handler.command != "HEAD":
            self.handler.wfile.write(body if cut_at is None else body[:cut_at])
        self.handler.close_connection = True


def busy(exchange: Exchange) -> None:
    """503 SlowDown, as S3 answers."""
    exchange.answer(503, {}, b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>")


def broken(exchange: Exchange) -> None:
    """500 InternalError."""
    exchange.answer(500, {}, b"<Error><Code>InternalError</Code><Message>We encountered an error.</Message></Error>")


def conflicting(exchange: Exchange) -> None:
    """409, which S3 answers to a conditional put while another one is in progress."""
    exchange.answer(409, {}, b"<Error><Code>ConditionalRequestConflict</Code><Message>Try again.</Message></Error>")


def unheard(exchange: Exchange) -> None:
    """The connection closes before the request reaches the server."""
    exchange.handler.close_connection = True


def unanswered(exchange: Exchange) -> None:
    """The server handles the request, and the answer is lost."""
    exchange.forward()
    exchange.handler.close_connection = True


def cut_short(after: int) -> Fault:
    """The connection closes after that many bytes of the answer's body."""
    return lambda exchange: exchange.answer(*exchange.forward(), cut_at=after)


def late(seconds: float) -> Fault:
    """The answer is delayed."""

    def fault(exchange: Exchange) -> None:
        time.sleep(seconds)
        exchange.answer(*exchange.forward())

    return fault


@dataclass
class FaultyProxy:
    """Passes requests on, except those that `plan` names. `seen` are the requests as '<method> <path>', in order."""

    upstream: str
    url: str = ""
    seen: list[str] = field(default_factory=list)
    _plan: list[tuple[Callable[[str], bool], list[Fault]]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def plan(self, matches: Callable[[str], bool], *faults: Fault) -> None:
        """The next requests that match get one of the faults each, in order; later ones pass."""
        self._plan.append((matches, list(faults)))

    def fault_for(self, request: str) -> Fault | None:
        with self._lock:
            self.seen.append(request)
            for matches, faults in self._plan:
                if faults and matches(request):
                    return faults.pop(0)
        return None


@contextmanager
def faulty_proxy(upstream: str) -> Iterator[FaultyProxy]:
    """A proxy on a free loopback port before the server at `upstream`."""
    proxy = FaultyProxy(upstream)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            exchange = Exchange(self, body, upstream)
            fault = proxy.fault_for(f"{self.command} {self.path}")
            if fault is not None:
                fault(exchange)
            else:
                exchange.answer(*exchange.forward())

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_any  # noqa: N815 - http.server's names

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # A client that gave up.

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    proxy.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
