"""The other side of the sandbox: a process that gives up what it does not need, then reads what strangers sent.

Everything is imported first: afterwards not one file can be opened, so a late import would fail.
"""

import json
import os
import resource
import sys
from encodings import cp437, cp1252, latin_1, utf_8_sig, utf_16, utf_16_be, utf_16_le
from math import ceil
from pathlib import Path

import symusic

from bandmate_shared.errors import BandmateError, UnreadableFile
from bandmate_shared.music import midi_read, musicxml_read, mxl
from bandmate_shared.music.limits import Limits
from bandmate_shared.music.read import read_score
from bandmate_shared.music.score_frame import FRAME, encode_score

# Looked up by name while files are read: XML in older encodings, names in zip archives.
_IMPORTED = (
    cp437, cp1252, latin_1, utf_8_sig, utf_16, utf_16_be, utf_16_le, symusic, midi_read, musicxml_read, mxl,
)  # fmt: skip

_ENOUGH_BYTES = 400_000_000
_REHEARSAL = (
    b"MThd\0\0\0\x06\0\0\0\x01\0\x60MTrk\0\0\0\x11\0\xff\x05\x02la\0\x90\x3c\x40\x60\x3c\0\0\xff\x2f\0",
    b"<?xml version='1.0'?><score-partwise><part-list><score-part id='P'/></part-list><part id='P'><measure>"
    b"<note><pitch><step>C</step><octave>4</octave></pitch><duration>1</duration><lyric><text>la</text></lyric></note>"
    b"</measure></part></score-partwise>",
)
"""Small files of both formats, read once before the rights go, so that nothing is left to be imported."""


def main() -> None:
    """Answers frames on stdin until it ends, or until a file has made this process too large to keep."""
    source, sink = sys.stdin.buffer, sys.stdout.buffer

    def receive() -> tuple[bytes, bytes]:
        header = source.read(FRAME.size)
        if len(header) < FRAME.size:
            os._exit(0)
        kind, length = FRAME.unpack(header)
        return kind, source.read(length)

    def send(kind: bytes, payload: bytes) -> None:
        sink.write(FRAME.pack(kind, len(payload)))
        sink.write(payload)
        sink.flush()

    configuration = json.loads(receive()[1])
    limits = Limits(**configuration["limits"])
    for data in _REHEARSAL:
        encode_score(read_score(data, "rehearsal", limits))
    statm = _open_statm()
    _give_up_rights(configuration["memory_bytes"])
    send(b"R", b"")
    while True:
        _, payload = receive()
        start = 2 + int.from_bytes(payload[:2], "big")
        _allow_cpu(configuration["cpu_seconds"])
        try:
            kind, answer = b"S", encode_score(read_score(payload[start:], payload[2:start].decode(), limits))
        except BandmateError as error:
            kind, answer = b"E", json.dumps({"type": error.type, "detail": error.detail}).encode()
        except MemoryError:
            kind, answer = b"M", b""
        except Exception as error:
            detail = f"{payload[2:start].decode()}: reading it failed ({type(error).__name__})"
            kind, answer = b"E", json.dumps({"type": UnreadableFile.type, "detail": detail}).encode()
        del payload
        send(kind, answer)
        if _resident_bytes(statm) > _ENOUGH_BYTES:
            return


def _open_statm() -> int | None:
    """Opened while files still can be: /proc/self/statm, or None where there is no such thing."""
    try:
        return os.open("/proc/self/statm", os.O_RDONLY)
    except FileNotFoundError:
        return None


def _resident_bytes(statm: int | None) -> int:
    """Memory this process holds. Not getrusage: its maximum is inherited from the parent, which may be far larger."""
    if statm is None:
        return 0
    return int(os.pread(statm, 200, 0).split()[1]) * resource.getpagesize()


def _give_up_rights(memory_bytes: int) -> None:
    """No more memory than allowed on top of what the interpreter has; no files, no processes, no core dumps."""
    statm = Path("/proc/self/statm")
    used = int(statm.read_bytes().split()[0]) * resource.getpagesize() if statm.exists() else 0
    _lower(resource.RLIMIT_AS, used + memory_bytes)
    for limit in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE, resource.RLIMIT_NPROC):
        _lower(limit, 0)
    _lower(resource.RLIMIT_NOFILE, 3)


def _lower(limit: int, value: int) -> None:
    hard = resource.getrlimit(limit)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (value, value))


def _allow_cpu(seconds: float) -> None:
    """The CPU clock counts since the start of the process, so each file moves the limit on."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    soft, hard = ceil(usage.ru_utime + usage.ru_stime + seconds), resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))
