"""A tenant's prefix of the object store as a Storage of its own."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bandmate_shared.objects.base import Storage, StoredObject


class Space:
    """The objects of a store whose keys begin with a prefix, under keys without it. Itself a Storage."""

    def __init__(self, storage: Storage, prefix: str) -> None:
        self._storage = storage
        self._prefix = prefix

    def put(self, key: str, data: bytes | Path, *, if_absent: bool = False) -> None:
        self._storage.put(self._prefix + key, data, if_absent=if_absent)

    def get(self, key: str) -> bytes:
        return self._storage.get(self._prefix + key)

    def blocks(self, key: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        return self._storage.blocks(self._prefix + key, start, stop)

    def fetch(self, key: str, target: Path) -> None:
        self._storage.fetch(self._prefix + key, target)

    def exists(self, key: str) -> bool:
        return self._storage.exists(self._prefix + key)

    def size(self, key: str) -> int:
        return self._storage.size(self._prefix + key)

    def keys(self, prefix: str) -> Iterator[str]:
        for key in self._storage.keys(self._prefix + prefix):
            yield key.removeprefix(self._prefix)

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        for entry in self._storage.objects(self._prefix + prefix):
            yield replace(entry, key=entry.key.removeprefix(self._prefix))

    def copy(self, source: str, target: str, *, if_absent: bool = False) -> None:
        self._storage.copy(self._prefix + source, self._prefix + target, if_absent=if_absent)

    def delete(self, key: str) -> None:
        self._storage.delete(self._prefix + key)

    def local_path(self, key: str) -> Path | None:
        return self._storage.local_path(self._prefix + key)
