"""The application factory: one way to make the HTTP side of a service, or of all of them in one process.

A request passes: request id and access log → the gate (who is it) → the body limit → its route. A refusal on the
way waits for the rest of the body.
"""

import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from fastapi_offline import FastAPIOffline

import bandmate_shared
from bandmate_shared.auth import open_key_store
from bandmate_shared.http.body_limit import BodyLimit
from bandmate_shared.http.gate import KeyGate, LoopbackGate
from bandmate_shared.http.health import health_router
from bandmate_shared.http.lingering import Lingering
from bandmate_shared.http.metrics import HttpMetrics, metrics_router
from bandmate_shared.http.openapi import PROBLEM_RESPONSES, describe_problems
from bandmate_shared.http.problems import install_problem_handlers
from bandmate_shared.http.request_context import RequestContext
from bandmate_shared.http.traced import Traced
from bandmate_shared.runtime import Runtime


def create_app(runtime: Runtime, title: str, routers: Sequence[APIRouter]) -> FastAPI:
    """An app with the given routers, health, metrics, and everything that guards them.

    The caller opens the runtime and closes it. `app.state.stopping` is an Event that ends open event streams;
    http/serve.py sets it when the server is told to stop.

    Raises:
        InsecureConfiguration: service mode without a pepper or without a single key.
    """
    settings = runtime.settings
    stopping = threading.Event()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        stopping.set()

    # Serves /docs from its own files: the page works on a machine without a network.
    app = FastAPIOffline(
        title=title,
        version=bandmate_shared.__version__,
        lifespan=lifespan,
        responses=PROBLEM_RESPONSES,
        separate_input_output_schemas=False,
        swagger_ui_parameters={"tryItOutEnabled": True},
    )
    app.state.stopping = stopping
    app.state.runtime = runtime
    install_problem_handlers(app)
    metrics = HttpMetrics()
    for router in (*routers, health_router(runtime), metrics_router(metrics, runtime.store)):
        app.include_router(router)
    describe_problems(app)
    # add_middleware wraps: the last one added meets a request first.
    app.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes, max_upload_bytes=settings.max_upload_bytes)
    if settings.mode == "embedded":
        app.add_middleware(LoopbackGate)
    else:
        app.add_middleware(KeyGate, keys=open_key_store(settings, runtime.store.database))
    app.add_middleware(Lingering)
    app.add_middleware(RequestContext, metrics=metrics)
    app.add_middleware(Traced)
    return app
