"""A score as bytes, for the pipe between the sandbox and its parent: a JSON head and the notes' columns, no pickle.

On the pipe a frame is its kind (1 byte), its length (4 bytes, big-endian) and its payload. A score's payload is the
length of the head (4 bytes, big-endian), the head (UTF-8 JSON), then for each part onset, duration, pitch and velocity
as little-endian 32-bit integers. What comes from the sandbox is as little trusted as the file it read: `decode_score`
checks every length and range.
"""

import json
import struct
from typing import Any

import numpy as np

from bandmate_shared.errors import UnreadableFile
from bandmate_shared.music.keys import Key
from bandmate_shared.music.metre import Metre
from bandmate_shared.music.score import KeyChange, Lyric, MetreChange, Notes, Part, Score, TempoChange

FRAME = struct.Struct(">cI")


def encode_score(score: Score) -> bytes:
    """The score as one frame."""
    head = {
        "ticks_per_quarter": score.ticks_per_quarter,
        "title": score.title,
        "tempi": [(change.onset, change.tempo) for change in score.tempi],
        "metres": [(c.onset, c.metre.numerator, c.metre.denominator) for c in score.metres],
        "keys": [(change.onset, change.key.tonic, change.key.mode) for change in score.keys],
        "parts": [
            (
                part.name,
                part.program,
                part.is_drum,
                len(part.notes),
                [(lyric.onset, lyric.text, lyric.word_end) for lyric in part.lyrics],
            )
            for part in score.parts
        ],
    }
    text = json.dumps(head, separators=(",", ":")).encode()
    pieces = [len(text).to_bytes(4, "big"), text]
    for part in score.parts:
        notes = part.notes
        pieces += [c.astype("<i4", copy=False).tobytes() for c in (notes.onset, notes.duration, notes.pitch)]
        pieces.append(notes.velocity.astype("<i4", copy=False).tobytes())
    return b"".join(pieces)


def decode_score(frame: bytes) -> Score:
    """The score in a frame.

    Raises:
        UnreadableFile: the frame does not hold together.
    """
    try:
        return _decoded(frame)
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError) as error:
        raise UnreadableFile(f"the reader's answer makes no sense ({type(error).__name__})") from None


def _decoded(frame: bytes) -> Score:
    start = 4 + int.from_bytes(frame[:4], "big")
    head: dict[str, Any] = json.loads(frame[4:start])
    columns = np.frombuffer(frame, dtype="<i4", offset=start).astype(np.int32, copy=False)
    parts: list[Part] = []
    position = 0
    for name, program, is_drum, count, lyrics in head["parts"]:
        if not 0 <= count <= (len(columns) - position) // 4:
            raise ValueError("more notes declared than sent")
        table = columns[position : position + 4 * count].reshape(4, count)
        position += 4 * count
        if count and (int(table.min()) < 0 or int(table[2:].max()) > 127):
            raise ValueError("a note out of range")
        parts.append(
            Part(
                str(name),
                int(program) & 127,
                Notes(*table),
                bool(is_drum),
                tuple(Lyric(int(onset), str(text), bool(word_end)) for onset, text, word_end in lyrics),
            )
        )
    return Score(
        parts=tuple(parts),
        ticks_per_quarter=max(1, int(head["ticks_per_quarter"])),
        tempi=tuple(TempoChange(int(onset), float(tempo)) for onset, tempo in head["tempi"]),
        metres=tuple(MetreChange(int(onset), Metre(int(beats), int(unit))) for onset, beats, unit in head["metres"]),
        keys=tuple(
            KeyChange(int(onset), Key(int(tonic) % 12, "minor" if mode == "minor" else "major"))
            for onset, tonic, mode in head["keys"]
        ),
        title=str(head["title"]),
    )
