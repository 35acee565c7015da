"""What a request's sources stand for: folders, zips, single files, uploads, objects in S3, and music21's corpus."""

import importlib.util
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from bandmate_shared.errors import InvalidRequest, NotFound
from bandmate_shared.music.limits import Limits
from bandmate_shared.uploads import Upload, upload_id_of

from bandmate_ingest.access import Access
from bandmate_ingest.archive import check_archive_size, open_archive
from bandmate_ingest.s3_source import FoundObject, Location, ReadAhead, S3Source
from bandmate_ingest.settings import IngestSettings

READ_SUFFIXES = frozenset((".mid", ".midi", ".kar", ".rmi", ".smf", ".mxl", ".musicxml", ".xml"))
OTHER_NOTATION = frozenset(
    (".krn", ".abc", ".mscz", ".mscx", ".mei", ".ly", ".gp3", ".gp4", ".gp5", ".gpx", ".sib", ".mus")
)
"""Music in formats that are not read: listed as rejected rather than passed over in silence."""
_GENERIC = frozenset(("train", "valid", "validation", "test", "midi", "midis", "mid", "mxl", "xml", "data", "files"))
_CORPUS = "music21:"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to be read. `read` gives little more than the limit on a file, so that the limit is noticed later; it may
    raise OSError, or a BandmateError; a retryable one says nothing about the file."""

    name: str
    style: str
    read: Callable[[], bytes]


def check_source(source: str, access: Access) -> None:
    """Refuse at the door what can never be read, or not by this tenant. An upload is kept from now on.

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
        yield from _in_s3(source, style, limits, access)
    else:
        check_source(source, access)
        yield from _on_disk(Path(source).resolve(), style, limits)


def _on_disk(path: Path, style: str | None, limits: Limits) -> Iterator[SourceFile]:
    if path.is_dir():
        # A folder called 'train' says too little by itself.
        generic = path.name.lower() in _GENERIC
        yield from _folder(path, "/".join(path.parts[-2:]) if generic else path.name, style, limits)
    elif path.suffix.lower() == ".zip":
        yield from _zip(path, path.name, style, limits)
    else:
        yield SourceFile(
            _printable(path.name), style or _style_of("/".join(path.parts[-3:])), partial(_read, path, limits)
        )


def _zip(path: Path, name: str, style: str | None, limits: Limits) -> Iterator[SourceFile]:
    for entry, read in open_archive(path, limits, name):
        if _is_music(PurePosixPath(entry)):
            inner = _printable(f"{PurePosixPath(name).stem}/{entry}")
            yield SourceFile(inner, style or _style_of(inner), read)


def _upload(upload: Upload, style: str | None, limits: Limits, access: Access) -> Iterator[SourceFile]:
    storage, name = access.storage, upload.ticket.filename
    assert storage is not None
    if not upload.is_zip:
        yield SourceFile(
            _printable(name),
            style or _style_of(name),
            lambda: b"".join(storage.blocks(upload.key, 0, limits.file_bytes + 1)),
        )
        return
    local = storage.local_path(upload.key)
    if local is not None:
        yield from _zip(local, name, style, limits)
        return
    with access.scratch_file() as path:
        storage.fetch(upload.key, path)
        files = list(_zip(path, name, style, limits))
    yield from files


def _in_s3(source: str, style: str | None, limits: Limits, access: Access) -> Iterator[SourceFile]:
    opened = _open_s3(source, access)
    single = opened.single()
    if single is None:
        label = opened.location.label
        found = [one for one in opened.objects(access.settings.max_source_objects) if _is_music_key(opened, one)]
        ahead = ReadAhead(opened, found, limits.file_bytes + 1)
        for number, one in enumerate(found):
            name = _printable(f"{label}/{opened.relative(one)}")
            yield SourceFile(name, style or _style_of(name), partial(ahead.read, number))
        return
    name = PurePosixPath(single.key).name
    if not name.lower().endswith(".zip"):
        read = partial(opened.read, single.key, limits.file_bytes + 1)
        yield SourceFile(_printable(name), style or _style_of(f"{opened.location.label}"), read)
        return
    check_archive_size(name, single.size, limits)
    with access.scratch_file() as path:
        opened.fetch(single, path)
        files = list(_zip(path, name, style, limits))
    yield from files


def _open_s3(source: str, access: Access) -> S3Source:
    location = Location.of(source)
    access.require_bucket(location.bucket, location.key)
    return S3Source(location)


def _is_music_key(source: S3Source, found: FoundObject) -> bool:
    return not found.key.endswith("/") and _is_music(PurePosixPath(source.relative(found)))


def _folder(root: Path, label: str, style: str | None, limits: Limits) -> Iterator[SourceFile]:
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if _is_music(PurePosixPath(relative.as_posix())) and path.is_file():
            name = _printable(f"{label}/{relative.as_posix()}")
            yield SourceFile(name, style or _style_of(name), partial(_read, path, limits))


def _read(path: Path, limits: Limits) -> bytes:
    with path.open("rb") as file:
        return file.read(limits.file_bytes + 1)


def _printable(name: str) -> str:
    """A file's name as text that can be stored: bytes that are no UTF-8 become question marks."""
    return name.encode("utf-8", "replace").decode()


def _is_music(path: PurePosixPath) -> bool:
    hidden = any(part.startswith((".", "__")) for part in path.parts)
    return not hidden and path.suffix.lower() in READ_SUFFIXES | OTHER_NOTATION


def _style_of(name: str) -> str:
    """The nearest folder that says something, as a style name: 'My Folk Songs/train/a.mid' is 'my-folk-songs'."""
    folders = [part for part in PurePosixPath(name).parts[:-1] if part.lower() not in _GENERIC]
    word = re.sub(r"[^a-z0-9]+", "-", folders[-1].lower()).strip("-")[:32].strip("-") if folders else ""
    if not word:
        return "song"
    return word if word[0].isalpha() else f"s{word}"[:32]


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
