"""Compressed MusicXML: the score inside an .mxl container. Source: W3C MusicXML 4.0, 'Compressed .mxl files'."""

from collections.abc import Mapping
from unicodedata import normalize
from urllib.parse import unquote
from xml.etree.ElementTree import ParseError
from zipfile import ZipInfo

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from bandmate_music.errors import UnreadableFile
from bandmate_music.limits import Limits
from bandmate_music.musicxml.bounded_zip import open_zip, read_entry
from bandmate_music.musicxml.encoding import to_utf8
from bandmate_music.score import Notice

_CONTAINER = "META-INF/container.xml"
_CONTAINER_BYTES = 1_000_000
_SCORE_TYPES = ("application/vnd.recordare.musicxml+xml", "application/vnd.recordare.musicxml")
_SCORE_ENDINGS = (".musicxml", ".xml")


def unpack_mxl(data: bytes, limits: Limits) -> tuple[bytes, tuple[Notice, ...]]:
    """The MusicXML document that the container names first, and notices. Nothing is written to disk.

    Raises:
        UnreadableFile: it is no .mxl, or a damaged one.
        LimitExceeded: too many entries, or too many bytes once expanded.
    """
    archive = open_zip(data, limits)
    entries = {entry.filename: entry for entry in archive.infolist()}
    notices: tuple[Notice, ...] = ()
    if _CONTAINER in entries:
        if entries[_CONTAINER].file_size > _CONTAINER_BYTES:
            raise UnreadableFile("the container.xml of this .mxl is no list of files: it is too long")
        named = _root_file(read_entry(archive, entries[_CONTAINER], limits))
        entry = _find(entries, named)
        if entry is None:
            entry = _only_score(entries)
            if entry is None:
                raise UnreadableFile(f"this .mxl names {named!r} as its score and does not hold it")
            text = f"META-INF/container.xml names {named!r}, which is missing; {entry.filename!r} was read"
            notices = (Notice("missing-container", text),)
    else:
        entry = _only_score(entries)
        if entry is None:
            raise UnreadableFile("this is a zip archive, not an .mxl score: META-INF/container.xml is missing")
        notices = (Notice("missing-container", f"META-INF/container.xml is missing; {entry.filename!r} was read"),)
    return read_entry(archive, entry, limits), notices


def _only_score(entries: Mapping[str, ZipInfo]) -> ZipInfo | None:
    """The entry that is called as scores are; None where there is none, or several. Macs add others to zips."""
    hidden = ("meta-inf/", "__macosx/", ".")
    scores = [
        entry
        for name, entry in entries.items()
        if name.lower().endswith(_SCORE_ENDINGS) and not name.lower().startswith(hidden) and "/." not in name
    ]
    return scores[0] if len(scores) == 1 else None


def _find(entries: Mapping[str, ZipInfo], named: str) -> ZipInfo | None:
    """The entry of a name as containers write it: with a leading slash, percent escapes, or in other capitals."""
    for name in (named, unquote(named)):
        if name in entries:
            return entries[name]
    wanted = _plain(unquote(named))
    return next((entry for name, entry in entries.items() if _plain(name) == wanted), None)


def _plain(name: str) -> str:
    return normalize("NFC", name).replace("\\", "/").removeprefix("./").lstrip("/").casefold()


def _root_file(container: bytes) -> str:
    """The first file of a MusicXML media type; else the first whose name or type may be a score's."""
    try:
        root = fromstring(to_utf8(container)[0], forbid_dtd=False, forbid_entities=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise UnreadableFile(f"the container.xml of this .mxl cannot be read: {error}") from None
    files = [
        (str(element.get("full-path", "")), element.get("media-type", "").partition(";")[0].strip().lower())
        for element in root.iter()
        if element.tag.rpartition("}")[2] == "rootfile"
    ]
    for path, media_type in files:
        if media_type in _SCORE_TYPES:
            return path
    for path, media_type in files:
        if path.lower().endswith(_SCORE_ENDINGS) or media_type.endswith("xml"):
            return path
    for path, media_type in files:
        if not media_type:
            return path
    raise UnreadableFile("the container.xml of this .mxl names no score")
