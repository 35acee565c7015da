"""`python -m bandmate_studio`: the page in a process of its own, for a gateway that sends `/v1` to the services.

It reads no database and has no keys: the files of the page are all it has.
"""

import threading

from bandmate_shared.http.metrics import HttpMetrics
from bandmate_shared.http.problems import install_problem_handlers
from bandmate_shared.http.request_context import RequestContextMiddleware
from bandmate_shared.http.serve import serve
from bandmate_shared.observability.logs import configure_logging
from bandmate_shared.service.health import announce_api
from fastapi import FastAPI

from bandmate_studio.api import routers
from bandmate_studio.settings import studio_settings


def create_page_app() -> FastAPI:
    """`/`, the files below `/studio/`, and `/healthz`."""
    app = FastAPI(title="Bandmate studio", openapi_url=None)
    app.state.stopping = threading.Event()  # Of http/serve.py: nothing here has to be told of a shutdown.
    install_problem_handlers(app)
    for router in routers():
        app.include_router(router)

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    app.add_middleware(RequestContextMiddleware, metrics=HttpMetrics())
    return app


def main() -> None:
    """Serve until SIGTERM. Raises InsecureConfiguration for an address of a network in embedded mode."""
    settings = studio_settings()
    configure_logging(settings, "studio")
    app = create_page_app()
    announce_api(settings.host, settings.port)
    serve(app, settings, settings.host, settings.port)


if __name__ == "__main__":
    main()
