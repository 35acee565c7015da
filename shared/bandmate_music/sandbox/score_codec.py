"""Scores as bytes, for the pipe between the sandbox and its parent: a JSON head and the notes' columns, no pickle.

Layout: the length of the head (4 bytes, big-endian), the head (UTF-8 JSON), then for each part onset, duration, pitch
and velocity as little-endian 32-bit integers. What comes from the sandbox is as little trusted as the file it read:
`decode_score` checks every length and range.
"""

import json
from typing import Any

import numpy as np

from bandmate_music.errors import UnreadableFile
from bandmate_music.score import (
    ChordMark,
    KeyChange,
    Lyric,
    MeasureMark,
    MetreChange,
    Notes,
    Notice,
    Part,
    Score,
    SectionMark,
    TempoChange,
)
from bandmate_music.theory.keys import Key
from bandmate_music.theory.metre import Metre


def encode_score(score: Score) -> bytes:
    """The score as bytes."""
    head = {
        "ticks_per_quarter": score.ticks_per_quarter,
        "title": score.title,
        "tempi": [(change.onset, change.tempo) for change in score.tempi],
        "metres": [(c.onset, c.metre.numerator, c.metre.denominator) for c in score.metres],
        "keys": [(change.onset, change.key.tonic, change.key.mode) for change in score.keys],
        "sections": [(mark.onset, mark.text) for mark in score.sections],
        "chords": [(mark.onset, mark.symbol) for mark in score.chords],
        "notices": [(notice.kind, notice.text, notice.count, notice.is_repair) for notice in score.notices],
        "language": score.language,
        "measures": [(mark.onset, mark.number) for mark in score.measures],
        "is_notation": score.is_notation,
        "parts": [
            (
                part.name,
                part.program,
                part.is_drum,
                len(part.notes),
                [(lyric.onset, lyric.text, lyric.word_end, lyric.held, lyric.line_end) for lyric in part.lyrics],
                part.identifier,
                part.voice,
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


def decode_score(data: bytes) -> Score:
    """The score that `encode_score` was given.

    Raises:
        UnreadableFile: the bytes do not hold together.
    """
    try:
        return _decoded(data)
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError) as error:
        raise UnreadableFile(f"the reader's answer is malformed ({type(error).__name__})") from None


def _decoded(data: bytes) -> Score:
    start = 4 + int.from_bytes(data[:4], "big")
    head: dict[str, Any] = json.loads(data[4:start])
    columns = np.frombuffer(data, dtype="<i4", offset=start).astype(np.int32, copy=False)
    parts: list[Part] = []
    position = 0
    for name, program, is_drum, count, lyrics, identifier, voice in head["parts"]:
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
                tuple(
                    Lyric(int(onset), str(text), bool(word_end), bool(held), bool(line_end))
                    for onset, text, word_end, held, line_end in lyrics
                ),
                str(identifier),
                str(voice),
            )
        )
    return Score(
        parts=tuple(parts),
        ticks_per_quarter=max(1, int(head["ticks_per_quarter"])),
        tempi=tuple(TempoChange(int(onset), float(tempo)) for onset, tempo in head["tempi"]),
        metres=tuple(MetreChange(int(onset), _metre(int(beats), int(unit))) for onset, beats, unit in head["metres"]),
        keys=tuple(
            KeyChange(int(onset), Key(int(tonic) % 12, "minor" if mode == "minor" else "major"))
            for onset, tonic, mode in head["keys"]
        ),
        title=str(head["title"]),
        sections=tuple(SectionMark(int(onset), str(text)) for onset, text in head["sections"]),
        chords=tuple(ChordMark(int(onset), str(symbol)) for onset, symbol in head["chords"]),
        notices=tuple(
            Notice(str(kind), str(text), int(count), bool(is_repair))
            for kind, text, count, is_repair in head["notices"]
        ),
        language=str(head["language"]),
        measures=tuple(MeasureMark(int(onset), str(number)) for onset, number in head["measures"]),
        is_notation=bool(head["is_notation"]),
    )


def _metre(numerator: int, denominator: int) -> Metre:
    if not (1 <= numerator <= 64 and 1 <= denominator <= 32):
        raise ValueError("a metre out of range")
    return Metre(numerator, denominator)
