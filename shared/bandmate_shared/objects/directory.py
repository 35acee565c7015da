"""The object store in a directory. Writes go through a temporary file and an atomic link or rename."""

import os
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from bandmate_shared.errors import NotFound
from bandmate_shared.objects.base import PARTIAL_FOLDER, AlreadyExists, StoredObject, require_key, require_prefix
from bandmate_shared.objects.partial_file import partial_file, read_blocks, storage_full_on_full_disk

_ABANDONED_SECONDS = 24 * 3600.0
"""A partial file this old belongs to a process that died while writing it."""
_MISSING = (FileNotFoundError, IsADirectoryError, NotADirectoryError)


class DirectoryStorage:
    """Objects as files below a root folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._partial = root / PARTIAL_FOLDER
        self._swept = False

    def put(self, key: str, data: bytes | Path, *, if_absent: bool = False) -> None:
        target = self._path(key)
        with storage_full_on_full_disk(f"writing {key}", self.root):
            self._make_folder(target.parent, key)
            self._make_folder(self._partial, key)
            self._sweep_partial()
            if target.is_dir():
                raise ValueError(f"{key!r} is a folder of other keys")
            with partial_file(self._partial, read_blocks(data)) as temporary:
                if not if_absent:
                    temporary.replace(target)
                else:
                    try:
                        os.link(temporary, target)
                    except FileExistsError as error:
                        raise AlreadyExists(f"{key} is already in the store") from error
            _fsync_folder(target.parent)

    def get(self, key: str) -> bytes:
        try:
            return self._path(key).read_bytes()
        except _MISSING as error:
            raise NotFound(f"{key} is not in the store") from error

    def blocks(self, key: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        reading = read_blocks(self.local_path(key), start, stop)
        try:  # The first block opens the file: a later replacement is not seen.
            first = next(reading, b"")
        except _MISSING as error:
            raise NotFound(f"{key} is not in the store") from error
        return chain([first] if first else [], reading)

    def fetch(self, key: str, target: Path) -> None:
        source = self.blocks(key)
        with storage_full_on_full_disk(f"copying {key} to {target}", target.parent):
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
        keys: list[str] = []
        for parent, folders, files in os.walk(folder):
            if Path(parent) == self.root and PARTIAL_FOLDER in folders:
                folders.remove(PARTIAL_FOLDER)
            keys += [(Path(parent) / name).relative_to(self.root).as_posix() for name in files]
        yield from sorted(key for key in keys if key.startswith(prefix))

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        for key in self.keys(prefix):
            try:
                status = self._path(key).stat()
            except FileNotFoundError:
                continue
            yield StoredObject(key, status.st_size, status.st_mtime)

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
        """Once a process: remove partial files of writers that were killed."""
        if self._swept:
            return
        self._swept = True
        for path in self._partial.iterdir():
            try:
                if path.stat().st_mtime < time.time() - _ABANDONED_SECONDS:
                    path.unlink()
            except FileNotFoundError:
                pass


def _fsync_folder(folder: Path) -> None:
    """Make a new name in the folder survive a power failure."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
