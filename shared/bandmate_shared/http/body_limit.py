"""Limits the size of request bodies: by Content-Length, and by counting a chunked body as it arrives.

Uploads, which are written to disk as they arrive, have a limit of their own.
"""

import re

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bandmate_shared.errors import LimitExceeded
from bandmate_shared.http.problems import problem_response

_UPLOAD = re.compile(r"/v1/uploads/[^/]+/content")


class BodyLimitMiddleware:
    """Answers 413, naming the limit and its setting, to a request whose body is too large."""

    def __init__(self, app: ASGIApp, max_bytes: int, max_upload_bytes: int = 0) -> None:
        self.app = app
        self.max_bytes = max_bytes
        self.max_upload_bytes = max_upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        is_upload = self.max_upload_bytes > 0 and _UPLOAD.fullmatch(scope["path"]) is not None
        limit, setting = (
            (self.max_upload_bytes, "BANDMATE_MAX_UPLOAD_BYTES")
            if is_upload
            else (self.max_bytes, "BANDMATE_MAX_BODY_BYTES")
        )
        detail = f"the body is larger than {limit} bytes; {setting} sets this limit"
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > limit:
            refusal = problem_response(LimitExceeded(detail), scope, headers={"Connection": "close"})
            await refusal(scope, receive, send)
            return
        received = 0

        async def counted_receive() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                # FastAPI lets only an HTTPException through while it reads a body.
                raise HTTPException(413, detail, headers={"Connection": "close"})
            return message

        await self.app(scope, counted_receive, send)
