"""The FastAPI application factory, for one service or for all of them in one process.

A request passes tracing → request id, access log and metrics → draining of refused bodies → compression →
authentication → body limit → its route.
"""

import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from fastapi_offline import FastAPIOffline

import bandmate_shared
from bandmate_shared.auth import open_key_store
from bandmate_shared.http.authentication import ApiKeyMiddleware, LoopbackOnlyMiddleware
from bandmate_shared.http.body_limit import BodyLimitMiddleware
from bandmate_shared.http.compression import CompressionMiddleware
from bandmate_shared.http.drain_request_body import DrainRequestBodyMiddleware
from bandmate_shared.http.health import health_router
from bandmate_shared.http.metrics import HttpMetrics, metrics_router
from bandmate_shared.http.openapi.description import PROBLEM_RESPONSES, describe_api, operation_id
from bandmate_shared.http.problems import install_problem_handlers
from bandmate_shared.http.request_context import RequestContextMiddleware
from bandmate_shared.http.request_tracing import TracingMiddleware
from bandmate_shared.http.session import session_router
from bandmate_shared.runtime import Runtime


def create_app(runtime: Runtime, title: str, routers: Sequence[APIRouter]) -> FastAPI:
    """An app with the given routers, health and metrics routes, and the middleware.

    The caller opens and closes the runtime. `app.state.stopping` is an Event that ends open event streams;
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

    # Serves the assets of /docs itself: the page works without internet access.
    app = FastAPIOffline(
        title=title,
        version=bandmate_shared.__version__,
        lifespan=lifespan,
        responses=PROBLEM_RESPONSES,
        separate_input_output_schemas=False,
        generate_unique_id_function=operation_id,
        swagger_ui_parameters={"tryItOutEnabled": True},
    )
    app.state.stopping = stopping
    app.state.runtime = runtime
    install_problem_handlers(app)
    metrics = HttpMetrics()
    keys = None if settings.mode == "embedded" else open_key_store(settings, runtime.store.database)
    for router in (*routers, session_router(keys), health_router(runtime), metrics_router(metrics, runtime.store)):
        app.include_router(router)
    describe_api(app)
    # The middleware added last sees a request first.
    app.add_middleware(BodyLimitMiddleware, settings.max_body_bytes, settings.max_upload_bytes)
    if keys is None:
        app.add_middleware(LoopbackOnlyMiddleware)
    else:
        app.add_middleware(ApiKeyMiddleware, keys=keys)
    app.add_middleware(CompressionMiddleware)
    app.add_middleware(DrainRequestBodyMiddleware)
    app.add_middleware(RequestContextMiddleware, metrics=metrics)
    app.add_middleware(TracingMiddleware)
    return app
