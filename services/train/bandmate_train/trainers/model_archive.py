"""Unpack SageMaker's model.tar.gz safely: bounded in size, no links, nothing outside the folder."""

import gzip
import io
import shutil
import tarfile
from pathlib import Path, PurePosixPath

from bandmate_shared.errors import LimitExceeded, UnreadableFile

MAX_FILES = 10_000


def unpack(archive: Path, folder: Path, max_bytes: int) -> None:
    """Extract an archive into a folder. Links, devices and paths that lead out of the folder are refused.

    Raises UnreadableFile, LimitExceeded.
    """
    folder.mkdir(parents=True, exist_ok=True)
    bytes_left = max_bytes
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for number, member in enumerate(tar):
                name = PurePosixPath(member.name)
                if name.is_absolute() or ".." in name.parts or not (member.isfile() or member.isdir()):
                    raise UnreadableFile(f"{archive.name} holds {member.name!r}, which is no plain file inside it")
                bytes_left -= member.size
                if bytes_left < 0 or number >= MAX_FILES:
                    raise LimitExceeded(
                        f"{archive.name} unpacks to more than {max_bytes} bytes (BANDMATE_MODEL_ARCHIVE_BYTES) or "
                        f"{MAX_FILES} files"
                    )
                _write(tar, member, folder.joinpath(*name.parts))
    except (tarfile.TarError, EOFError, OSError) as error:
        if isinstance(error, OSError) and not isinstance(error, gzip.BadGzipFile):
            raise
        raise UnreadableFile(f"{archive.name} is not a readable tar.gz: {error}") from error


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    if member.isdir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    source = tar.extractfile(member) or io.BytesIO()
    with source, target.open("wb") as file:
        shutil.copyfileobj(source, file)
