"""Sources that lie in S3: objects below a prefix, or a single one, which may be a zip.

Small objects take longer to request than to transfer, so the next ones are fetched while one is processed.
"""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from bandmate_music.limits import Limits
from bandmate_shared.aws import aws_client
from bandmate_shared.errors import InvalidRequest, LimitExceeded, NotFound
from bandmate_shared.objects.partial_file import partial_file, storage_full_on_full_disk
from bandmate_shared.objects.s3_download import Download
from bandmate_shared.objects.s3_errors import StorageRefused, s3_errors

from bandmate_ingest.sources.access import Access
from bandmate_ingest.sources.archive import check_archive_size
from bandmate_ingest.sources.files import SourceFile, is_music, printable, style_of, zip_files

PREFETCH_OBJECTS = 16
"""Objects that are fetched at the same time."""
PREFETCH_BYTES = 32 << 20
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
        self._client = aws_client("s3", read_seconds=READ_SECONDS, pool=PREFETCH_OBJECTS)

    def single(self) -> FoundObject | None:
        """The object that the source names; None where it names a folder.

        Raises NotFound where there is neither, InvalidRequest where it may not be listed, Unavailable.
        """
        key = self.location.key
        for s3_object in self._listed(key, max_objects=1):
            if key and s3_object.key == key and not key.endswith("/"):
                return s3_object
        if not any(True for _ in self._listed(self._folder, max_objects=1)):
            raise NotFound(f"there is nothing at s3://{self.location.bucket}/{key}")
        return None

    def objects(self, max_objects: int) -> Iterator[FoundObject]:
        """What lies in the folder, in the order of S3's listing. Raises LimitExceeded past `max_objects` objects."""
        for number, s3_object in enumerate(self._listed(self._folder)):
            if number >= max_objects:
                raise LimitExceeded(
                    f"s3://{self.location.bucket}/{self.location.key} holds more than {max_objects:,} objects "
                    "(BANDMATE_MAX_SOURCE_OBJECTS); pack them into zips, or clean them with Glue"
                )
            yield s3_object

    def files(self, style: str | None, limits: Limits, access: Access) -> Iterator[SourceFile]:
        """The music in the folder, in the zip, or the one file that the source names."""
        single = self.single()
        if single is None:
            label = self.location.label
            music = [
                s3_object for s3_object in self.objects(access.settings.max_source_objects) if self._is_music(s3_object)
            ]
            reader = PrefetchingReader(self, music, limits.file_bytes + 1)
            for number, s3_object in enumerate(music):
                name = printable(f"{label}/{self.relative(s3_object)}")
                yield SourceFile(name, style or style_of(name), partial(reader.read, number))
            return
        name = PurePosixPath(single.key).name
        if not name.lower().endswith(".zip"):
            read = partial(self.read, single.key, limits.file_bytes + 1)
            yield SourceFile(printable(name), style or style_of(self.location.label), read)
            return
        check_archive_size(name, single.size, limits)
        with access.scratch_file() as path:
            self.fetch(single, path)
            files = list(zip_files(path, name, style, limits))
        yield from files

    def _is_music(self, s3_object: FoundObject) -> bool:
        return not s3_object.key.endswith("/") and is_music(PurePosixPath(self.relative(s3_object)))

    def relative(self, s3_object: FoundObject) -> str:
        """An object's name within the folder."""
        return s3_object.key.removeprefix(self._folder)

    def read(self, key: str, max_bytes: int) -> bytes:
        """The first `max_bytes` bytes of an object. Raises NotFound, Unavailable, StorageRefused."""
        with s3_errors(f"reading s3://{self.location.bucket}/{key}"):
            return b"".join(Download(self._client, self._target(key), 0, max_bytes).blocks())

    def fetch(self, s3_object: FoundObject, target: Path) -> None:
        """Copy an object to a file. Raises NotFound, Unavailable, StorageRefused, StorageFull."""
        with (
            s3_errors(f"reading s3://{self.location.bucket}/{s3_object.key}"),
            storage_full_on_full_disk(f"fetching {s3_object.key}", target.parent),
        ):
            target.parent.mkdir(parents=True, exist_ok=True)
            with partial_file(target.parent, Download(self._client, self._target(s3_object.key)).blocks()) as temporary:
                temporary.replace(target)

    @property
    def _folder(self) -> str:
        """The key with a slash at its end; empty for a whole bucket."""
        return f"{self.location.key.rstrip('/')}/" if self.location.key.strip("/") else ""

    def _target(self, key: str) -> dict[str, str]:
        return {"Bucket": self.location.bucket, "Key": key}

    def _listed(self, prefix: str, max_objects: int | None = None) -> Iterator[FoundObject]:
        page: dict[str, Any] = {"PageSize": max_objects, "MaxItems": max_objects} if max_objects else {}
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self.location.bucket, Prefix=prefix, PaginationConfig=page
        )
        try:
            with s3_errors(f"listing s3://{self.location.bucket}/{prefix}"):
                for listing in pages:
                    for entry in listing.get("Contents", ()):
                        yield FoundObject(entry["Key"], int(entry["Size"]))
        except StorageRefused as error:
            raise InvalidRequest(error.detail) from error


class PrefetchingReader:
    """Reads objects one after the other, the following ones at the same time. Going back is possible, and slower."""

    def __init__(self, source: S3Source, objects: Sequence[FoundObject], max_bytes: int) -> None:
        """`max_bytes` bytes of an object are read."""
        self._source = source
        self._objects = objects
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(PREFETCH_OBJECTS, thread_name_prefix="s3-source")
        self._in_flight: dict[int, Future[bytes]] = {}

    def read(self, number: int) -> bytes:
        """The object of that number. Raises as `S3Source.read` does."""
        with self._lock:
            for other in [other for other in self._in_flight if not number <= other < number + PREFETCH_OBJECTS]:
                self._in_flight.pop(other).cancel()
            bytes_ahead = 0
            for following in range(number, min(number + PREFETCH_OBJECTS, len(self._objects))):
                bytes_ahead += min(self._objects[following].size, self._max_bytes) if following > number else 0
                if bytes_ahead > PREFETCH_BYTES:
                    break
                if following not in self._in_flight:
                    key = self._objects[following].key
                    self._in_flight[following] = self._pool.submit(self._source.read, key, self._max_bytes)
            future = self._in_flight.pop(number)
        return future.result()
