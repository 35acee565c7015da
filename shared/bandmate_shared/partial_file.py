"""Writing files so that nobody ever sees half of one, and a full disk is said to be full."""

import errno
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bandmate_shared.errors import StorageFull

BLOCK = 1 << 20
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def partial_file(folder: Path, blocks: Iterable[bytes]) -> Iterator[Path]:
    """A new file in `folder` that holds the blocks, safely on disk; whatever is left of it afterwards is removed."""
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


def blocks_of(data: bytes | Path, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
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
def telling_of_full_disks(doing: str, where: Path) -> Iterator[None]:
    """Turn the errors of a full disk into StorageFull; others pass."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        reason = os.strerror(error.errno)
        raise StorageFull(f"{doing} failed: {reason}; free some space below {where}") from error
