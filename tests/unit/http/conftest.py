"""A small service behind the real app factory, whose song jobs are run by a handler of the tests."""

import io
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import structlog
from bandmate_shared.auth import KeyStore
from bandmate_shared.contracts.songs import SongRequest
from bandmate_shared.errors import InvalidRequest
from bandmate_shared.http.app import create_app
from bandmate_shared.http.job_routes import job_router
from bandmate_shared.http.serve import server_for
from bandmate_shared.jobs.execution.context import Done, JobContext
from bandmate_shared.jobs.execution.inprocess import InProcessQueue
from bandmate_shared.runtime import Runtime, open_runtime
from bandmate_shared.settings import SharedSettings
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.testclient import TestClient

PEPPER = "a pepper that is long enough for a test"
MIDI = b"MThd" + bytes(range(256)) * 8


LogStream = io.StringIO


def check_style(request: SongRequest, _tenant: str) -> SongRequest:
    if request.style == "noise":
        raise InvalidRequest("there is no style 'noise'")
    return request


def write_song(context: JobContext) -> Done:
    """The handler: a stage, and two files."""
    context.stage("compose")
    context.add("song.mid", MIDI, "audio/midi")
    context.add("report.html", b"<script>alert(1)</script>", "text/html")
    return Done({"seed": 7})


def songs_app(runtime: Runtime) -> FastAPI:
    router = job_router(runtime, "songs", ["song", "take"], SongRequest, check_style)
    return create_app(runtime, "Songs", [router])


@pytest.fixture
def app(runtime: Runtime) -> FastAPI:
    return songs_app(runtime)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, base_url="http://127.0.0.1:8000") as opened:
        yield opened


@pytest.fixture
def work(runtime: Runtime, queue: InProcessQueue) -> Callable[[], None]:
    """Run every submitted song."""
    return lambda: (queue.run_all(runtime, {"song": write_song}), None)[1]


@pytest.fixture
def service(settings: SharedSettings, queue: InProcessQueue) -> Iterator[Runtime]:
    """A runtime in service mode, in which no key has been made yet."""
    guarded = settings.model_copy(update={"mode": "service", "key_pepper": SecretStr(PEPPER)})
    opened = open_runtime(guarded, queue)
    yield opened
    opened.close()


@pytest.fixture
def keys(service: Runtime) -> KeyStore:
    return KeyStore(service.store.database, PEPPER)


@pytest.fixture
def log_stream() -> Iterator[LogStream]:
    """Where a test may send the logs; afterwards logging is as it was."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield LogStream()
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def serving() -> Callable[..., object]:
    """`with serving(app, settings) as url`: a real uvicorn on a free port of loopback."""
    return running_server


@contextmanager
def running_server(app: FastAPI, settings: SharedSettings) -> Iterator[str]:
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    server = server_for(app, settings, "127.0.0.1", port)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        app.state.stopping.set()
        server.should_exit = True
        thread.join(20)
        listening.close()
        assert not thread.is_alive(), "the server did not stop"
