"""The upload routes: a client announces a file, sends its bytes, and names it in a request.

    POST   /v1/uploads                announce one: 201, its id, and how to send the bytes
    PUT    /v1/uploads/{id}/content   send them here, where the store is not reached directly
    GET    /v1/uploads                all of them
    GET    /v1/uploads/{id}           its state
    DELETE /v1/uploads/{id}           remove it

A request then names it as `upload:<id>`. Expired uploads are removed at most once an hour, after an announcement.
"""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import structlog
from fastapi import APIRouter, BackgroundTasks, Request, Response
from starlette.requests import ClientDisconnect

from bandmate_shared.contracts.uploads import UPLOAD_SOURCE, UploadForm, UploadList, UploadRequest, UploadView
from bandmate_shared.errors import BandmateError, Conflict, InvalidRequest
from bandmate_shared.http.authentication import Tenant
from bandmate_shared.http.idempotency import refuse_unstorable
from bandmate_shared.jobs.execution.workdir import WorkingFolder
from bandmate_shared.objects.base import Presigner
from bandmate_shared.objects.open import open_presigner
from bandmate_shared.objects.partial_file import storage_full_on_full_disk
from bandmate_shared.objects.uploads import (
    INCOMING_LIFETIME,
    Upload,
    announce,
    expires_at,
    find,
    forget,
    list_uploads,
    sweep,
)
from bandmate_shared.runtime import Runtime

FORM_SECONDS = 3600
"""How long a presigned form is valid."""
SWEEP_SECONDS = 3600.0

log = structlog.get_logger(__name__)


def upload_router(runtime: Runtime) -> APIRouter:
    """The routes of `/v1/uploads`; the body limit of `content` is the one on uploads (see body_limit.py)."""
    router = APIRouter(prefix="/v1/uploads", tags=["uploads"])
    storage, settings = runtime.storage, runtime.settings
    presigner = open_presigner(runtime.storage, settings.storage_public_endpoint)
    hourly_sweep = _Hourly(lambda: sweep(storage, settings))

    def view(upload: Upload) -> UploadView:
        ticket = upload.ticket
        return UploadView(
            **ticket.model_dump(include={"id", "filename", "size", "created_at"}),
            source=UPLOAD_SOURCE + ticket.id,
            state=upload.state,
            expires_at=expires_at(upload, settings),
            send=_form(upload, presigner) if upload.state == "waiting" else None,
        )

    @router.post("", status_code=201, summary="Announce a file; the answer says how to send it")
    def create(tenant: Tenant, body: UploadRequest, response: Response, background: BackgroundTasks) -> UploadView:
        refuse_unstorable(body.filename, "filename")
        upload = announce(storage, tenant, body.filename, body.size, settings)
        background.add_task(hourly_sweep.run)
        response.headers["Location"] = f"/v1/uploads/{upload.ticket.id}"
        return view(upload)

    @router.get("", summary="Your uploads, newest first")
    def index(tenant: Tenant) -> UploadList:
        return UploadList(items=[view(upload) for upload in list_uploads(storage, tenant)])

    @router.get("/{upload_id}", summary="One upload")
    def show(tenant: Tenant, upload_id: str) -> UploadView:
        return view(find(storage, tenant, upload_id))

    @router.delete("/{upload_id}", status_code=204, summary="Remove it; jobs that have yet to read it will fail")
    def remove(tenant: Tenant, upload_id: str) -> None:
        forget(storage, tenant, upload_id)

    @router.put(
        "/{upload_id}/content",
        summary="Send its bytes",
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
            }
        },
    )
    async def receive(tenant: Tenant, upload_id: str, request: Request) -> UploadView:
        upload = await anyio.to_thread.run_sync(find, storage, tenant, upload_id)
        if upload.state == "kept":
            raise Conflict(f"{upload.ticket.filename} was sent already, and a request has named it: announce another")
        with WorkingFolder(settings.home / "receiving", upload_id) as folder:
            path = folder.path / "content"
            await _receive(request, path, upload.ticket.size)
            await anyio.to_thread.run_sync(storage.put, upload.key, path)
        return view(await anyio.to_thread.run_sync(find, storage, tenant, upload_id))

    return router


async def _receive(request: Request, path: Path, size: int) -> None:
    """Write the body to a file as it arrives. Raises InvalidRequest where it is not of that size, and StorageFull."""
    received = 0
    try:
        with storage_full_on_full_disk("receiving an upload", path.parent):
            async with await anyio.open_file(path, "wb") as file:
                async for chunk in request.stream():
                    received += len(chunk)
                    if received > size:
                        break
                    await file.write(chunk)
    except ClientDisconnect as error:
        raise InvalidRequest(f"the connection was lost after {received:,} bytes") from error
    if received != size:
        received_text = "more than that" if received > size else f"{received:,}"
        raise InvalidRequest(f"the upload was announced with {size:,} bytes, and {received_text} came")


def _form(upload: Upload, presigner: Presigner | None) -> UploadForm:
    if presigner is None:
        path = f"/v1/uploads/{upload.ticket.id}/content"
        return UploadForm(method="PUT", url=path, expires_at=upload.ticket.created_at + INCOMING_LIFETIME)
    url, fields = presigner.upload_form(upload.key, size=upload.ticket.size, seconds=FORM_SECONDS)
    expires = datetime.now(UTC) + timedelta(seconds=FORM_SECONDS)
    return UploadForm(method="POST", url=url, fields=dict(fields), expires_at=expires)


class _Hourly:
    """Runs a function at most once an hour in this process, never concurrently."""

    def __init__(self, work: Callable[[], int]) -> None:
        self._work = work
        self._due = 0.0
        self._lock = threading.Lock()

    def run(self) -> None:
        with self._lock:
            if time.monotonic() < self._due:
                return
            self._due = time.monotonic() + SWEEP_SECONDS
        try:
            removed = self._work()
        except BandmateError as error:  # Tried again in an hour.
            log.warning("expired uploads could not be removed", reason=error.detail)
            return
        if removed:
            log.info("expired uploads removed", objects=removed)
