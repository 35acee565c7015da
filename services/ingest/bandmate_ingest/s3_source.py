"""Sources that lie in S3: objects below a prefix, or a single one, which may be a zip.

Small objects take longer to ask for than to send, so the next ones are fetched while one is worked on.
"""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bandmate_shared.aws import aws_client
from bandmate_shared.errors import InvalidRequest, LimitExceeded, NotFound
from bandmate_shared.partial_file import partial_file, telling_of_full_disks

AHEAD = 16
"""Objects that are fetched at the same time."""
AHEAD_BYTES = 32 << 20
"""As many of them as together have no more than this."""
READ_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Location:
    """`s3://bucket/key`; the key of a folder may or may not end in a slash."""

    bucket: str
    key: str

    @staticmethod
    def of(source: str) -> "Location":
        """Raises InvalidRequest without a bucket."""
        bucket, _, key = source.removeprefix("s3://").partition("/")
        if not bucket:
            raise InvalidRequest(f"{source} names no bucket; write s3://bucket/folder")
        return Location(bucket, key)

    @property
    def label(self) -> str:
        """What names of files in it begin with: the last two parts, if there are as many."""
        parts = [self.bucket, *(part for part in self.key.split("/") if part)]
        return "/".join(parts[-2:])


@dataclass(frozen=True, slots=True)
class FoundObject:
    """An object of a listing; `size` in bytes."""

    key: str
    size: int


class S3Source:
    """The objects behind one source."""

    def __init__(self, location: Location) -> None:
        """Raises AwsMissing."""
        self.location = location
        self._client = aws_client("s3", read_seconds=READ_SECONDS, pool=AHEAD)

    def single(self) -> FoundObject | None:
        """The object that the source names; None where it names a folder.

        Raises NotFound where there is neither, InvalidRequest where it may not be listed, Unavailable.
        """
        key = self.location.key
        for found in self._listed(key, most=1):
            if key and found.key == key and not key.endswith("/"):
                return found
        if not any(True for _ in self._listed(self._folder, most=1)):
            raise NotFound(f"there is nothing at s3://{self.location.bucket}/{key}")
        return None

    def objects(self, most: int) -> Iterator[FoundObject]:
        """What lies in the folder, in the order of S3's listing. Raises LimitExceeded past `most` objects."""
        for number, found in enumerate(self._listed(self._folder)):
            if number >= most:
                raise LimitExceeded(
                    f"s3://{self.location.bucket}/{self.location.key} holds more than {most:,} objects "
                    "(BANDMATE_MAX_SOURCE_OBJECTS); pack them into zips, or clean them with Glue"
                )
            yield found

    def relative(self, found: FoundObject) -> str:
        """An object's name within the folder."""
        return found.key.removeprefix(self._folder)

    def read(self, key: str, most: int) -> bytes:
        """The first `most` bytes of an object. Raises NotFound, Unavailable, StorageRefused."""
        from bandmate_shared.s3_download import Download
        from bandmate_shared.s3_errors import s3_errors

        with s3_errors(f"reading s3://{self.location.bucket}/{key}"):
            return b"".join(Download(self._client, self._target(key), 0, most).blocks())

    def fetch(self, found: FoundObject, target: Path) -> None:
        """Copy an object to a file. Raises NotFound, Unavailable, StorageRefused, StorageFull."""
        from bandmate_shared.s3_download import Download
        from bandmate_shared.s3_errors import s3_errors

        with (
            s3_errors(f"reading s3://{self.location.bucket}/{found.key}"),
            telling_of_full_disks(f"fetching {found.key}", target.parent),
        ):
            target.parent.mkdir(parents=True, exist_ok=True)
            with partial_file(target.parent, Download(self._client, self._target(found.key)).blocks()) as temporary:
                temporary.replace(target)

    @property
    def _folder(self) -> str:
        """The key with a slash at its end; empty for a whole bucket."""
        return f"{self.location.key.rstrip('/')}/" if self.location.key.strip("/") else ""

    def _target(self, key: str) -> dict[str, str]:
        return {"Bucket": self.location.bucket, "Key": key}

    def _listed(self, prefix: str, most: int | None = None) -> Iterator[FoundObject]:
        from bandmate_shared.s3_errors import StorageRefused, s3_errors

        page: dict[str, Any] = {"PageSize": most, "MaxItems": most} if most else {}
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self.location.bucket, Prefix=prefix, PaginationConfig=page
        )
        try:
            with s3_errors(f"listing s3://{self.location.bucket}/{prefix}"):
                for one in pages:
                    for entry in one.get("Contents", ()):
                        yield FoundObject(entry["Key"], int(entry["Size"]))
        except StorageRefused as error:
            raise InvalidRequest(error.detail) from error


class ReadAhead:
    """Reads objects one after the other, the following ones at the same time. Going back is possible, and slower."""

    def __init__(self, source: S3Source, objects: Sequence[FoundObject], most: int) -> None:
        """`most` bytes of an object are read."""
        self._source = source
        self._objects = objects
        self._most = most
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(AHEAD, thread_name_prefix="s3-source")
        self._under_way: dict[int, Future[bytes]] = {}

    def read(self, number: int) -> bytes:
        """The object of that number. Raises as `S3Source.read` does."""
        with self._lock:
            for other in [other for other in self._under_way if not number <= other < number + AHEAD]:
                self._under_way.pop(other).cancel()
            ahead = 0
            for following in range(number, min(number + AHEAD, len(self._objects))):
                ahead += min(self._objects[following].size, self._most) if following > number else 0
                if ahead > AHEAD_BYTES:
                    break
                if following not in self._under_way:
                    key = self._objects[following].key
                    self._under_way[following] = self._pool.submit(self._source.read, key, self._most)
            wanted = self._under_way.pop(number)
        return wanted.result()
