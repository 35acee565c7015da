"""Opens the object store that a URL names, and the presigner of its direct downloads and uploads."""

from pathlib import Path
from urllib.parse import unquote, urlparse

from bandmate_shared.aws import require_boto3
from bandmate_shared.objects.base import Presigner, Storage
from bandmate_shared.objects.directory import DirectoryStorage


def open_storage(url: str) -> Storage:
    """The store behind a URL; nothing is asked of it yet.

    Raises ValueError for a scheme there is no implementation of, and AwsMissing for S3 without boto3.
    """
    parsed = urlparse(url)
    if parsed.scheme == "file":
        return DirectoryStorage(Path(unquote(parsed.path)))
    if parsed.scheme == "s3":
        require_boto3("s3")
        from bandmate_shared.objects.s3 import S3Storage  # optional extra: boto3

        return S3Storage(parsed.netloc, unquote(parsed.path).strip("/"))
    raise ValueError(f"unknown storage URL {url!r}; use file:///path or s3://bucket/prefix")


def open_presigner(storage: Storage, endpoint: str) -> Presigner | None:
    """None where files pass through the API: no public endpoint is set, or the store is a directory."""
    if not endpoint or isinstance(storage, DirectoryStorage):
        return None
    from bandmate_shared.objects.presigned import S3Presigner  # optional extra: boto3

    return S3Presigner.of(storage, endpoint)
