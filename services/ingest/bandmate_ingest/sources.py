"""What a request's sources stand for: folders, zips, single files and the corpus of the music21 package."""

import importlib.util
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from bandmate_shared.errors import InvalidRequest, NotFound
from bandmate_shared.music.limits import Limits

from bandmate_ingest.archive import open_archive

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
    raise OSError, UnreadableFile or LimitExceeded."""

    name: str
    style: str
    read: Callable[[], bytes]


def check_source(source: str) -> None:
    """Refuse at the door what can never be read.

    Raises:
        InvalidRequest: an unknown kind of source, or a package that is missing.
        NotFound: nothing lies there.
    """
    if source.startswith(_CORPUS):
        _corpus_folder(source)
    elif source.startswith("s3://"):
        raise InvalidRequest(
            f"{source} lies in S3, which this platform cannot read: it keeps its files in a directory. "
            "S3 sources come with the cloud store"
        )
    elif "://" in source:
        raise InvalidRequest(f"{source} is not a source; give a folder, a zip, a file or music21:COMPOSER")
    elif not Path(source).exists():
        raise NotFound(f"there is no file or folder {source}")


def collect(source: str, style: str | None, limits: Limits) -> Iterator[SourceFile]:
    """The files behind one source, in a fixed order; their names begin with the source's own name.

    Raises:
        InvalidRequest, NotFound: as `check_source`.
        UnreadableFile, LimitExceeded: a zip that is broken or past a limit.
    """
    check_source(source)
    if source.startswith(_CORPUS):
        folder = _corpus_folder(source)
        yield from _folder(folder, f"music21/{folder.name}", style, limits)
        return
    path = Path(source).resolve()
    if path.is_dir():
        # A folder called 'train' says too little by itself.
        generic = path.name.lower() in _GENERIC
        yield from _folder(path, "/".join(path.parts[-2:]) if generic else path.name, style, limits)
    elif path.suffix.lower() == ".zip":
        for entry, read in open_archive(path, limits):
            if _is_music(PurePosixPath(entry)):
                name = _printable(f"{path.stem}/{entry}")
                yield SourceFile(name, style or _style_of(name), read)
    else:
        yield SourceFile(
            _printable(path.name), style or _style_of("/".join(path.parts[-3:])), partial(_read, path, limits)
        )


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
