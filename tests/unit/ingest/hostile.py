"""Hostile files, each with what is wrong with it."""

import struct
import zipfile
from io import BytesIO


def midi(*tracks: bytes, layout: int = 1, division: int = 480) -> bytes:
    chunks = [b"MTrk" + struct.pack(">I", len(track)) + track for track in tracks]
    return b"MThd" + struct.pack(">IHHH", 6, layout, len(tracks), division) + b"".join(chunks)


def quantity(value: int) -> bytes:
    """A variable-length quantity."""
    digits = [value & 0x7F]
    while value := value >> 7:
        digits.append(0x80 | (value & 0x7F))
    return bytes(reversed(digits))


def zip_bomb() -> bytes:
    """An .mxl whose score expands to 80 MB of nothing."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "META-INF/container.xml", '<container><rootfiles><rootfile full-path="a.xml"/></rootfiles></container>'
        )
        archive.writestr("a.xml", bytes(80_000_000))
    return buffer.getvalue()


END = b"\x00\xff\x2f\x00"
NOTE = b"\x00\x90\x3c\x40\x60\x80\x3c\x40"
CENTURIES = quantity(0x0FFFFFFF) + b"\x90\x3c\x40" + quantity(0x0FFFFFFF) + b"\x80\x3c\x40"
LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE score-partwise [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><score-partwise><part-list/>&c;</score-partwise>"""

HOSTILE: dict[str, bytes] = {
    "empty": b"",
    "one byte": b"M",
    "a JPEG": b"\xff\xd8\xff\xe0" + bytes(1000),
    "a header alone": midi()[:14],
    "a track that is cut off in its first note": midi(NOTE * 50 + END)[:26],
    "a division of zero": midi(NOTE * 50 + END, division=0),
    "a note that lasts for centuries": midi(CENTURIES * 20 + END),
    "a velocity past 127": midi(b"\x00\x90\x3c\xf0" * 20 + END),
    "no notes": midi(END),
    "a zip bomb": zip_bomb(),
    "a billion laughs": LAUGHS,
    "an HTML page": b"<html><body>404</body></html>",
}
