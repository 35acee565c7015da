"""The object store on S3 or a server with its API.

Puts are atomic; large objects are uploaded in parts (s3_multipart.py). `if_absent` is S3's `If-None-Match: *`. A read
whose connection breaks is resumed, as long as the object has not been replaced.
"""

import io
import os
import random
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from botocore.exceptions import ClientError

from bandmate_shared.aws import aws_client
from bandmate_shared.errors import NotFound, Unavailable
from bandmate_shared.objects.base import AlreadyExists, StoredObject, require_key, require_prefix
from bandmate_shared.objects.partial_file import partial_file, storage_full_on_full_disk
from bandmate_shared.objects.s3_download import Download, ObjectChanged
from bandmate_shared.objects.s3_errors import code_of, s3_errors, was_repeated
from bandmate_shared.objects.s3_multipart import put_in_parts

MAX_SINGLE_PUT_BYTES = 16 << 20
"""Larger objects are uploaded in parts."""

READ_SECONDS = 30.0
ATTEMPTS = 5
"""Attempts at one request by botocore, with backoff: after a time-out, a lost connection, a 5xx or throttling."""

_MAX_TRIES = 4
"""Of operations that botocore cannot retry: conditional puts that conflict, reads of an object that was replaced."""
_TOKEN = "put"  # noqa: S105 - the name of a metadata entry


class S3Storage:
    """Objects of a bucket below a prefix; both as in `s3://bucket/prefix`. Threads and forks may share it."""

    def __init__(self, bucket: str, prefix: str = "") -> None:
        """Raises ValueError without a bucket or for a prefix that no key may have."""
        if not bucket:
            raise ValueError("the storage URL names no bucket; use s3://bucket/prefix")
        require_prefix(prefix)
        self.bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._client: Any = None
        self._owner = 0
        self._lock = threading.Lock()

    def put(self, key: str, data: bytes | Path, *, if_absent: bool = False) -> None:
        target = self.location(key)
        with io.BytesIO(data) if isinstance(data, bytes) else data.open("rb") as source:
            size = source.seek(0, io.SEEK_END)
            if not if_absent:
                with s3_errors(f"writing {key}"):
                    self._put(target, source, size, {}, {})
            else:
                self._put_if_absent(key, target, source, size)

    def get(self, key: str) -> bytes:
        for _ in range(_MAX_TRIES):
            try:
                return b"".join(self.blocks(key))
            except ObjectChanged:
                continue
        raise Unavailable(f"{key} was replaced again and again while it was being read")

    def blocks(self, key: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        target = self.location(key)
        with self._translating_errors(key, f"reading {key}"):
            return Download(self.client, target, start, stop).blocks()

    def fetch(self, key: str, target: Path) -> None:
        with storage_full_on_full_disk(f"copying {key} to {target}", target.parent):
            for _ in range(_MAX_TRIES):
                blocks = self.blocks(key)
                target.parent.mkdir(parents=True, exist_ok=True)
                try:
                    with partial_file(target.parent, blocks) as temporary:
                        temporary.replace(target)
                        return
                except ObjectChanged:
                    continue
        raise Unavailable(f"{key} was replaced again and again while it was being read")

    def exists(self, key: str) -> bool:
        try:
            self._head(key)
        except NotFound:
            return False
        return True

    def size(self, key: str) -> int:
        return int(self._head(key)["ContentLength"])

    def keys(self, prefix: str) -> Iterator[str]:
        for stored in self.objects(prefix):
            yield stored.key

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        require_prefix(prefix)
        with s3_errors(f"listing {prefix or 'the store'}"):
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=self._prefix + prefix
            )
            for page in pages:
                for entry in page.get("Contents", ()):
                    key = entry["Key"].removeprefix(self._prefix)
                    yield StoredObject(key, int(entry["Size"]), entry["LastModified"].timestamp())

    def copy(self, source: str, target: str, *, if_absent: bool = False) -> None:
        origin, destination = self.location(source), self.location(target)
        condition = {"IfNoneMatch": "*"} if if_absent else {}
        with self._translating_errors(source, f"copying {source} to {target}"):
            try:
                self.client.copy_object(**destination, CopySource=origin, **condition)
            except ClientError as error:
                if code_of(error) in _TAKEN or code_of(error) in _CONFLICT:
                    raise AlreadyExists(f"{target} is already in the store") from error
                raise

    def delete(self, key: str) -> None:
        target = self.location(key)
        with s3_errors(f"deleting {key}"):
            self.client.delete_object(**target)

    def local_path(self, key: str) -> Path | None:
        require_key(key)
        return None

    def location(self, key: str) -> dict[str, str]:
        """Bucket and Key as arguments of botocore. Raises ValueError for an invalid key."""
        require_key(key)
        return {"Bucket": self.bucket, "Key": self._prefix + key}

    @property
    def client(self) -> Any:
        """This process's client: after a fork the child makes its own, because processes cannot share connections."""
        if self._owner != os.getpid():
            with self._lock:
                if self._owner != os.getpid():
                    self._client = aws_client("s3", read_seconds=READ_SECONDS, attempts=ATTEMPTS)
                    self._owner = os.getpid()
        return self._client

    def _put(
        self, target: dict[str, str], source: BinaryIO, size: int, condition: dict[str, str], metadata: dict[str, str]
    ) -> None:
        source.seek(0)
        if size <= MAX_SINGLE_PUT_BYTES:
            self.client.put_object(
                **target, Body=source, ContentLength=size, ChecksumAlgorithm="SHA256", Metadata=metadata, **condition
            )
        else:
            put_in_parts(self.client, target, source, size, condition, metadata)

    def _put_if_absent(self, key: str, target: dict[str, str], source: BinaryIO, size: int) -> None:
        """Raises AlreadyExists, also where S3 answered a conflict with a concurrent put that succeeded."""
        token = uuid.uuid4().hex
        with s3_errors(f"writing {key}"):
            for attempt in range(_MAX_TRIES):
                try:
                    self._put(target, source, size, {"IfNoneMatch": "*"}, {_TOKEN: token})
                    return
                except ClientError as error:
                    # When the response of a put is lost, the retry finds the object that the put itself has written.
                    code = code_of(error)
                    if code in _TAKEN | _GONE and was_repeated(error) and self._token_of(key) == token:
                        return
                    if code in _TAKEN:
                        raise AlreadyExists(f"{key} is already in the store") from error
                    if code not in _CONFLICT | _GONE:
                        raise
                time.sleep(random.uniform(0.02, 0.1) * 2**attempt)  # noqa: S311 - against lock-step
        raise Unavailable(f"writing {key} met other writers {_MAX_TRIES} times")

    def _token_of(self, key: str) -> str | None:
        try:
            token = self._head(key)["Metadata"].get(_TOKEN)
        except NotFound:
            return None
        return None if token is None else str(token)

    def _head(self, key: str) -> dict[str, Any]:
        target = self.location(key)
        with self._translating_errors(key, f"looking for {key}"):
            answer: dict[str, Any] = self.client.head_object(**target)
        return answer

    @contextmanager
    def _translating_errors(self, key: str, operation: str) -> Iterator[None]:
        """`s3_errors`, and NotFound for the 403 that S3 gives for missing objects to those who may not list."""
        with s3_errors(operation):
            try:
                yield
            except ClientError as error:
                if code_of(error) in _DENIED and not self._may_list(key):
                    raise NotFound(
                        f"{operation} failed: it is not in the store, or may not be read: without s3:ListBucket on "
                        f"{self.bucket} S3 does not tell these apart"
                    ) from error
                raise

    def _may_list(self, key: str) -> bool:
        try:
            self.client.list_objects_v2(Bucket=self.bucket, Prefix=self._prefix + key, MaxKeys=1)
        except ClientError as error:
            return code_of(error) not in _DENIED
        return True


_TAKEN = frozenset(("PreconditionFailed", "412"))
_CONFLICT = frozenset(("ConditionalRequestConflict", "409"))
_GONE = frozenset(("NoSuchUpload",))
"""A multipart upload that was completed already, or aborted."""
_DENIED = frozenset(("AccessDenied", "403", "Forbidden"))
