"""A bound on request bodies, declared or not: a chunked body is counted as it comes in."""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bandmate_shared.errors import LimitExceeded
from bandmate_shared.http.problems import problem_response


class BodyLimit:
    """ASGI middleware. Past `max_bytes` the request gets a 413 that names the limit and its setting."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes
        self.detail = f"the body is larger than {max_bytes} bytes; BANDMATE_MAX_BODY_BYTES moves this limit"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self.max_bytes:
            refusal = problem_response(LimitExceeded(self.detail), scope, headers={"Connection": "close"})
            await refusal(scope, receive, send)
            return
        received = 0

        async def counted_receive() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.max_bytes:
                # An HTTPException, for FastAPI lets only those through while it reads a body.
                raise HTTPException(413, self.detail, headers={"Connection": "close"})
            return message

        await self.app(scope, counted_receive, send)
