"""The child process that reads files, seen from its parent. `sandbox.pool` decides when to start, keep and end one.

Kinds of frames to the child: C configuration, F file (the lengths of a JSON head with its name and what of it is sung,
the head, the bytes). From it: R ready, S score, E error (JSON), M out of memory.
"""

import json
import time
from dataclasses import asdict

from bandmate_music.child_process.frames import FrameTooLong
from bandmate_music.child_process.process import ChildDied, ChildProcess
from bandmate_music.errors import LimitExceeded, Unavailable, UnreadableFile
from bandmate_music.limits import Limits
from bandmate_music.sandbox.score_codec import decode_score
from bandmate_music.score import Score
from bandmate_music.verses import Verses

_START_SECONDS = 60.0
_WALL_PER_CPU_SECOND = 3.0
_MAX_SCORE_BYTES = 1 << 29


class ReaderProcess:
    """One child that reads files under fixed limits."""

    def __init__(self, limits: Limits) -> None:
        """Starts the child.

        Raises:
            Unavailable: it did not start.
        """
        self.limits = limits
        self.files = 0
        self.child = ChildProcess("bandmate_music.sandbox.child", max_frame_bytes=_MAX_SCORE_BYTES)
        try:
            self.child.ask(b"C", json.dumps(asdict(limits)).encode(), _START_SECONDS)
        except (ChildDied, TimeoutError, FrameTooLong):
            self.child.close()
            raise Unavailable("the process that reads untrusted files did not start") from None

    def read(self, data: bytes, name: str, verses: Verses | None = None) -> Score:
        """The score in a file.

        Raises:
            UnreadableFile, LimitExceeded: what the child found.
            ChildDied: the child ended.
            TimeoutError: no answer in time; close the child.
            MemoryError: the child ran out of memory; close it.
            FrameTooLong: the answer is longer than any score; close it.
        """
        self.files += 1
        deadline = time.monotonic() + self.limits.parse_seconds * _WALL_PER_CPU_SECOND
        asked = {"name": name[:1000], "verses": None if verses is None else asdict(verses)}
        head = json.dumps(asked).encode()
        self.child.send(b"F", len(head).to_bytes(2, "big") + head + data, deadline)
        kind, payload = self.child.receive(deadline)
        if kind == b"S":
            return decode_score(payload)
        if kind == b"M":
            raise MemoryError
        error = json.loads(payload)
        raise (LimitExceeded if error["type"] == LimitExceeded.type else UnreadableFile)(str(error["detail"]))
