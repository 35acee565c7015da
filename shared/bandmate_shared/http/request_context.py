"""Request id, access log and request metrics of every request; unexpected errors become a 500 problem detail."""

import re
import time

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from ulid import ULID

from bandmate_shared.http.metrics import HttpMetrics
from bandmate_shared.http.problems import internal_problem
from bandmate_shared.http.request_tracing import PROBE_PATHS, route_template

REQUEST_ID_HEADER = "X-Request-ID"
_VALID_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")

log = structlog.get_logger("bandmate.access")


class RequestContextMiddleware:
    """A caller's X-Request-ID is kept if it is short and of plain characters; the response always carries the id."""

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
                    raise  # The response has begun: the server can only close the connection.
                await internal_problem(scope)(scope, receive, send_with_id)
            finally:
                seconds = time.perf_counter() - started
                self.metrics.observe(scope["method"], route_template(scope), status, seconds)
                write = log.debug if scope["path"] in PROBE_PATHS else log.info
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
            if _VALID_ID.fullmatch(text):
                return text
    return str(ULID()).lower()
