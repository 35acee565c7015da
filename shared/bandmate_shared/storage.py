"""The object store: one small interface, content-hashed blobs, conditional puts, manifests written last.

Keys are slash-separated; a blob lies under `blobs/<first two hex digits>/<sha256>`: putting the same bytes twice
is one object, and a stale worker can at worst write bytes that are already there.
"""

import hashlib
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlparse

from bandmate_shared.aws import require_boto3
from bandmate_shared.contracts.jobs import Artifact, Manifest
from bandmate_shared.errors import BandmateError, NotFound
from bandmate_shared.partial_file import blocks_of, partial_file, telling_of_full_disks

MAX_KEY_LENGTH = 1024
MAX_PART_LENGTH = 255
"""S3's limit on a key, and file systems' on a name."""

_KEY = re.compile(r"[A-Za-z0-9._=-]+(/[A-Za-z0-9._=-]+)*")
_PARTIAL = ".partial"
_FORGOTTEN_SECONDS = 24 * 3600.0
"""A partial file this old belongs to a process that died while writing it."""


class AlreadyExists(BandmateError):
    """A conditional put found an object there; S3 says 412."""

    type = "already-exists"
    title = "The object exists already"
    status = 412


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as a listing tells of it: bytes, and the time of its writing in seconds since 1970."""

    key: str
    size: int
    modified: float


class Storage(Protocol):
    """What every implementation offers; `tests/contract/test_storage.py` is its conformance suite.

    A key that is not one (empty parts, '.' or '..', other characters than letters, digits and `._=-`, too long) gets
    a ValueError from every method. No key may be a folder of another: with `a/b` there is no `a`. A store that is
    elsewhere may raise Unavailable (it did not answer; try again) and StorageRefused (it does not let us) anywhere.
    """

    def put(self, key: str, data: bytes | Path, *, if_absent: bool = False) -> None:
        """Write an object, all or nothing. With `if_absent`, raises AlreadyExists rather than overwrite.

        Raises StorageFull; then nothing has changed.
        """
        ...

    def get(self, key: str) -> bytes:
        """An object's bytes. Raises NotFound."""
        ...

    def blocks(self, key: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """An object's bytes from `start` up to `stop`, or as far as there are any, in blocks of about a mebibyte.

        Raises NotFound at once. All blocks are of the object as it was then.
        """
        ...

    def fetch(self, key: str, target: Path) -> None:
        """Copy an object to a local file, all or nothing. Raises NotFound, StorageFull."""
        ...

    def exists(self, key: str) -> bool: ...

    def size(self, key: str) -> int:
        """Bytes in an object. Raises NotFound."""
        ...

    def keys(self, prefix: str) -> Iterator[str]:
        """Keys that start with the prefix, ascending. A prefix may end anywhere, also within a part or with '/'."""
        ...

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        """What `keys` gives, with sizes and times. What is deleted meanwhile may be left out."""
        ...

    def copy(self, source: str, target: str, *, if_absent: bool = False) -> None:
        """Make `target` the same as `source`, without the bytes passing through this process where that is possible.

        Raises NotFound, StorageFull; with `if_absent` AlreadyExists.
        """
        ...

    def delete(self, key: str) -> None:
        """Remove an object; nothing happens when there is none."""
        ...

    def local_path(self, key: str) -> Path | None:
        """Where the object can be read as a file of this machine; None where the store is elsewhere.

        Raises NotFound where it would be a file of this machine. The file is not to be written.
        """
        ...


class DirectoryStorage:
    """Objects as files below a root. Writes go through a temporary file and an atomic link or rename."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._partial = root / _PARTIAL
        self._swept = False

    def put(self, key: str, data: bytes | Path, *, if_absent: bool = False) -> None:
        target = self._path(key)
        with telling_of_full_disks(f"writing {key}", self.root):
            self._make_folder(target.parent, key)
            self._make_folder(self._partial, key)
            self._sweep_partial()
            if target.is_dir():
                raise ValueError(f"{key!r} is a folder of other keys")
            with partial_file(self._partial, blocks_of(data)) as temporary:
                if not if_absent:
                    temporary.replace(target)
                else:
                    try:
                        os.link(temporary, target)
                    except FileExistsError as error:
                        raise AlreadyExists(f"{key} is already in the store") from error
            _sync_folder(target.parent)

    def get(self, key: str) -> bytes:
        try:
            return self._path(key).read_bytes()
        except _MISSING as error:
            raise NotFound(f"{key} is not in the store") from error

    def blocks(self, key: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        reading = blocks_of(self.local_path(key), start, stop)
        try:  # The first block opens the file: what is replaced from now on is not seen.
            first = next(reading, b"")
        except _MISSING as error:
            raise NotFound(f"{key} is not in the store") from error
        return chain([first] if first else [], reading)

    def fetch(self, key: str, target: Path) -> None:
        source = self.blocks(key)
        with telling_of_full_disks(f"copying {key} to {target}", target.parent):
            target.parent.mkdir(parents=True, exist_ok=True)
            with partial_file(target.parent, source) as temporary:
                temporary.replace(target)

    def exists(self, key: str) -> bool:
        return self._path(key).is_file()

    def size(self, key: str) -> int:
        return self.local_path(key).stat().st_size

    def keys(self, prefix: str) -> Iterator[str]:
        require_prefix(prefix)
        folder = self.root / prefix.rpartition("/")[0]
        found = []
        for parent, folders, files in os.walk(folder):
            if Path(parent) == self.root and _PARTIAL in folders:
                folders.remove(_PARTIAL)
            found += [(Path(parent) / name).relative_to(self.root).as_posix() for name in files]
        yield from sorted(key for key in found if key.startswith(prefix))

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        for key in self.keys(prefix):
            try:
                found = self._path(key).stat()
            except FileNotFoundError:
                continue
            yield StoredObject(key, found.st_size, found.st_mtime)

    def copy(self, source: str, target: str, *, if_absent: bool = False) -> None:
        self.put(target, self.local_path(source), if_absent=if_absent)

    def delete(self, key: str) -> None:
        path = self._path(key)
        if not path.is_dir():
            try:
                path.unlink()
            except _MISSING:
                pass

    def local_path(self, key: str) -> Path:
        path = self._path(key)
        if not path.is_file():
            raise NotFound(f"{key} is not in the store")
        return path

    def _path(self, key: str) -> Path:
        require_key(key)
        return self.root / key

    def _make_folder(self, folder: Path, key: str) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise ValueError(f"a folder of {key!r} is a key itself") from error

    def _sweep_partial(self) -> None:
        """Once a process: remove what killed writers left behind."""
        if self._swept:
            return
        self._swept = True
        for path in self._partial.iterdir():
            try:
                if path.stat().st_mtime < time.time() - _FORGOTTEN_SECONDS:
                    path.unlink()
            except FileNotFoundError:
                pass


_MISSING = (FileNotFoundError, IsADirectoryError, NotADirectoryError)


def require_key(key: str) -> None:
    """Raise ValueError for what is no key."""
    if not _is_key(key):
        raise ValueError(f"not a storage key: {key!r}")


def require_prefix(prefix: str) -> None:
    """Raise ValueError for what no key can begin with; every key begins with an empty prefix."""
    if prefix and not _is_key(prefix.removesuffix("/")):
        raise ValueError(f"not a prefix of storage keys: {prefix!r}")


def _is_key(key: str) -> bool:
    parts = key.split("/")
    return (
        len(key) <= MAX_KEY_LENGTH
        and _KEY.fullmatch(key) is not None
        and not any(part in (".", "..") or len(part) > MAX_PART_LENGTH for part in parts)
        and parts[0] != _PARTIAL
    )


def _sync_folder(folder: Path) -> None:
    """Make a new name in the folder outlive a power failure."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def tenant_space(tenant: str) -> str:
    """The prefix below which a tenant's datasets and models lie: none for 'local', else `tenants/<tenant>/`.

    What has no prefix is the house's: in service mode every tenant may read it, and no request writes it.
    """
    return "" if tenant == "local" else f"tenants/{tenant}/"


def open_storage(url: str) -> Storage:
    """The store behind a URL; nothing is asked of it yet.

    Raises ValueError for a scheme there is no implementation of, and AwsMissing for S3 without boto3.
    """
    parsed = urlparse(url)
    if parsed.scheme == "file":
        return DirectoryStorage(Path(unquote(parsed.path)))
    if parsed.scheme == "s3":
        require_boto3("s3")
        from bandmate_shared.s3_storage import S3Storage

        return S3Storage(parsed.netloc, unquote(parsed.path).strip("/"))
    raise ValueError(f"unknown storage URL {url!r}; use file:///path or s3://bucket/prefix")


def sha256_of(data: bytes | Path) -> str:
    """Hex SHA-256 of bytes or of a file's content."""
    if isinstance(data, bytes):
        return hashlib.sha256(data).hexdigest()
    with data.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def blob_key(sha256: str) -> str:
    """Where the bytes with this hash lie."""
    return f"blobs/{sha256[:2]}/{sha256}"


def put_blob(storage: Storage, data: bytes | Path) -> str:
    """Store bytes under their hash, and return the hash. Twice is as good as once."""
    sha256 = sha256_of(data)
    try:
        storage.put(blob_key(sha256), data, if_absent=True)
    except AlreadyExists:
        pass
    return sha256


def put_artifact(storage: Storage, name: str, data: bytes | Path, media_type: str) -> Artifact:
    """Store a job's file and describe it."""
    size = len(data) if isinstance(data, bytes) else data.stat().st_size
    return Artifact(name=name, sha256=put_blob(storage, data), size=size, media_type=media_type)


def manifest_key(job_id: str) -> str:
    return f"jobs/{job_id}/manifest.json"


def put_manifest(storage: Storage, manifest: Manifest) -> Manifest:
    """Write a job's manifest once. If an earlier attempt got this far, its manifest stands and is returned."""
    key = manifest_key(manifest.job_id)
    try:
        storage.put(key, manifest.model_dump_json(indent=1).encode(), if_absent=True)
    except AlreadyExists:
        return Manifest.model_validate_json(storage.get(key))
    return manifest


def get_manifest(storage: Storage, job_id: str) -> Manifest | None:
    """A job's manifest, or None before it is written."""
    try:
        return Manifest.model_validate_json(storage.get(manifest_key(job_id)))
    except NotFound:
        return None
