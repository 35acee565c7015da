"""A refusal that is heard: what the client is still sending is read before the answer goes out.

A server that answers and closes while a body is under way makes the other side's system drop the connection, and the
answer with it (RFC 9112, section 9.6). Whoever sent 5 MB too many, or sent them without a key, then sees a broken pipe
in place of the reason, and behind a gateway a 502.
"""

import anyio
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES = 16 * 2**20
"""Of a body that nobody wants, no more than this is read for the sake of the answer."""

MOST_SECONDS = 2.0
"""Nor for longer than this."""


class Lingering:
    """ASGI middleware. Before an answer of 400 or above it reads the rest of the body, within bounds, into nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _sends_a_body(Headers(scope=scope)):
            await self.app(scope, receive, send)
            return
        whole = False

        async def watched_receive() -> Message:
            nonlocal whole
            message = await receive()
            whole = whole or message["type"] != "http.request" or not message.get("more_body", False)
            return message

        async def lingering_send(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] >= 400:
                rest = MOST_BYTES
                with anyio.move_on_after(MOST_SECONDS):
                    while not whole and rest > 0:
                        rest -= len((await watched_receive()).get("body", b""))
            await send(message)

        await self.app(scope, watched_receive, lingering_send)


def _sends_a_body(headers: Headers) -> bool:
    """Not where the client asks before it sends ("Expect: 100-continue"): reading would tell it to begin."""
    begins = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
    return begins and headers.get("expect", "").lower() != "100-continue"
