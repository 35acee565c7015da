"""Reads MusicXML into scores: partwise or timewise, plain or compressed. Source: W3C MusicXML 4.0.

Measures are read one at a time and forgotten, so a long score costs little memory. External references and entities are
refused (defusedxml); a DOCTYPE line, which nearly every file has, is not followed.
"""

import io
import re
from collections.abc import Iterator
from math import lcm
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from bandmate_music.errors import UnreadableFile
from bandmate_music.limits import Limits
from bandmate_music.musicxml.assemble import assemble
from bandmate_music.musicxml.encoding import to_utf8
from bandmate_music.musicxml.mxl import unpack_mxl
from bandmate_music.musicxml.part import PartReader
from bandmate_music.musicxml.values import text_of
from bandmate_music.score import TICKS_PER_QUARTER, Notice, Score
from bandmate_music.verses import Verses

if TYPE_CHECKING:
    from _typeshed import SupportsRead

_MAX_RESOLUTION = 32767
_FALLBACK_RESOLUTION = 10080
_DIVISIONS = re.compile(rb"<divisions>\s*(\d{1,5})\s*<")
_PART_OR_DIVISIONS = re.compile(
    rb"""<part\s[^>]{0,200}?\bid\s*=\s*["']([^"'<>]{1,64})["']|<divisions>\s*(\d{1,5})\s*<"""
)


def read_musicxml(data: bytes, limits: Limits, verses: Verses | None = None) -> Score:
    """The score in a MusicXML document, or in an .mxl container.

    Pitches are as they sound; ties are one note; grace and cue notes are left out, the words of a grace note go to the
    note after it. A bar that is shorter or longer than its metre (an upbeat) gets a metre of its own length. Measures
    are as long as the longest part makes them; a rest for a whole bar makes none longer.

    Without `verses`, repeats stay as written and lyrics are the first verse's. With `verses` the score is as it is
    sung: repeats are unfolded, each pass with its verse, and each voice of a part that has words is a part of its own.

    Raises:
        UnreadableFile: it is no MusicXML, or a damaged one.
        LimitExceeded: it is past a limit; the detail names the limit and its setting.
    """
    limits.check_file_bytes(len(data))
    notices: list[Notice] = []
    if data[:4] == b"PK\x03\x04":
        data, found = unpack_mxl(data, limits)
        notices += found
    data, found = to_utf8(data)
    notices += found
    parts: list[PartReader] = []
    events = 0
    titles: dict[str, str] = {}
    resolution = _resolution(data)
    divisions = _first_divisions(data)
    try:
        for element in _elements(io.BytesIO(data)):
            if element.tag == "score-part":
                parts.append(PartReader(element, resolution, divisions.get(element.get("id", ""), 1.0)))
                limits.check_tracks(len(parts))
            elif element.tag in ("work-title", "movement-title"):
                titles.setdefault(element.tag, text_of(element))
            elif element.tag == "measure":
                identifier = element.get("part", "")
                part = next((part for part in reversed(parts) if part.identifier == identifier), None)
                if part is None:
                    described = ET.Element("score-part", id=identifier)
                    ET.SubElement(described, "part-name").text = identifier
                    part = PartReader(described, resolution, divisions.get(identifier, 1.0))
                    parts.append(part)
                    limits.check_tracks(len(parts))
                    name = identifier[:40]
                    notices.append(
                        Notice("unlisted-part", f"the part {name!r} is missing in the part list; it was read")
                    )
                events -= part.events
                part.measure(element)
                events += part.events
                limits.check_notes(events)
                limits.check_bars(len(part.lengths))
    except ParseError as error:
        raise UnreadableFile(f"this XML is damaged: {error}") from None
    except DefusedXmlException:
        raise UnreadableFile("this XML declares entities or refers to other files; that is refused") from None
    except (ValueError, OverflowError, LookupError) as error:
        raise UnreadableFile(f"this MusicXML holds a value that cannot be: {error}{_place(parts)}") from None
    if not parts:
        raise UnreadableFile("this is an XML document without parts: not a MusicXML score")
    title = titles.get("work-title") or titles.get("movement-title") or ""
    return assemble(parts, resolution, title, limits, tuple(notices), verses)


def _place(parts: list[PartReader]) -> str:
    """Where the measure that could not be read stands."""
    part = next((part for part in reversed(parts) if part.numbers), None)
    if part is None or len(part.numbers) == len(part.lengths):
        return ""
    return f" (part {part.name or part.identifier!r}, bar {part.numbers[-1] or len(part.numbers)})"


def _elements(stream: "SupportsRead[bytes]") -> Iterator[Element]:
    """Finished elements that matter; each measure belongs to the part whose id is in its `part` attribute, set here."""
    root = ""
    part, number = "", {}
    for event, element in iterparse(stream, ("start", "end"), forbid_dtd=False, forbid_entities=True):
        if "}" in element.tag and not element.tag.startswith("{http://www.w3.org/"):
            element.tag = element.tag.rpartition("}")[2]
        if event == "start":
            if not root:
                root = _checked_root(element)
            elif root == "score-partwise" and element.tag == "part":
                part = element.get("id", "")
            elif root == "score-timewise" and element.tag == "measure":
                number = dict(element.attrib)
            continue
        if element.tag == ("measure" if root == "score-partwise" else "part"):
            if root == "score-timewise":
                part, element.tag = element.get("id", ""), "measure"
                element.attrib.update({name: value for name, value in number.items() if name != "id"})
            element.set("part", part)
            yield element
            element.clear()
        elif element.tag in ("score-part", "work-title", "movement-title"):
            yield element
        elif element.tag in ("part", "measure", "credit", "defaults"):
            element.clear()


def _checked_root(element: Element) -> str:
    if element.tag not in ("score-partwise", "score-timewise"):
        raise UnreadableFile(f"this is an XML document of kind {element.tag[:40]!r}, not a MusicXML score")
    return str(element.tag)


def _first_divisions(data: bytes) -> dict[str, float]:
    """Part → the divisions that it states first."""
    first: dict[str, float] = {}
    part = ""
    for match in _PART_OR_DIVISIONS.finditer(data):
        if match[1] is not None:
            part = match[1].decode("utf-8", "replace")
        elif int(match[2]) > 0:
            first.setdefault(part, float(match[2]))
    return first


def _resolution(data: bytes) -> int:
    """Ticks a quarter in which every duration is whole, where one exists that MIDI can say."""
    divisions = {int(digits) for digits in _DIVISIONS.findall(data)} - {0}
    common = 1
    for division in divisions:
        common = lcm(common, division)
        if common > _MAX_RESOLUTION:
            return _FALLBACK_RESOLUTION
    return next(fine for unit in (TICKS_PER_QUARTER, 24, 8, 1) if (fine := lcm(common, unit)) <= _MAX_RESOLUTION)
