"""Atomic file writes through temporary files, and errors of a full disk as StorageFull."""

import errno
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bandmate_shared.errors import StorageFull

BLOCK = 1 << 20
_DISK_FULL_ERRNOS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def partial_file(folder: Path, blocks: Iterable[bytes]) -> Iterator[Path]:
    """A temporary file in `folder` with the blocks, flushed to disk; removed afterwards unless it was renamed."""
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=".partial-")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            for block in blocks:
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def read_blocks(data: bytes | Path, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
    """Bytes, or a file's content from byte `start` up to `stop`, in blocks. Raises OSError."""
    if isinstance(data, bytes):
        yield data[start:stop]
        return
    with data.open("rb") as source:
        source.seek(start)
        left = None if stop is None else max(0, stop - start)
        while block := source.read(BLOCK if left is None else min(BLOCK, left)):
            left = None if left is None else left - len(block)
            yield block


@contextmanager
def storage_full_on_full_disk(operation: str, folder: Path) -> Iterator[None]:
    """Raise the OSErrors of a full disk as StorageFull."""
    try:
        yield
    except OSError as error:
        if error.errno not in _DISK_FULL_ERRNOS:
            raise
        reason = os.strerror(error.errno)
        raise StorageFull(f"{operation} failed: {reason}; free some space below {folder}") from error
