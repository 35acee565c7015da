"""Downloads of a job's artifacts: media type, strong ETag (the SHA-256), conditional and range requests, CSP sandbox.

A file of a directory store is sent from disk. An S3 object is streamed in blocks, or, where clients reach S3 directly
(BANDMATE_STORAGE_PUBLIC_ENDPOINT) and it is large, the answer redirects to a presigned URL.
"""

import re
from pathlib import PurePosixPath
from urllib.parse import quote

from fastapi import Request
from starlette.responses import FileResponse, RedirectResponse, Response, StreamingResponse

from bandmate_shared.contracts.jobs import Artifact
from bandmate_shared.errors import BandmateError, NotFound
from bandmate_shared.http.problems import problem_response
from bandmate_shared.objects.base import Presigner, Storage
from bandmate_shared.objects.blobs import blob_key

MIN_REDIRECTED_BYTES = 256 * 1024
"""Smaller artifacts are streamed: a second request would take longer than their bytes."""

_INLINE_MEDIA_TYPES = ("audio/", "image/", "application/json", "text/")
_RANGE = re.compile(r"bytes=\s*(\d*)-(\d*)\s*", re.IGNORECASE)
_MAX_RANGE_DIGITS = 18


class RangeNotSatisfiable(BandmateError):
    """The requested range begins after the end of the file."""

    type = "range-not-satisfiable"
    title = "Range not satisfiable"
    status = 416


def artifact_response(
    request: Request, storage: Storage, artifact: Artifact, presigner: Presigner | None = None
) -> Response:
    """The file, or 304 where the caller has it already. Raises NotFound when it is missing from the store."""
    etag = f'"{artifact.sha256}"'
    headers = {
        "ETag": etag,
        "Cache-Control": "private, no-cache",  # A job that is tried again may replace a file under the same name.
        "Content-Disposition": _disposition(artifact),
        # A report is a page that names the user's files; sandboxed, whatever got into it runs no script here.
        "Content-Security-Policy": "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'",
    }
    if _matches(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    key = blob_key(artifact.sha256)
    local = storage.local_path(key)
    if local is not None:
        return FileResponse(local, headers=headers, media_type=artifact.media_type)
    if presigner is not None and _may_redirect(request, artifact):
        url = presigner.download_url(key, media_type=artifact.media_type, disposition=headers["Content-Disposition"])
        return RedirectResponse(url, 307, headers={"Cache-Control": "private, no-store"})
    return _stream(request, storage, key, artifact, headers)


def _may_redirect(request: Request, artifact: Artifact) -> bool:
    """Whether S3 may answer directly: a presigned URL is for GET only, and S3 would send a page without its sandbox."""
    return request.method == "GET" and artifact.size >= MIN_REDIRECTED_BYTES and artifact.media_type != "text/html"


def _stream(request: Request, storage: Storage, key: str, artifact: Artifact, headers: dict[str, str]) -> Response:
    headers["Accept-Ranges"] = "bytes"
    if request.method == "HEAD":
        if not storage.exists(key):
            raise NotFound(f"{artifact.name} is missing from the store")
        return Response(headers={**headers, "Content-Length": str(artifact.size)}, media_type=artifact.media_type)
    try:
        byte_range = _requested_range(request, headers["ETag"], artifact.size)
    except RangeNotSatisfiable as error:
        return problem_response(error, request.scope, headers={"Content-Range": f"bytes */{artifact.size}"})
    start, stop = byte_range or (0, artifact.size)
    blocks = storage.blocks(key, start, stop if byte_range else None)
    headers["Content-Length"] = str(stop - start)
    if byte_range:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{artifact.size}"
    return StreamingResponse(blocks, 206 if byte_range else 200, headers, artifact.media_type)


def parse_range(header: str | None, size: int) -> tuple[int, int] | None:
    """Parse a single `Range: bytes=…` (RFC 9110, section 14.2) into (first byte, last byte + 1).

    None: send the whole file; so are several ranges at once answered, which the RFC allows. Raises RangeNotSatisfiable.
    """
    match = _RANGE.fullmatch(header or "")
    if match is None or not any(match.groups()) or any(len(number) > _MAX_RANGE_DIGITS for number in match.groups()):
        return None
    first, last = match.groups()
    if not first:
        start, stop = max(0, size - int(last)), size
    else:
        start, stop = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < start:
            return None
    if start >= stop:
        raise RangeNotSatisfiable(f"the file has {size} bytes")
    return start, stop


def _requested_range(request: Request, etag: str, size: int) -> tuple[int, int] | None:
    """None: send the whole file, also where If-Range names another version of it."""
    if_range = request.headers.get("if-range")
    return parse_range(request.headers.get("range"), size) if if_range in (None, etag) else None


def _matches(if_none_match: str | None, etag: str) -> bool:
    if if_none_match is None:
        return False
    candidates = [value.strip().removeprefix("W/") for value in if_none_match.split(",")]
    return "*" in candidates or etag in candidates


def _disposition(artifact: Artifact) -> str:
    disposition = "inline" if artifact.media_type.startswith(_INLINE_MEDIA_TYPES) else "attachment"
    return f'{disposition}; filename="{quote(PurePosixPath(artifact.name).name)}"'
