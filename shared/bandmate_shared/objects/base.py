"""The object store's interface: keys, conditional puts, listings. `open.py` makes one from a URL.

Keys are slash-separated; `blobs.py` says where content-addressed blobs and manifests lie.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bandmate_shared.errors import BandmateError

MAX_KEY_LENGTH = 1024
"""S3's limit on a key."""
MAX_PART_LENGTH = 255
"""File systems' limit on a name."""
PARTIAL_FOLDER = ".partial"
"""Where DirectoryStorage keeps files that are being written; no key may begin with it."""

_KEY = re.compile(r"[A-Za-z0-9._=-]+(/[A-Za-z0-9._=-]+)*")


class AlreadyExists(BandmateError):
    """A conditional put found an existing object; S3 answers 412."""

    type = "already-exists"
    title = "Already exists"
    status = 412


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object in a listing: size in bytes, time of modification in seconds since 1970."""

    key: str
    size: int
    modified: float


class Storage(Protocol):
    """The interface of an object store; `tests/contract/test_storage.py` is its conformance suite.

    Every method raises ValueError for an invalid key (empty parts, '.' or '..', characters other than letters, digits
    and `._=-`, too long). No key may be a folder of another: with `a/b` there is no `a`. A remote store may raise
    Unavailable (it did not answer; try again) and StorageRefused (access denied) from every method.
    """

    def put(self, key: str, data: bytes | Path, *, if_absent: bool = False) -> None:
        """Write an object atomically. With `if_absent`, raises AlreadyExists rather than overwrite.

        Raises StorageFull, without having changed anything.
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
        """Copy an object to a local file, atomically. Raises NotFound, StorageFull."""
        ...

    def exists(self, key: str) -> bool: ...

    def size(self, key: str) -> int:
        """Bytes in an object. Raises NotFound."""
        ...

    def keys(self, prefix: str) -> Iterator[str]:
        """Keys that start with the prefix, ascending. A prefix may end anywhere, also within a part or with '/'."""
        ...

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        """The objects of `keys`, with sizes and times. Objects deleted meanwhile may be missing."""
        ...

    def copy(self, source: str, target: str, *, if_absent: bool = False) -> None:
        """Copy an object within the store, without its bytes passing through this process where that is possible.

        Raises NotFound, StorageFull; with `if_absent` AlreadyExists.
        """
        ...

    def delete(self, key: str) -> None:
        """Delete an object; does nothing where there is none."""
        ...

    def local_path(self, key: str) -> Path | None:
        """The path of the object as a local file, which must not be written; None where the store is remote.

        Raises NotFound where the store is local.
        """
        ...


class Presigner(Protocol):
    """Signs URLs by which clients exchange files with the store directly, past the API."""

    def download_url(self, key: str, *, media_type: str, disposition: str) -> str:
        """A URL that gives the object to whoever has it, for a limited time. Raises StorageRefused."""
        ...

    def upload_form(self, key: str, *, size: int, seconds: int) -> tuple[str, Mapping[str, str]]:
        """Address and fields of a form whose last field, `file`, has exactly `size` bytes. Raises StorageRefused."""
        ...


def tenant_space(tenant: str) -> str:
    """The key prefix of a tenant's datasets and models: none for 'local', else `tenants/<tenant>/`.

    Keys without the prefix are shared: in service mode every tenant may read them, and no request writes them.
    """
    return "" if tenant == "local" else f"tenants/{tenant}/"


def require_key(key: str) -> None:
    """Raise ValueError for an invalid key."""
    if not _is_key(key):
        raise ValueError(f"not a storage key: {key!r}")


def require_prefix(prefix: str) -> None:
    """Raise ValueError for a string that no valid key begins with."""
    if prefix and not _is_key(prefix.removesuffix("/")):
        raise ValueError(f"not a prefix of storage keys: {prefix!r}")


def _is_key(key: str) -> bool:
    parts = key.split("/")
    return (
        len(key) <= MAX_KEY_LENGTH
        and _KEY.fullmatch(key) is not None
        and not any(part in (".", "..") or len(part) > MAX_PART_LENGTH for part in parts)
        and parts[0] != PARTIAL_FOLDER
    )
