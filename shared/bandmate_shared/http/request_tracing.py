"""A server span for every request, as a child of the caller's span where the request carries a traceparent."""

from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bandmate_shared.observability import tracing

PROBE_PATHS = frozenset({"/healthz", "/readyz", "/metrics", "/ping"})
"""Requested every few seconds by orchestrators and monitoring: not traced, and logged at debug level."""


class TracingMiddleware:
    """To be the outermost middleware, so that log lines of the others carry the trace id."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in PROBE_PATHS:
            await self.app(scope, receive, send)
            return
        status = 0

        async def recording_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        method = scope["method"]
        attributes = {"http.request.method": method, "url.path": scope["path"]}
        with tracing.span(method, kind="server", parent=_traceparent_of(scope), attributes=attributes) as span:
            try:
                await self.app(scope, receive, recording_send)
            finally:
                if span is not None:
                    span.name(f"{method} {route_template(scope)}")
                    span.note("http.response.status_code", status)
                    if status >= 500:
                        span.failed(str(status), "")


def route_template(scope: Scope) -> str:
    """The matched route's path template; a label for each job id would be a time series for each job."""
    route: Any = scope.get("route")
    return getattr(route, "path", None) or "(none)"


def _traceparent_of(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"traceparent":
            text: str = value.decode("latin-1")
            return text
    return None
