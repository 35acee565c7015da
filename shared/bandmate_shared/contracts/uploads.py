"""Uploads: a file is announced, then sent, then named in a request as `upload:<id>`."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from bandmate_shared.contracts.base import Contract

UPLOAD_SOURCE = "upload:"
"""Prefix of an upload's name in a request; its id follows."""

FileName = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f/\\]{1,200}$")]


class UploadRequest(Contract):
    """A file that is about to be sent."""

    filename: FileName = Field(description="Its name, without folders; a zip's or folder's name becomes the style.")
    size: int = Field(ge=1, description="Its exact size in bytes.")


class UploadForm(Contract):
    """How to send the bytes. PUT: as the body. POST: multipart/form-data, `fields` in order, then `file`."""

    method: Literal["PUT", "POST"]
    url: str = Field(description="A path of this API, or the whole address of an S3 server.")
    fields: dict[str, str] = Field(default_factory=dict)
    expires_at: datetime


class UploadView(Contract):
    """An upload. `source` is what a request names it by."""

    id: str
    source: str
    filename: str
    size: int
    state: Literal["waiting", "received", "kept"] = Field(
        description="waiting for its bytes; received; kept: a request has named it, and it does not change any more."
    )
    created_at: datetime
    expires_at: datetime
    send: UploadForm | None = Field(None, description="Absent when the bytes are there.")


class UploadList(Contract):
    """The uploads of a tenant, newest first."""

    items: list[UploadView]
