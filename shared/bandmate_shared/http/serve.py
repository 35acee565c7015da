"""Runs an app with uvicorn: refuses an unsafe bind, limits connections, and ends event streams on shutdown."""

import signal
import socket
import sys
from types import FrameType

import uvicorn
from fastapi import FastAPI

from bandmate_shared.auth import refuse_unsafe_bind
from bandmate_shared.http.connection_limits import ConnectionLimits, limited_protocol
from bandmate_shared.settings import SharedSettings

GRACEFUL_SECONDS = 5
"""How long running requests may take after the server is told to stop."""


class Server(uvicorn.Server):
    """A uvicorn server that tells its app of a shutdown before it waits for open connections.

    Otherwise an open event stream would delay every shutdown until the grace period is over.
    """

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._app.state.stopping.set()
        super().handle_exit(sig, frame)


def server_for(app: FastAPI, settings: SharedSettings, host: str = "127.0.0.1", port: int = 8000) -> Server:
    """A server, not yet running. Raises InsecureConfiguration for an embedded app on a non-loopback address."""
    refuse_unsafe_bind(settings, host)
    limits = ConnectionLimits.of(settings)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        access_log=False,  # RequestContextMiddleware writes a better one.
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
        timeout_keep_alive=limits.keep_alive_seconds,
        http=limited_protocol(limits),
    )
    return Server(config, app)


def serve(
    app: FastAPI,
    settings: SharedSettings,
    host: str = "127.0.0.1",
    port: int = 8000,
    listening: socket.socket | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, on a listening socket if one is given; then raises SystemExit."""
    # uvicorn raises the signal again when it has stopped; by default that would end the process before its threads.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    if listening is not None:
        host, port = listening.getsockname()[:2]
    server_for(app, settings, host, port).run(sockets=[listening] if listening is not None else None)


def _end(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)
