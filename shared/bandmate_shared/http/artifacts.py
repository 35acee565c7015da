"""Serving a job's files: their own media type, a strong ETag (the SHA-256), ranges, and no way to run a script.

The store's file is sent as it lies where the store is a directory; a remote store's object is read and sent whole.
"""

from pathlib import PurePosixPath
from urllib.parse import quote

from fastapi import Request
from starlette.responses import FileResponse, Response

from bandmate_shared.contracts.jobs import Artifact
from bandmate_shared.storage import Storage, blob_key

_SHOWN_INLINE = ("audio/", "image/", "application/json", "text/")


def artifact_response(request: Request, storage: Storage, artifact: Artifact) -> Response:
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
    return Response(storage.get(key), headers=headers, media_type=artifact.media_type)


def _matches(if_none_match: str | None, etag: str) -> bool:
    if if_none_match is None:
        return False
    candidates = [one.strip().removeprefix("W/") for one in if_none_match.split(",")]
    return "*" in candidates or etag in candidates


def _disposition(artifact: Artifact) -> str:
    how = "inline" if artifact.media_type.startswith(_SHOWN_INLINE) else "attachment"
    return f'{how}; filename="{quote(PurePosixPath(artifact.name).name)}"'
