"""Serving a job's files: their own media type, a strong ETag (the SHA-256), ranges, and no way to run a script.

A directory's file is sent as it lies. An object of S3 is passed on in blocks, or, where clients reach S3 themselves
(BANDMATE_STORAGE_PUBLIC_ENDPOINT), fetched from there by a presigned URL if it is large.
"""

from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import quote

from fastapi import Request
from starlette.responses import FileResponse, RedirectResponse, Response, StreamingResponse

from bandmate_shared.contracts.jobs import Artifact
from bandmate_shared.errors import NotFound
from bandmate_shared.http.byte_range import RangeNotSatisfiable, parse_range
from bandmate_shared.http.problems import problem_response
from bandmate_shared.storage import Storage, blob_key

if TYPE_CHECKING:
    from bandmate_shared.presigned import Presigner

REDIRECTED_BYTES = 256 * 1024
"""For less than this, a second request takes longer than the bytes."""

_SHOWN_INLINE = ("audio/", "image/", "application/json", "text/")


def artifact_response(
    request: Request, storage: Storage, artifact: Artifact, presigner: "Presigner | None" = None
) -> Response:
    """The file, or 304 where the caller has it already. Raises NotFound when the store has lost it."""
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
    if presigner is not None and _goes_around(request, artifact):
        url = presigner.download_url(key, media_type=artifact.media_type, disposition=headers["Content-Disposition"])
        return RedirectResponse(url, 307, headers={"Cache-Control": "private, no-store"})
    return _passed_on(request, storage, key, artifact, headers)


def _goes_around(request: Request, artifact: Artifact) -> bool:
    """Whether S3 may answer: its URL is for GET only, and it would not sandbox a page."""
    return request.method == "GET" and artifact.size >= REDIRECTED_BYTES and artifact.media_type != "text/html"


def _passed_on(request: Request, storage: Storage, key: str, artifact: Artifact, headers: dict[str, str]) -> Response:
    headers["Accept-Ranges"] = "bytes"
    if request.method == "HEAD":
        if not storage.exists(key):
            raise NotFound(f"the store has lost {artifact.name}")
        return Response(headers={**headers, "Content-Length": str(artifact.size)}, media_type=artifact.media_type)
    try:
        wanted = _wanted_range(request, headers["ETag"], artifact.size)
    except RangeNotSatisfiable as error:
        return problem_response(error, request.scope, headers={"Content-Range": f"bytes */{artifact.size}"})
    start, stop = wanted or (0, artifact.size)
    blocks = storage.blocks(key, start, stop if wanted else None)
    headers["Content-Length"] = str(stop - start)
    if wanted:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{artifact.size}"
    return StreamingResponse(blocks, 206 if wanted else 200, headers, artifact.media_type)


def _wanted_range(request: Request, etag: str, size: int) -> tuple[int, int] | None:
    """None: the whole, also where the caller has a part of another version."""
    if_range = request.headers.get("if-range")
    return parse_range(request.headers.get("range"), size) if if_range in (None, etag) else None


def _matches(if_none_match: str | None, etag: str) -> bool:
    if if_none_match is None:
        return False
    candidates = [one.strip().removeprefix("W/") for one in if_none_match.split(",")]
    return "*" in candidates or etag in candidates


def _disposition(artifact: Artifact) -> str:
    how = "inline" if artifact.media_type.startswith(_SHOWN_INLINE) else "attachment"
    return f'{how}; filename="{quote(PurePosixPath(artifact.name).name)}"'
