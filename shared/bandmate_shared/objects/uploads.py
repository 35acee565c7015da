"""Uploads in the store: announced, received, then checked and kept when a request names them.

    incoming/<tenant>/<id>/ticket.json, content     announced; the bytes as received. Expire after a day
    uploads/<tenant>/<id>/content, ticket.json      checked and kept for jobs, ticket written last. Expire after weeks

A kept upload does not change: bytes sent for its id later go to `incoming/`. The tenant is part of the key, so no
tenant finds another's uploads. On S3 lifecycle rules may expire both prefixes; `sweep` does so on every store.
"""

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from bandmate_music.detect import describe, kind_of
from bandmate_music.limits import Limits
from bandmate_music.musicxml.bounded_zip import open_zip
from pydantic import BaseModel

from bandmate_shared.contracts.uploads import UPLOAD_SOURCE
from bandmate_shared.errors import BandmateError, InvalidRequest, LimitExceeded, NotFound, UnreadableFile
from bandmate_shared.objects.base import AlreadyExists, Storage, StoredObject
from bandmate_shared.objects.stored_file import open_stored
from bandmate_shared.settings import SharedSettings

INCOMING = "incoming"
KEPT = "uploads"
INCOMING_LIFETIME = timedelta(days=1)
MAX_WAITING = 50
"""Announced uploads without bytes that a tenant may have."""
_RETRY_AFTER_SECONDS = 60
_HEAD_BYTES = 2048

State = Literal["waiting", "received", "kept"]


class UploadQuotaExceeded(BandmateError):
    """The tenant has reached the limit on the number or the bytes of its uploads."""

    type = "upload-quota-exceeded"
    title = "Upload quota exceeded"
    status = 429
    retry_after = _RETRY_AFTER_SECONDS


class Ticket(BaseModel):
    """What was announced. `size` in bytes."""

    id: str
    tenant: str
    filename: str
    size: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload: its ticket, its state, and the key of its bytes."""

    ticket: Ticket
    state: State
    key: str

    @property
    def is_zip(self) -> bool:
        """Whether it stands for the files in it, rather than for a piece of music."""
        return self.ticket.filename.lower().endswith(".zip")


def announce(storage: Storage, tenant: str, filename: str, size: int, settings: SharedSettings) -> Upload:
    """Register an upload before its bytes. Raises LimitExceeded, UploadQuotaExceeded."""
    if size > settings.max_upload_bytes:
        raise LimitExceeded(
            f"{filename} has {size:,} bytes; the limit on uploads is {settings.max_upload_bytes:,} "
            "(BANDMATE_MAX_UPLOAD_BYTES)"
        )
    _check_quota(storage, tenant, size, settings)
    ticket = Ticket(id=uuid.uuid4().hex, tenant=tenant, filename=filename, size=size, created_at=datetime.now(UTC))
    storage.put(_ticket_key(INCOMING, tenant, ticket.id), ticket.model_dump_json().encode(), if_absent=True)
    return Upload(ticket, "waiting", _content_key(INCOMING, tenant, ticket.id))


def find(storage: Storage, tenant: str, upload_id: str) -> Upload:
    """The upload with this id. Raises NotFound, also for another tenant's."""
    for prefix in (KEPT, INCOMING):
        try:
            ticket = Ticket.model_validate_json(storage.get(_ticket_key(prefix, tenant, upload_id)))
        except (NotFound, ValueError):  # ValueError: the id is not a valid part of a key.
            continue
        key = _content_key(prefix, tenant, upload_id)
        state: State = "kept" if prefix == KEPT else "received" if storage.exists(key) else "waiting"
        return Upload(ticket, state, key)
    raise NotFound(f"there is no upload {upload_id!r}; it may have expired")


def keep(storage: Storage, tenant: str, upload_id: str, settings: SharedSettings) -> Upload:
    """Check an upload's bytes and keep it for jobs; a kept upload is returned as it is.

    Raises:
        NotFound: no such upload, or it has expired.
        InvalidRequest: its bytes have not been received, or differ in number from the announcement.
        UnreadableFile, LimitExceeded: it is not music, or a zip that is broken or exceeds a limit.
    """
    upload = find(storage, tenant, upload_id)
    if upload.state == "kept":
        return upload
    if upload.state == "waiting":
        raise InvalidRequest(f"the bytes of {UPLOAD_SOURCE}{upload_id} ({upload.ticket.filename}) have not come yet")
    _check_content(storage, upload, settings.file_limits)
    kept_key = _content_key(KEPT, tenant, upload_id)
    try:
        storage.copy(upload.key, kept_key, if_absent=True)
    except AlreadyExists:
        pass  # Another request has just done the same.
    storage.put(_ticket_key(KEPT, tenant, upload_id), upload.ticket.model_dump_json().encode())
    _delete(storage, INCOMING, tenant, upload_id)
    return Upload(upload.ticket, "kept", kept_key)


def forget(storage: Storage, tenant: str, upload_id: str) -> None:
    """Remove an upload. Jobs that have yet to read it will fail. Raises NotFound."""
    find(storage, tenant, upload_id)
    for prefix in (INCOMING, KEPT):
        _delete(storage, prefix, tenant, upload_id)


def list_uploads(storage: Storage, tenant: str) -> list[Upload]:
    """The tenant's uploads, newest first."""
    ids = {
        key.removeprefix(f"{prefix}/{tenant}/").partition("/")[0]
        for prefix in (KEPT, INCOMING)
        for key in storage.keys(f"{prefix}/{tenant}/")
        if key.endswith("/ticket.json")
    }
    found = []
    for upload_id in ids:
        try:
            found.append(find(storage, tenant, upload_id))
        except NotFound:  # Removed meanwhile.
            continue
    return sorted(found, key=lambda upload: (upload.ticket.created_at, upload.ticket.id), reverse=True)


def expires_at(upload: Upload, settings: SharedSettings) -> datetime:
    """When it may be removed, counted from its announcement."""
    life = timedelta(days=settings.upload_days) if upload.state == "kept" else INCOMING_LIFETIME
    return upload.ticket.created_at + life


def upload_id_of(source: str) -> str | None:
    """The id in `upload:<id>`; None where the text is something else."""
    return source.removeprefix(UPLOAD_SOURCE) if source.startswith(UPLOAD_SOURCE) else None


def sweep(storage: Storage, settings: SharedSettings, now: float | None = None) -> int:
    """Remove expired uploads of all tenants; returns the number of objects."""
    now = time.time() if now is None else now
    removed = 0
    for prefix, life in ((INCOMING, INCOMING_LIFETIME), (KEPT, timedelta(days=settings.upload_days))):
        for expired in list(_older_than(storage, prefix, now - life.total_seconds())):
            storage.delete(expired.key)
            removed += 1
    return removed


def _check_content(storage: Storage, upload: Upload, limits: Limits) -> None:
    name, size = upload.ticket.filename, storage.size(upload.key)
    if size != upload.ticket.size:
        raise InvalidRequest(f"{name} was announced with {upload.ticket.size:,} bytes, and {size:,} have come")
    head = b"".join(storage.blocks(upload.key, 0, _HEAD_BYTES))
    kind = kind_of(head)
    if kind == "other" or (upload.is_zip and kind != "mxl"):
        raise UnreadableFile(f"{name} is {describe(head)}; send MIDI, MusicXML or a zip of them")
    if not upload.is_zip:
        limits.check_file_bytes(size)
    if kind == "mxl":
        with open_stored(storage, upload.key) as file, open_zip(file, limits):
            pass


def _check_quota(storage: Storage, tenant: str, size: int, settings: SharedSettings) -> None:
    sizes: dict[str, int] = {}
    waiting = set()
    for prefix in (KEPT, INCOMING):
        for stored in storage.objects(f"{prefix}/{tenant}/"):
            upload_id, _, part = stored.key.removeprefix(f"{prefix}/{tenant}/").partition("/")
            if part == "content":
                sizes[upload_id] = stored.size
            elif prefix == INCOMING:
                waiting.add(upload_id)
    waiting -= sizes.keys()
    if len(waiting) >= MAX_WAITING:
        raise UploadQuotaExceeded(f"{len(waiting)} uploads of yours wait for their bytes; send them, or delete some")
    announced = sum(find(storage, tenant, upload_id).ticket.size for upload_id in waiting)
    used_bytes = sum(sizes.values()) + announced
    if used_bytes + size > settings.upload_quota_bytes:
        raise UploadQuotaExceeded(
            f"your uploads have {used_bytes:,} bytes, and with this one may have {settings.upload_quota_bytes:,} "
            "(BANDMATE_UPLOAD_QUOTA_BYTES); delete some"
        )


def _older_than(storage: Storage, prefix: str, moment: float) -> Iterator[StoredObject]:
    return (stored for stored in storage.objects(f"{prefix}/") if stored.modified < moment)


def _delete(storage: Storage, prefix: str, tenant: str, upload_id: str) -> None:
    # The ticket goes first: a ticket without bytes would look like an upload still to be sent.
    storage.delete(_ticket_key(prefix, tenant, upload_id))
    storage.delete(_content_key(prefix, tenant, upload_id))


def _ticket_key(prefix: str, tenant: str, upload_id: str) -> str:
    return f"{prefix}/{tenant}/{upload_id}/ticket.json"


def _content_key(prefix: str, tenant: str, upload_id: str) -> str:
    return f"{prefix}/{tenant}/{upload_id}/content"
