"""One POST to a receiver: to a checked address, without redirects or proxies, within a time, with a bounded answer."""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass

from bandmate_shared.errors import BandmateError
from bandmate_shared.webhooks.addresses import Receiver, Resolve, checked_addresses, parse_url, resolve_host

MAX_ANSWER_BYTES = 16 * 1024
"""As much of an answer's body is read, and thrown away."""

_MAX_RETRY_AFTER_DIGITS = 6


class PostFailed(BandmateError):
    """No answer came."""

    type = "webhook-not-answered"
    title = "The receiver did not answer"
    status = 502


@dataclass(frozen=True, slots=True)
class Answer:
    """What the receiver said. `retry_after` is in seconds."""

    status: int
    retry_after: int | None


class Poster:
    """Posts to receivers. `resolve` and `tls` are the system's unless others are given; threads may share one."""

    def __init__(
        self,
        seconds: float,
        *,
        allow_private: bool,
        resolve: Resolve = resolve_host,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._seconds = seconds
        self._allow_private = allow_private
        self._resolve = resolve
        self._tls = tls or ssl.create_default_context()

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send it. Raises InvalidRequest, RefusedAddress, and PostFailed, of which only the last may pass by itself."""
        receiver = parse_url(url, allow_private=self._allow_private)
        try:
            addresses = checked_addresses(receiver, allow_private=self._allow_private, resolve=self._resolve)
        except (OSError, UnicodeError) as error:
            raise PostFailed(f"{receiver.host} cannot be resolved: {error}") from error
        with _Exchange(receiver, self._seconds) as exchange:
            try:
                exchange.connect(addresses, self._tls)
                return exchange.send(headers, body)
            except (OSError, http.client.HTTPException, ValueError) as error:
                is_late = exchange.is_late or isinstance(error, TimeoutError)
                reason = f"no answer within {self._seconds:g} s" if is_late else _reason(error)
                raise PostFailed(f"{receiver.host}: {reason}") from error


class _Exchange:
    """One connection, which is cut when its time is over, whatever the receiver keeps sending until then."""

    def __init__(self, receiver: Receiver, seconds: float) -> None:
        self._receiver = receiver
        self._ends_at = time.monotonic() + seconds
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self.is_late = False

    def __enter__(self) -> "_Exchange":
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        if self._socket is not None:
            self._socket.close()

    def connect(self, addresses: list[str], tls: ssl.SSLContext) -> None:
        """To the first address that accepts. Raises OSError."""
        failure = OSError("it has no address")
        for address in addresses:
            try:
                self._socket = socket.create_connection((address, self._receiver.port), self._left())
                break
            except OSError as error:
                failure = error
        if self._socket is None:
            raise failure
        if self._receiver.is_https:
            self._socket = tls.wrap_socket(
                self._socket, server_hostname=self._receiver.host, do_handshake_on_connect=False
            )
            self._socket.settimeout(self._left())
            self._socket.do_handshake()

    def send(self, headers: Mapping[str, str], body: bytes) -> Answer:
        """Raises OSError and http.client.HTTPException."""
        assert self._socket is not None
        self._socket.settimeout(self._left())
        receiver = self._receiver
        with closing(http.client.HTTPConnection(receiver.host, receiver.port)) as connection:
            connection.default_port = 443 if receiver.is_https else 80  # Of the Host header.
            connection.auto_open = 0  # It must not connect by itself, to the name.
            connection.sock = self._socket
            connection.request("POST", receiver.target, body, dict(headers))
            answer = connection.getresponse()
            answer.read(MAX_ANSWER_BYTES)
            self._left()  # A connection cut in the middle of the headers reads like one that ended there.
            return Answer(answer.status, _retry_after(answer.getheader("Retry-After")))

    def _left(self) -> float:
        left = self._ends_at - time.monotonic()
        if left <= 0:
            self.is_late = True
            raise TimeoutError
        return left

    def _cut(self) -> None:
        self.is_late = True
        if self._socket is not None:
            try:
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)  # Below TLS, whose state is another thread's.
            except OSError:
                pass  # It was closed already.


def _retry_after(header: str | None) -> int | None:
    is_seconds = header is not None and header.isascii() and header.isdigit() and len(header) <= _MAX_RETRY_AFTER_DIGITS
    return int(header) if is_seconds and header is not None else None


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
