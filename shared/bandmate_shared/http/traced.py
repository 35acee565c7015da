"""ASGI middleware: a server span for every request, joined to the caller's trace where it sends a traceparent."""

from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bandmate_shared import tracing

QUIET_PATHS = frozenset({"/healthz", "/readyz", "/metrics", "/ping"})
"""Asked every few seconds by machines: not traced."""


class Traced:
    """Put it outermost, so that log lines of the middlewares inside carry the trace."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in QUIET_PATHS:
            await self.app(scope, receive, send)
            return
        status = 0

        async def send_and_see(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        method = scope["method"]
        asked = {"http.request.method": method, "url.path": scope["path"]}
        with tracing.span(method, kind="server", parent=_traceparent_of(scope), attributes=asked) as span:
            try:
                await self.app(scope, receive, send_and_see)
            finally:
                if span is not None:
                    span.name(f"{method} {_route_of(scope)}")
                    span.note("http.response.status_code", status)
                    if status >= 500:
                        span.failed(str(status), "")


def _route_of(scope: Scope) -> str:
    """The route's template: a name for each job would be a name too many."""
    route: Any = scope.get("route")
    return getattr(route, "path", None) or "(none)"


def _traceparent_of(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"traceparent":
            text: str = value.decode("latin-1")
            return text
    return None
