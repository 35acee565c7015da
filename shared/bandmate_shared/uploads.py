"""Uploads in the store: announced, received, checked, and kept when a request names them.

    incoming/<tenant>/<id>/ticket.json, content     announced; the bytes as they came. Gone after a day
    uploads/<tenant>/<id>/content, ticket.json      checked and kept for jobs, the ticket last. Gone after some weeks

What is kept does not change: whoever can still send bytes for an id sends them to `incoming/`. The tenant is part of
the key, so nobody finds another's uploads. On S3 lifecycle rules may end both prefixes; `sweep` does so everywhere.
"""

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import BaseModel

from bandmate_shared.contracts.uploads import UPLOAD_SOURCE
from bandmate_shared.errors import BandmateError, InvalidRequest, LimitExceeded, NotFound, UnreadableFile
from bandmate_shared.music.bounded_zip import open_zip
from bandmate_shared.music.detect import describe, kind_of
from bandmate_shared.music.limits import Limits
from bandmate_shared.settings import SharedSettings
from bandmate_shared.storage import AlreadyExists, Storage, StoredObject
from bandmate_shared.stored_file import open_stored

INCOMING = "incoming"
KEPT = "uploads"
INCOMING_LIFE = timedelta(days=1)
MOST_WAITING = 50
"""Announced uploads a tenant may have whose bytes have not come."""
_RETRY_AFTER_SECONDS = 60
_HEAD_BYTES = 2048

State = Literal["waiting", "received", "kept"]


class UploadQuotaExceeded(BandmateError):
    """The tenant has as many uploads, or as many bytes of them, as it may have."""

    type = "upload-quota-exceeded"
    title = "Too many uploads"
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
    """A ticket, how far it has come, and where the bytes lie or are to lie."""

    ticket: Ticket
    state: State
    key: str

    @property
    def is_zip(self) -> bool:
        """Whether it stands for the files in it, rather than for a piece of music."""
        return self.ticket.filename.lower().endswith(".zip")


def announce(storage: Storage, tenant: str, filename: str, size: int, settings: SharedSettings) -> Upload:
    """Expect a file. Raises LimitExceeded, UploadQuotaExceeded."""
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
    """Raises NotFound, also for another tenant's."""
    for prefix in (KEPT, INCOMING):
        try:
            ticket = Ticket.model_validate_json(storage.get(_ticket_key(prefix, tenant, upload_id)))
        except (NotFound, ValueError):  # ValueError: what is no key is no upload of ours.
            continue
        key = _content_key(prefix, tenant, upload_id)
        state: State = "kept" if prefix == KEPT else "received" if storage.exists(key) else "waiting"
        return Upload(ticket, state, key)
    raise NotFound(f"there is no upload {upload_id!r}; it may have expired")


def keep(storage: Storage, tenant: str, upload_id: str, settings: SharedSettings) -> Upload:
    """Check what was sent, and keep it for jobs. Once kept, it is given back as it is.

    Raises:
        NotFound: no such upload, or it has expired.
        InvalidRequest: its bytes have not come, or are not as many as announced.
        UnreadableFile, LimitExceeded: it is no music, or a zip that is broken or past a limit.
    """
    upload = find(storage, tenant, upload_id)
    if upload.state == "kept":
        return upload
    if upload.state == "waiting":
        raise InvalidRequest(f"the bytes of {UPLOAD_SOURCE}{upload_id} ({upload.ticket.filename}) have not come yet")
    _check_content(storage, upload, Limits.from_settings(settings))
    kept = _content_key(KEPT, tenant, upload_id)
    try:
        storage.copy(upload.key, kept, if_absent=True)
    except AlreadyExists:
        pass  # Another request has just done the same.
    storage.put(_ticket_key(KEPT, tenant, upload_id), upload.ticket.model_dump_json().encode())
    _delete(storage, INCOMING, tenant, upload_id)
    return Upload(upload.ticket, "kept", kept)


def forget(storage: Storage, tenant: str, upload_id: str) -> None:
    """Remove an upload. Jobs that have yet to read it will fail. Raises NotFound."""
    find(storage, tenant, upload_id)
    for prefix in (INCOMING, KEPT):
        _delete(storage, prefix, tenant, upload_id)


def expires_at(upload: Upload, settings: SharedSettings) -> datetime:
    """When it may be removed; counted from its announcement, which is never too late."""
    life = timedelta(days=settings.upload_days) if upload.state == "kept" else INCOMING_LIFE
    return upload.ticket.created_at + life


def upload_id_of(source: str) -> str | None:
    """The id in `upload:<id>`; None where the text is something else."""
    return source.removeprefix(UPLOAD_SOURCE) if source.startswith(UPLOAD_SOURCE) else None


def sweep(storage: Storage, settings: SharedSettings, now: float | None = None) -> int:
    """Remove what has expired, of all tenants; returns how many objects."""
    now = time.time() if now is None else now
    removed = 0
    for prefix, life in ((INCOMING, INCOMING_LIFE), (KEPT, timedelta(days=settings.upload_days))):
        for found in list(_older_than(storage, prefix, now - life.total_seconds())):
            storage.delete(found.key)
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
        for found in storage.objects(f"{prefix}/{tenant}/"):
            upload_id, _, part = found.key.removeprefix(f"{prefix}/{tenant}/").partition("/")
            if part == "content":
                sizes[upload_id] = found.size
            elif prefix == INCOMING:
                waiting.add(upload_id)
    waiting -= sizes.keys()
    if len(waiting) >= MOST_WAITING:
        raise UploadQuotaExceeded(f"{len(waiting)} uploads of yours wait for their bytes; send them, or delete some")
    announced = sum(find(storage, tenant, upload_id).ticket.size for upload_id in waiting)
    taken = sum(sizes.values()) + announced
    if taken + size > settings.upload_quota_bytes:
        raise UploadQuotaExceeded(
            f"your uploads have {taken:,} bytes, and with this one may have {settings.upload_quota_bytes:,} "
            "(BANDMATE_UPLOAD_QUOTA_BYTES); delete some"
        )


def _older_than(storage: Storage, prefix: str, moment: float) -> Iterator[StoredObject]:
    return (found for found in storage.objects(f"{prefix}/") if found.modified < moment)


def _delete(storage: Storage, prefix: str, tenant: str, upload_id: str) -> None:
    # The ticket goes first: bytes without one are nobody's, a ticket without bytes would wait for them.
    storage.delete(_ticket_key(prefix, tenant, upload_id))
    storage.delete(_content_key(prefix, tenant, upload_id))


def _ticket_key(prefix: str, tenant: str, upload_id: str) -> str:
    return f"{prefix}/{tenant}/{upload_id}/ticket.json"


def _content_key(prefix: str, tenant: str, upload_id: str) -> str:
    return f"{prefix}/{tenant}/{upload_id}/content"
