"""The sandbox's child process: drops its privileges, then reads files from strangers and answers with scores.

Everything is imported first: afterwards no file can be opened, so a late import would fail.
"""

import codecs
import json
import os
import resource
import sys
from encodings import cp437, utf_8_sig

import symusic

from bandmate_music.child_process.frames import read_frame, write_frame
from bandmate_music.child_process.resource_limits import drop_privileges, extend_cpu_limit
from bandmate_music.errors import BandmateError, UnreadableFile
from bandmate_music.limits import Limits
from bandmate_music.musicxml.encoding import DECLARABLE
from bandmate_music.read import read_score
from bandmate_music.sandbox.score_codec import encode_score
from bandmate_music.text_encoding import DETECTABLE
from bandmate_music.verses import Verses

# Looked up by name while files are read: XML in older encodings, names in zip archives, the MIDI parser.
PRELOADED = (cp437, utf_8_sig, symusic, *map(codecs.lookup, (*DECLARABLE, *DETECTABLE)))

_MAX_RESIDENT_BYTES = 400_000_000
_WARM_UP_FILES = (
    b"MThd\0\0\0\x06\0\0\0\x01\0\x60MTrk\0\0\0\x11\0\xff\x05\x02la\0\x90\x3c\x40\x60\x3c\0\0\xff\x2f\0",
    b"<?xml version='1.0'?><score-partwise><part-list><score-part id='P'/></part-list><part id='P'><measure>"
    b"<note><pitch><step>C</step><octave>4</octave></pitch><duration>1</duration><lyric><text>la</text></lyric></note>"
    b"</measure></part></score-partwise>",
)
"""Small files of both formats, read once before privileges are dropped, so that nothing is left to be imported."""


def main() -> None:
    """Answers frames on stdin until it ends, or until a file has made this process too large to keep."""
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    configuration = read_frame(source)
    if configuration is None:
        return
    limits = Limits(**json.loads(configuration[1]))
    for data in _WARM_UP_FILES:
        encode_score(read_score(data, "warm-up", limits, Verses()))
    statm = _open_statm()
    drop_privileges(limits.parse_memory_bytes)
    write_frame(sink, b"R")
    while (frame := read_frame(source)) is not None:
        payload = frame[1]
        start = 2 + int.from_bytes(payload[:2], "big")
        asked = json.loads(payload[2:start])
        verses = None if asked["verses"] is None else Verses(**asked["verses"])
        extend_cpu_limit(limits.parse_seconds)
        try:
            kind, answer = b"S", encode_score(read_score(payload[start:], asked["name"], limits, verses))
        except BandmateError as error:
            kind, answer = b"E", json.dumps({"type": error.type, "detail": error.detail}).encode()
        except MemoryError:
            kind, answer = b"M", b""
        except Exception as error:
            detail = f"{asked['name']}: reading it failed ({type(error).__name__})"
            kind, answer = b"E", json.dumps({"type": UnreadableFile.type, "detail": detail}).encode()
        del payload, frame
        write_frame(sink, kind, answer)
        if _resident_bytes(statm) > _MAX_RESIDENT_BYTES:
            return


def _open_statm() -> int | None:
    """/proc/self/statm, opened while files still can be; None where there is none."""
    try:
        return os.open("/proc/self/statm", os.O_RDONLY)
    except FileNotFoundError:
        return None


def _resident_bytes(statm: int | None) -> int:
    """Memory this process holds. Not getrusage: its maximum is inherited from the parent, which may be far larger."""
    if statm is None:
        return 0
    return int(os.pread(statm, 200, 0).split()[1]) * resource.getpagesize()
