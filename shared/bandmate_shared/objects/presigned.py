"""Presigned S3 URLs, by which clients upload and download large files directly."""

import threading
from collections.abc import Mapping
from typing import Any

from bandmate_shared.aws import aws_client
from bandmate_shared.objects.base import Storage
from bandmate_shared.objects.s3 import S3Storage
from bandmate_shared.objects.s3_errors import s3_errors

AWS = "aws"
DOWNLOAD_SECONDS = 300
"""How long a URL is valid; a download that has begun is not interrupted."""


class S3Presigner:
    """Signs with this process's credentials, without a request to S3."""

    def __init__(self, storage: S3Storage, endpoint: str) -> None:
        """`endpoint` is `aws`, or the address at which clients reach the S3 server."""
        self._storage = storage
        self._endpoint = None if endpoint == AWS else endpoint
        self._client: Any = None
        self._lock = threading.Lock()

    @classmethod
    def of(cls, storage: Storage, endpoint: str) -> "S3Presigner | None":
        """None for a store that is not S3."""
        return cls(storage, endpoint) if isinstance(storage, S3Storage) else None

    def download_url(self, key: str, *, media_type: str, disposition: str) -> str:
        """A URL by which anyone can read the object for DOWNLOAD_SECONDS. Raises StorageRefused."""
        with s3_errors(f"signing for {key}"):
            url: str = self._signing().generate_presigned_url(
                "get_object",
                Params={
                    **self._storage.location(key),
                    "ResponseContentType": media_type,
                    "ResponseContentDisposition": disposition,
                },
                ExpiresIn=DOWNLOAD_SECONDS,
            )
        return url

    def upload_form(self, key: str, *, size: int, seconds: int) -> tuple[str, Mapping[str, str]]:
        """Address and fields of a form whose last field, `file`, has exactly `size` bytes. Raises StorageRefused."""
        target = self._storage.location(key)
        with s3_errors(f"signing for {key}"):
            form = self._signing().generate_presigned_post(
                **target, Conditions=[["content-length-range", size, size]], ExpiresIn=seconds
            )
        return str(form["url"]), {str(name): str(value) for name, value in form["fields"].items()}

    def _signing(self) -> Any:
        with self._lock:
            if self._client is None:
                self._client = aws_client("s3", endpoint=self._endpoint, virtual_hosts=True)
            return self._client
