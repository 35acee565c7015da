"""Compresses text responses with gzip: JSON, SVG, MusicXML, pages. Sound is sent as it is, and so are event streams."""

import zlib

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MIN_BYTES = 1000
"""Smaller bodies fit into a packet or two as they are."""
_TYPES = ("application/json", "application/problem+json", "application/vnd.recordare.musicxml+xml", "image/svg+xml")
_GZIP = 16 + zlib.MAX_WBITS


class CompressionMiddleware:
    """Sends what compresses well with `Content-Encoding: gzip` to clients that take it. Its ETags become weak ones."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        takes_gzip = scope["type"] == "http" and "gzip" in Headers(scope=scope).get("accept-encoding", "")
        if not takes_gzip or scope["method"] == "HEAD":
            await self.app(scope, receive, send)
            return
        compressor = zlib.compressobj(6, zlib.DEFLATED, _GZIP)
        compresses = False

        async def compressing_send(message: Message) -> None:
            nonlocal compresses
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                compresses = _is_compressible(message["status"], headers)
                if compresses:
                    _describe(headers)
                    message = {**message, "headers": headers.raw}
            elif message["type"] == "http.response.body" and compresses:
                is_last = not message.get("more_body", False)
                body = compressor.compress(message.get("body", b"")) + (compressor.flush() if is_last else b"")
                message = {**message, "body": body}
            await send(message)

        await self.app(scope, receive, compressing_send)


def _is_compressible(status: int, headers: Headers) -> bool:
    media_type = headers.get("content-type", "").partition(";")[0]
    if status in (204, 206, 304) or "content-encoding" in headers or media_type == "text/event-stream":
        return False
    length = headers.get("content-length")
    is_large = length is None or int(length) >= MIN_BYTES
    return is_large and (media_type in _TYPES or media_type.startswith("text/"))


def _describe(headers: MutableHeaders) -> None:
    headers["Content-Encoding"] = "gzip"
    headers.add_vary_header("Accept-Encoding")
    for name in ("content-length", "accept-ranges"):
        if name in headers:
            del headers[name]
    etag = headers.get("etag")
    if etag is not None and not etag.startswith("W/"):
        headers["ETag"] = f"W/{etag}"
