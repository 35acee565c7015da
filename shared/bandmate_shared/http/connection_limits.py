"""Timeouts and a cap on the connections of the HTTP server, which uvicorn does not have itself.

Without them a client that sends half a request, or stops reading its response, holds its connection for ever, until
the process runs out of file descriptors. Event streams are not affected: they send, and their clients read.
"""

import asyncio
import resource
from dataclasses import dataclass

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from bandmate_shared.contracts.problems import PROBLEM_TYPE_PREFIX, Problem
from bandmate_shared.errors import BandmateError, Unavailable
from bandmate_shared.settings import SharedSettings

RESERVED_DESCRIPTORS = 128
"""File descriptors left for the database, the broker, files and log sinks."""

_CHECK_SECONDS = 0.25


class RequestTimeout(BandmateError):
    """The client did not send its request in time."""

    type = "request-timeout"
    title = "Request timeout"
    status = 408


@dataclass(frozen=True)
class ConnectionLimits:
    """`min_body_rate` is in bytes a second, averaged since the body began."""

    header_seconds: float
    body_seconds: float
    min_body_rate: float
    write_seconds: float
    keep_alive_seconds: int
    connections: int

    @classmethod
    def of(cls, settings: SharedSettings) -> "ConnectionLimits":
        """The limits that the settings name, with the cap below the process's limit on file descriptors."""
        descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        available = settings.http_max_connections
        if descriptors != resource.RLIM_INFINITY:
            available = min(available, max(descriptors - RESERVED_DESCRIPTORS, descriptors // 2))
        return cls(
            settings.http_header_seconds,
            settings.http_body_seconds,
            settings.http_min_body_rate,
            settings.http_write_seconds,
            settings.http_keep_alive_seconds,
            max(1, available),
        )


def limited_protocol(limits: ConnectionLimits) -> type[H11Protocol]:
    """The protocol class to give to uvicorn as `http`."""
    return type("LimitedH11Protocol", (_LimitedProtocol,), {"limits": limits})


class _LimitedProtocol(H11Protocol):
    """Watches one connection. At any time it waits for a request's head, for a body, or for the client to read."""

    limits: ConnectionLimits
    _timer: asyncio.TimerHandle | None = None
    _head_began: float | None = None
    _body_began = 0.0
    _body_bytes = 0
    _last_body = 0.0
    _write_stalled: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._head_began = self.loop.time()
        self._check_timeouts()
        if len(self.connections) > self.limits.connections and not self._evict_idle():
            self._refuse(Unavailable("the server has as many connections as it may have; try again"))

    def data_received(self, data: bytes) -> None:
        now = self.loop.time()
        if self._head_began is None and self._awaits_head():
            self._head_began = now  # The next request on a kept-alive connection.
        request_before = self.cycle
        super().data_received(data)
        if self.cycle is not request_before:
            self._head_began = None
            self._body_began, self._body_bytes = now, 0
        self._last_body = now
        self._body_bytes += len(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        self._write_stalled = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        self._write_stalled = None
        super().resume_writing()

    def _awaits_head(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _check_timeouts(self) -> None:
        if self.transport.is_closing() and self._write_stalled is None:
            return
        now = self.loop.time()
        if self._write_stalled is not None and now > self._write_stalled + self.limits.write_seconds:
            self.transport.abort()
            return
        if self._head_began is not None and self._awaits_head():
            if now > self._head_began + self.limits.header_seconds:
                self._refuse(RequestTimeout("the request's head did not arrive in time"))
                return
        elif not self._awaits_body():  # The time in which the application does not read is not the client's.
            self._body_began, self._body_bytes, self._last_body = now, 0, now
        elif now > self._body_deadline():
            self.transport.abort()  # The application learns of it as of any client that disconnects.
            return
        self._timer = self.loop.call_later(_CHECK_SECONDS, self._check_timeouts)

    def _awaits_body(self) -> bool:
        """Whether the client is to send more of a body, and neither we nor it wait for the other to act first."""
        cycle = self.cycle
        return (
            cycle is not None
            and cycle.more_body
            and not cycle.response_complete
            and not cycle.waiting_for_100_continue
            and not self.flow.read_paused
        )

    def _body_deadline(self) -> float:
        by_rate = self._body_began + self.limits.body_seconds + self._body_bytes / self.limits.min_body_rate
        return min(by_rate, self._last_body + self.limits.body_seconds)

    def _evict_idle(self) -> bool:
        """Close an idle connection, or the one waiting longest for a request's head; false where all are busy."""
        waiting = [
            (connection._head_began or 0.0, id(connection), connection)
            for connection in self.connections
            if isinstance(connection, _LimitedProtocol)
            and connection is not self
            and connection._awaits_head()
            and not connection.transport.is_closing()
        ]
        if not waiting:
            return False
        min(waiting)[2].transport.abort()
        return True

    def _refuse(self, error: BandmateError) -> None:
        """Answer with a problem detail and close, where no request is being answered."""
        if self.conn.our_state is h11.IDLE:
            type_ = PROBLEM_TYPE_PREFIX + error.type
            problem = Problem(type=type_, title=error.title, status=error.status, detail=error.detail, instance="")
            body = problem.model_dump_json(exclude_defaults=True).encode()
            headers = [
                ("Content-Type", "application/problem+json"),
                ("Content-Length", str(len(body))),
                ("Connection", "close"),
            ]
            head = h11.Response(status_code=error.status, headers=headers)
            for event in (head, h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
