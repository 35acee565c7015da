"""The sandbox's child process: drops its privileges, then reads files from strangers and answers with scores.

Everything is imported first: afterwards no file can be opened, so a late import would fail.
"""

import json
import os
import resource
import sys

from bandmate_music.child_process.frames import read_frame, write_frame
from bandmate_music.child_process.resource_limits import drop_privileges, extend_cpu_limit
from bandmate_music.errors import BandmateError, UnreadableFile
from bandmate_music.limits import Limits
from bandmate_music.read import read_score
from bandmate_music.sandbox.preload import preload
from bandmate_music.sandbox.score_codec import encode_score
from bandmate_music.score import Score
from bandmate_music.verses import Verses

_MAX_RESIDENT_BYTES = 400_000_000


def main() -> None:
    """Answers frames on stdin until it ends, or until a file has made this process too large to keep."""
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    configuration = read_frame(source)
    if configuration is None:
        return
    limits = Limits(**json.loads(configuration[1]))
    preload(limits)
    encode_score(Score(()))
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
