"""Compressed MusicXML: the score inside an .mxl container. Source: W3C MusicXML 4.0, 'Compressed .mxl files'."""

from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from bandmate_shared.errors import UnreadableFile
from bandmate_shared.music.bounded_zip import open_zip, read_entry
from bandmate_shared.music.limits import Limits

_CONTAINER = "META-INF/container.xml"
_CONTAINER_BYTES = 1_000_000
_SCORE_TYPES = ("", "application/vnd.recordare.musicxml+xml", "application/vnd.recordare.musicxml", "text/xml")


def unpack_mxl(data: bytes, limits: Limits) -> bytes:
    """The MusicXML document that the container names first. Nothing is written to disk.

    Raises:
        UnreadableFile: it is no .mxl, or a damaged one.
        LimitExceeded: too many entries, or too many bytes once expanded.
    """
    archive = open_zip(data, limits)
    entries = {entry.filename: entry for entry in archive.infolist()}
    if _CONTAINER not in entries:
        raise UnreadableFile("this is a zip archive, not an .mxl score: META-INF/container.xml is missing")
    if entries[_CONTAINER].file_size > _CONTAINER_BYTES:
        raise UnreadableFile("the container.xml of this .mxl is no list of files: it is too long")
    path = _root_file(read_entry(archive, entries[_CONTAINER], limits))
    if path not in entries:
        raise UnreadableFile(f"this .mxl names {path!r} as its score and does not hold it")
    return read_entry(archive, entries[path], limits)


def _root_file(container: bytes) -> str:
    try:
        root = fromstring(container, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise UnreadableFile(f"the container.xml of this .mxl cannot be read: {error}") from None
    for element in root.iter():
        if element.tag.rpartition("}")[2] == "rootfile" and element.get("media-type", "") in _SCORE_TYPES:
            return str(element.get("full-path", ""))
    raise UnreadableFile("the container.xml of this .mxl names no score")
