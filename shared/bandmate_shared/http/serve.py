"""Running an app with uvicorn: refuses an unsafe bind, and ends event streams at once when told to stop."""

import signal
import socket
import sys
from types import FrameType

import uvicorn
from fastapi import FastAPI

from bandmate_shared.auth import refuse_unsafe_bind
from bandmate_shared.settings import SharedSettings

GRACEFUL_SECONDS = 5
"""How long requests under way may take to end after a stop was asked for."""


class Server(uvicorn.Server):
    """A uvicorn server whose app learns of the stop before its connections are waited for.

    Without this an open event stream would hold up every shutdown until the grace period is over.
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
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        access_log=False,  # RequestContext writes a better one.
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
    )
    return Server(config, app)


def serve(
    app: FastAPI,
    settings: SharedSettings,
    host: str = "127.0.0.1",
    port: int = 8000,
    listening: socket.socket | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, on a socket that listens already if one is given; then raises SystemExit."""
    # uvicorn hands a signal on when it has stopped serving; by default that would end the process before its threads.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    if listening is not None:
        host, port = listening.getsockname()[:2]
    server_for(app, settings, host, port).run(sockets=[listening] if listening is not None else None)


def _end(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)
