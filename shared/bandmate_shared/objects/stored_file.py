"""A stored object as a seekable file, which fetches only the ranges that are read."""

import io
from typing import BinaryIO, cast

from bandmate_shared.objects.base import Storage

_BUFFER_BYTES = 256 * 1024


class _RawStoredFile(io.RawIOBase):
    def __init__(self, storage: Storage, key: str) -> None:
        self._storage = storage
        self._key = key
        self._size = storage.size(key)
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        position = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if position < 0:
            raise ValueError("a negative position")
        self._position = position
        return position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        stop = min(self._position + len(buffer), self._size)
        if stop <= self._position:
            return 0
        data = b"".join(self._storage.blocks(self._key, self._position, stop))
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)


def open_stored(storage: Storage, key: str) -> BinaryIO:
    """The object, for reading. Each read that leaves the buffer is a request of its own. Raises NotFound."""
    return cast(BinaryIO, io.BufferedReader(_RawStoredFile(storage, key), _BUFFER_BYTES))
