"""The base of the stand-ins for HTTP services: a server of this process on loopback, started and stopped by `with`.

class _Handler(StandInHandler):
    server: "Clock"

    def do_GET(self) -> None:
        self.respond(200, {"Content-Type": "text/plain"}, str(self.server.hour).encode())

class Clock(HttpStandIn):
    hour = 12

    def __init__(self) -> None:
        super().__init__(_Handler)

with Clock() as clock:
    httpx2.get(clock.url)
"""

import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class StandInHandler(BaseHTTPRequestHandler):
    """Reads whole bodies and sends whole answers, over connections that stay open, without a word to stderr."""

    protocol_version = "HTTP/1.1"

    def read_body(self) -> bytes:
        return self.rfile.read(int(self.headers["Content-Length"] or 0))

    def respond(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Send an answer; its Content-Length is added."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Keep the tests' output quiet."""


class HttpStandIn(ThreadingHTTPServer):
    """A server on a loopback port, by default a free one, with a thread for each connection."""

    daemon_threads = True

    def __init__(self, handler: type[StandInHandler], port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()
