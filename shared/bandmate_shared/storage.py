"""The object store: one small interface, content-hashed blobs, conditional puts, manifests written last.

Keys are slash-separated; a blob lies under `blobs/<first two hex digits>/<sha256>`: putting the same bytes twice
is one object, and a stale worker can at worst write bytes that are already there.
"""

import errno
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlparse

from bandmate_shared.contracts.jobs import Artifact, Manifest
from bandmate_shared.errors import BandmateError, NotFound, StorageFull

_KEY = re.compile(r"^[A-Za-z0-9._=-]+(/[A-Za-z0-9._=-]+)*$")
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class AlreadyExists(BandmateError):
    """A conditional put found an object there; S3 says 412."""

    type = "already-exists"
    title = "The object exists already"
    status = 412


class Storage(Protocol):
    """What every implementation offers; `tests/contract/test_storage.py` is its conformance suite."""

    def put(self, key: str, data: bytes | Path, *, if_absent: bool = False) -> None:
        """Write an object, all or nothing. With `if_absent`, raises AlreadyExists rather than overwrite."""
        ...

    def get(self, key: str) -> bytes:
        """An object's bytes. Raises NotFound."""
        ...

    def fetch(self, key: str, target: Path) -> None:
        """Copy an object to a local file. Raises NotFound."""
        ...

    def exists(self, key: str) -> bool: ...

    def size(self, key: str) -> int:
        """Bytes in an object. Raises NotFound."""
        ...

    def keys(self, prefix: str) -> Iterator[str]:
        """Keys that start with the prefix, ascending."""
        ...

    def delete(self, key: str) -> None:
        """Remove an object; nothing happens when there is none."""
        ...


class DirectoryStorage:
    """Objects as files below a root. Writes go through a temporary file and an atomic link or rename."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._partial = root / ".partial"

    def put(self, key: str, data: bytes | Path, *, if_absent: bool = False) -> None:
        target = self._path(key)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            self._partial.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=self._partial)
            temporary = Path(name)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    if isinstance(data, bytes):
                        file.write(data)
                    else:
                        with data.open("rb") as source:
                            while block := source.read(1 << 20):
                                file.write(block)
                    file.flush()
                    os.fsync(file.fileno())
                if if_absent:
                    os.link(temporary, target)
                else:
                    temporary.replace(target)
            finally:
                temporary.unlink(missing_ok=True)
        except FileExistsError as error:
            raise AlreadyExists(f"{key} is already in the store") from error
        except OSError as error:
            if error.errno in _NO_ROOM:
                raise StorageFull(
                    f"writing {key} failed: {os.strerror(error.errno or 0)}; free some space below {self.root}"
                ) from error
            raise

    def get(self, key: str) -> bytes:
        try:
            return self._path(key).read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise NotFound(f"{key} is not in the store") from error

    def fetch(self, key: str, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            target.write_bytes(self.get(key))
        except OSError as error:
            if error.errno in _NO_ROOM:
                raise StorageFull(f"copying {key} to {target} failed: {os.strerror(error.errno or 0)}") from error
            raise

    def exists(self, key: str) -> bool:
        return self._path(key).is_file()

    def size(self, key: str) -> int:
        try:
            return self._path(key).stat().st_size
        except FileNotFoundError as error:
            raise NotFound(f"{key} is not in the store") from error

    def keys(self, prefix: str) -> Iterator[str]:
        folder = self.root / prefix if prefix.endswith("/") else (self.root / prefix).parent
        found = []
        for path in folder.rglob("*") if folder.is_dir() else ():
            key = path.relative_to(self.root).as_posix()
            if key.startswith(prefix) and not key.startswith(".partial/") and path.is_file():
                found.append(key)
        yield from sorted(found)

    def delete(self, key: str) -> None:
        self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        if not _KEY.match(key) or any(part in (".", "..") for part in key.split("/")) or key.startswith(".partial"):
            raise ValueError(f"not a storage key: {key!r}")
        return self.root / key


def open_storage(url: str) -> Storage:
    """The store behind a URL. Raises ValueError for a scheme there is no implementation of."""
    parsed = urlparse(url)
    if parsed.scheme == "file":
        return DirectoryStorage(Path(unquote(parsed.path)))
    raise ValueError(f"unknown storage URL {url!r}; use file:///path")


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
