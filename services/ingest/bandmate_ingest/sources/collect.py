"""What a request's sources stand for: folders, zips, single files, uploads, objects in S3, and music21's corpus."""

import importlib.util
import re
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from bandmate_music.limits import Limits
from bandmate_shared.errors import InvalidRequest, NotFound
from bandmate_shared.objects.uploads import Upload, upload_id_of

from bandmate_ingest.settings import IngestSettings
from bandmate_ingest.sources.access import Access
from bandmate_ingest.sources.files import (
    GENERIC_FOLDERS,
    SourceFile,
    is_music,
    printable,
    read_file,
    style_of,
    zip_files,
)

if TYPE_CHECKING:
    from bandmate_ingest.sources.s3 import S3Source

_CORPUS = "music21:"


def check_source(source: str, access: Access) -> None:
    """Refuse sources that cannot be read, or not by this tenant. An upload is kept from now on.

    Raises:
        InvalidRequest: an unknown kind of source, a place that may not be read, or a package that is missing.
        NotFound: nothing lies there.
        UnreadableFile, LimitExceeded: an upload that is no music.
        Unavailable: S3 does not answer.
    """
    upload_id = upload_id_of(source)
    if upload_id is not None:
        access.upload(upload_id)
    elif source.startswith(_CORPUS):
        _corpus_folder(source)
    elif source.startswith("s3://"):
        _open_s3(source, access).single()
    elif "://" in source:
        raise InvalidRequest(
            f"{source} is not a source; give a folder, a zip, a file, music21:COMPOSER, s3://BUCKET/FOLDER or upload:ID"
        )
    else:
        access.require_path(Path(source))
        if not Path(source).exists():
            raise NotFound(f"there is no file or folder {source}")


def collect(source: str, style: str | None, limits: Limits, access: Access | None = None) -> Iterator[SourceFile]:
    """The files behind one source, in a fixed order; their names begin with the source's own name.

    Without `access` everything may be read that this process can read, but uploads.

    Raises:
        InvalidRequest, NotFound, Unavailable: as `check_source`.
        UnreadableFile, LimitExceeded: a zip that is broken or past a limit.
    """
    access = access or Access(IngestSettings(mode="embedded", max_source_objects=sys.maxsize))
    upload_id = upload_id_of(source)
    if upload_id is not None:
        yield from _upload(access.upload(upload_id), style, limits, access)
    elif source.startswith(_CORPUS):
        folder = _corpus_folder(source)
        yield from _folder(folder, f"music21/{folder.name}", style, limits)
    elif source.startswith("s3://"):
        yield from _open_s3(source, access).files(style, limits, access)
    else:
        check_source(source, access)
        yield from _on_disk(Path(source).resolve(), style, limits)


def _on_disk(path: Path, style: str | None, limits: Limits) -> Iterator[SourceFile]:
    if path.is_dir():
        # The name 'train' alone does not identify a source.
        generic = path.name.lower() in GENERIC_FOLDERS
        yield from _folder(path, "/".join(path.parts[-2:]) if generic else path.name, style, limits)
    elif path.suffix.lower() == ".zip":
        yield from zip_files(path, path.name, style, limits)
    else:
        yield SourceFile(
            printable(path.name), style or style_of("/".join(path.parts[-3:])), partial(read_file, path, limits)
        )


def _upload(upload: Upload, style: str | None, limits: Limits, access: Access) -> Iterator[SourceFile]:
    storage, name = access.storage, upload.ticket.filename
    assert storage is not None
    if not upload.is_zip:
        yield SourceFile(
            printable(name),
            style or style_of(name),
            lambda: b"".join(storage.blocks(upload.key, 0, limits.file_bytes + 1)),
        )
        return
    local = storage.local_path(upload.key)
    if local is not None:
        yield from zip_files(local, name, style, limits)
        return
    with access.scratch_file() as path:
        storage.fetch(upload.key, path)
        files = list(zip_files(path, name, style, limits))
    yield from files


def _open_s3(source: str, access: Access) -> "S3Source":
    from bandmate_ingest.sources.s3 import Location, S3Source  # optional extra: aws

    location = Location.of(source)
    access.require_bucket(location.bucket, location.key)
    return S3Source(location)


def _folder(root: Path, label: str, style: str | None, limits: Limits) -> Iterator[SourceFile]:
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if is_music(PurePosixPath(relative.as_posix())) and path.is_file():
            name = printable(f"{label}/{relative.as_posix()}")
            yield SourceFile(name, style or style_of(name), partial(read_file, path, limits))


def _corpus_folder(source: str) -> Path:
    composer = source.removeprefix(_CORPUS)
    if not re.fullmatch(r"[A-Za-z0-9_-]+", composer):
        raise InvalidRequest(f"{source} does not name a composer; write music21:bach")
    spec = importlib.util.find_spec("music21")
    if spec is None or spec.origin is None:
        raise InvalidRequest(f"{source} needs the music21 package: install bandmate-ingest[music21]")
    corpus = Path(spec.origin).parent / "corpus"
    folder = corpus / composer
    if not folder.is_dir():
        known = sorted(path.name for path in corpus.iterdir() if path.is_dir() and not path.name.startswith("_"))
        raise NotFound(f"music21's corpus has no {composer!r}; it has {', '.join(known)}")
    return folder
