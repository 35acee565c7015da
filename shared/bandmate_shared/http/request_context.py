"""The outermost middleware: for every request an id, a line in the log and a histogram sample; no tracebacks."""

import re
import time
from typing import Any

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from ulid import ULID

from bandmate_shared.http.metrics import HttpMetrics
from bandmate_shared.http.problems import internal_problem

REQUEST_ID_HEADER = "X-Request-ID"
QUIET_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds by machines: logged at debug."""

_ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")

log = structlog.get_logger("bandmate.access")


class RequestContext:
    """ASGI middleware. A caller's own X-Request-ID is kept if it is short and plain, and given back in any case."""

    def __init__(self, app: ASGIApp, metrics: HttpMetrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _request_id_of(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", ()),
                    (REQUEST_ID_HEADER.lower().encode(), request_id.encode()),
                    (b"x-content-type-options", b"nosniff"),
                ]
            await send(message)

        started = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self.app(scope, receive, send_with_id)
            except Exception:
                log.exception("request failed unexpectedly", method=scope["method"], path=scope["path"])
                if status:
                    raise  # The answer is under way; breaking the connection is the one way left to say so.
                await internal_problem(scope)(scope, receive, send_with_id)
            finally:
                seconds = time.perf_counter() - started
                self.metrics.observe(scope["method"], _route_of(scope), status, seconds)
                write = log.debug if scope["path"] in QUIET_PATHS else log.info
                write(
                    "request",
                    method=scope["method"],
                    path=scope["path"],
                    status=status,
                    milliseconds=round(seconds * 1000, 1),
                    tenant=scope["state"].get("tenant"),
                )


def _request_id_of(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == REQUEST_ID_HEADER.lower().encode():
            text: str = value.decode("latin-1")
            if _ACCEPTABLE_ID.fullmatch(text):
                return text
    return str(ULID()).lower()


def _route_of(scope: Scope) -> str:
    """The route's template: a label for each job id would be a time series for each job."""
    route: Any = scope.get("route")
    return getattr(route, "path", None) or "(none)"
