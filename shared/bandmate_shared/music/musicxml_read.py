"""MusicXML in, scores out: partwise, plain or compressed. Source: W3C MusicXML 4.0.

Measures are read one at a time and forgotten, so a long score costs little memory. External references and entities are
refused (defusedxml); a DOCTYPE line, which nearly every file has, is not followed.
"""

import io
import re
from collections.abc import Iterator
from math import lcm
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from bandmate_shared.errors import UnreadableFile
from bandmate_shared.music.limits import Limits
from bandmate_shared.music.musicxml_assemble import assemble
from bandmate_shared.music.musicxml_part import PartReader, text_of
from bandmate_shared.music.score import TICKS_PER_QUARTER, Score

if TYPE_CHECKING:
    from _typeshed import SupportsRead

_FINEST = 32767
_DIVISIONS = re.compile(rb"<divisions>\s*(\d{1,5})\s*<")


def read_musicxml(data: bytes, limits: Limits) -> Score:
    """The score in a MusicXML document, or in an .mxl container.

    Pitches are as they sound; ties are one note; grace and cue notes are left out; repeats stay as written. A bar that
    is shorter or longer than its metre (an upbeat) gets a metre of its own length. Lyrics are the first verse's.
    Measures are as long as the longest part makes them.

    Raises:
        UnreadableFile: it is no MusicXML, a damaged one, or time-wise.
        LimitExceeded: it is past a limit; the detail names the limit and its setting.
    """
    limits.check_file_bytes(len(data))
    if data[:4] == b"PK\x03\x04":
        from bandmate_shared.music.mxl import unpack_mxl

        data = unpack_mxl(data, limits)
    parts: list[PartReader] = []
    titles: dict[str, str] = {}
    resolution = _resolution(data)
    try:
        for element in _elements(io.BytesIO(data)):
            if element.tag == "score-part":
                parts.append(PartReader(element, resolution))
                limits.check_tracks(len(parts))
            elif element.tag in ("work-title", "movement-title"):
                titles.setdefault(element.tag, text_of(element))
            elif element.tag == "measure":
                _part_of(parts, element).measure(element)
                limits.check_notes(sum(part.events for part in parts))
    except ParseError as error:
        raise UnreadableFile(f"this XML is damaged: {error}") from None
    except DefusedXmlException:
        raise UnreadableFile("this XML declares entities or refers to other files; that is refused") from None
    except (ValueError, OverflowError, LookupError) as error:
        raise UnreadableFile(f"this MusicXML holds a value that cannot be: {error}") from None
    if not parts:
        raise UnreadableFile("this is an XML document without parts: not a MusicXML score")
    title = titles.get("work-title") or titles.get("movement-title") or ""
    return assemble(parts, resolution, title, limits)


def _elements(stream: "SupportsRead[bytes]") -> Iterator[Element]:
    """Finished elements that matter; each measure belongs to the part whose id is in its `part` attribute, set here."""
    part = ""
    first = True
    for event, element in iterparse(stream, ("start", "end"), forbid_dtd=False, forbid_entities=True):
        if event == "start":
            if first:
                _check_root(element)
                first = False
            elif element.tag == "part":
                part = element.get("id", "")
            continue
        if element.tag == "measure":
            element.set("part", part)
            yield element
            element.clear()
        elif element.tag in ("score-part", "work-title", "movement-title"):
            yield element
        elif element.tag in ("part", "credit", "defaults"):
            element.clear()


def _check_root(element: Element) -> None:
    if element.tag == "score-timewise":
        raise UnreadableFile("this MusicXML is time-wise; save it part-wise, as notation programs do by default")
    if element.tag != "score-partwise":
        raise UnreadableFile(f"this is an XML document of kind {element.tag[:40]!r}, not a MusicXML score")


def _part_of(parts: list[PartReader], measure: Element) -> PartReader:
    identifier = measure.get("part", "")
    for part in reversed(parts):
        if part.identifier == identifier:
            return part
    raise UnreadableFile(f"the part {identifier[:40]!r} of this MusicXML is not in its part list")


def _resolution(data: bytes) -> int:
    """Ticks a quarter in which every duration is whole, where one exists that MIDI can say."""
    divisions = {int(digits) for digits in _DIVISIONS.findall(data)} - {0}
    common = lcm(*divisions)
    for fine in (TICKS_PER_QUARTER, 24, 8, 1):
        if lcm(common, fine) <= _FINEST:
            return lcm(common, fine)
    return 10080
