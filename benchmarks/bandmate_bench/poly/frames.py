"""Reading the four sets of the polyphonic music benchmark: pieces of frames of sounding keys.

A file is `{"train" | "valid" | "test": [piece: [frame: [MIDI pitches, ascending]]]}`, gzipped JSON. Pitches are 21-108.
"""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from bandmate_shared.errors import NotFound, UnreadableFile
from numpy.typing import NDArray

LOWEST = 21
KEYS = 88
SETS = ("jsb", "nottingham", "musedata", "piano_midi")

Roll: TypeAlias = NDArray[np.uint8]
"""One piece: (frames, 88), 1 where a key sounds."""


@dataclass(frozen=True, slots=True)
class Split:
    """Pieces laid end to end. `starts` holds each piece's first row and, last, the number of rows."""

    rows: Roll
    starts: NDArray[np.int64]

    @property
    def pieces(self) -> list[Roll]:
        return [self.rows[a:b] for a, b in zip(self.starts[:-1], self.starts[1:], strict=True)]

    @property
    def positions(self) -> NDArray[np.int64]:
        """Of each row, how many frames of its piece came before it."""
        return np.concatenate([np.arange(b - a) for a, b in zip(self.starts[:-1], self.starts[1:], strict=True)])

    @property
    def scored(self) -> NDArray[np.int64]:
        """The rows whose likelihood counts: all but the first of each piece."""
        return np.flatnonzero(self.positions > 0)


def join(pieces: list[Roll]) -> Split:
    if not pieces:
        return Split(np.zeros((0, KEYS), np.uint8), np.zeros(1, np.int64))
    return Split(np.concatenate(pieces), np.cumsum([0, *map(len, pieces)]).astype(np.int64))


def read_split(folder: Path, name: str, split: str) -> Split:
    """One split of one set.

    Raises:
        NotFound: there is no such file, or no such split in it.
        UnreadableFile: the file is not of this format; the detail says where.
    """
    path = folder / f"{name}.json.gz"
    if not path.is_file():
        raise NotFound(f"{path} is not there; a set is a file NAME.json.gz, and the benchmark's are {', '.join(SETS)}")
    try:
        content = json.loads(gzip.decompress(path.read_bytes()))
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise UnreadableFile(f"{path} is not gzipped JSON: {error}") from error
    if not isinstance(content, dict):
        raise UnreadableFile(f"{path} holds no object of splits")
    if split not in content:
        raise NotFound(f"{path} has no split {split!r}, only {', '.join(sorted(map(str, content))) or 'none'}")
    pieces = content[split]
    if not isinstance(pieces, list) or not pieces:
        raise UnreadableFile(f"{path}, {split}: a non-empty list of pieces is needed")
    return join([_roll(piece, f"{path}, {split}, piece {number}") for number, piece in enumerate(pieces)])


def _roll(piece: object, location: str) -> Roll:
    if not isinstance(piece, list):
        raise UnreadableFile(f"{location}: a list of frames is needed")
    roll = np.zeros((len(piece), KEYS), np.uint8)
    for number, frame in enumerate(piece):
        if not isinstance(frame, list) or not all(type(pitch) is int for pitch in frame):
            raise UnreadableFile(f"{location}, frame {number}: a list of whole pitches is needed")
        if frame and not LOWEST <= min(frame) <= max(frame) < LOWEST + KEYS:
            raise UnreadableFile(f"{location}, frame {number}: pitches are {LOWEST}-{LOWEST + KEYS - 1}, here {frame}")
        if len(set(frame)) != len(frame):
            raise UnreadableFile(f"{location}, frame {number}: a pitch stands twice in {frame}")
        roll[number, [pitch - LOWEST for pitch in frame]] = 1
    return roll
