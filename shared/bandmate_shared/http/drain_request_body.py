"""Reads the rest of a request body before an error response, so that the client receives the response.

A server that answers and closes while a body is under way makes the other side's system drop the connection, and the
answer with it (RFC 9112, section 9.6). Whoever sent 5 MB too many, or sent them without a key, then sees a broken pipe
in place of the reason, and behind a gateway a 502.
"""

import anyio
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BYTES = 16 * 2**20
"""The most that is read of a body only to be discarded."""
MAX_SECONDS = 2.0
"""The longest time spent on that."""


class DrainRequestBodyMiddleware:
    """Before a response of status 400 or above, reads and discards the rest of the request body, within bounds."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _has_body(Headers(scope=scope)):
            await self.app(scope, receive, send)
            return
        body_complete = False

        async def tracking_receive() -> Message:
            nonlocal body_complete
            message = await receive()
            body_complete = body_complete or message["type"] != "http.request" or not message.get("more_body", False)
            return message

        async def send_after_draining(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] >= 400:
                remaining = MAX_BYTES
                with anyio.move_on_after(MAX_SECONDS):
                    while not body_complete and remaining > 0:
                        remaining -= len((await tracking_receive()).get("body", b""))
            await send(message)

        await self.app(scope, tracking_receive, send_after_draining)


def _has_body(headers: Headers) -> bool:
    """False also where the client asks before it sends ("Expect: 100-continue"): reading would make it begin."""
    has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
    return has_body and headers.get("expect", "").lower() != "100-continue"
