"""The chunks of a Standard MIDI File: found, bounded and put into the plainest form before the events are parsed.

Source: Standard MIDI Files 1.0 (RP-001), and the RIFF-based RMID wrapper (RP-029).
"""

import struct
from dataclasses import dataclass

import numpy as np

from bandmate_shared.errors import UnreadableFile
from bandmate_shared.music.detect import describe
from bandmate_shared.music.limits import Limits

_INT32_MAX = 2**31 - 1
_FRAME_RATES = {24: 24.0, 25: 25.0, 29: 30000 / 1001, 30: 30.0}
_TITLE_EVENTS = 64


@dataclass(frozen=True, slots=True)
class Chunks:
    """A file in its plainest form.

    `data` holds one 6-byte header and the tracks, nothing else; `tracks` are (first, past the last) byte of each
    track's events in it; `frame_tempo` is the tempo that stands for SMPTE frames, None in a file that counts beats.
    """

    data: bytes
    tracks: tuple[tuple[int, int], ...]
    ticks_per_quarter: int
    frame_tempo: float | None
    title: str


def read_chunks(data: bytes, limits: Limits) -> Chunks:
    """The chunks of a file.

    Unknown chunks, a longer header, and bytes after the last track are skipped as the specification asks. The number
    of tracks is counted, not believed.

    Raises:
        UnreadableFile: no MIDI header, one that cannot be, no track, or a track that is cut off.
        LimitExceeded: more tracks than allowed.
    """
    data = unwrapped(data)
    if data[:4] != b"MThd":
        raise UnreadableFile(f"this is {describe(data)}, not a MIDI file")
    if len(data) < 14:
        raise UnreadableFile(f"this MIDI file is cut off in its header: {len(data)} of 14 bytes are there")
    header_length, midi_format, declared, division = struct.unpack_from(">IHHH", data, 4)
    if header_length < 6 or header_length > len(data) - 8:
        raise UnreadableFile(f"this MIDI file declares a header of {header_length:,} bytes; it must be 6")
    if midi_format > 2:
        raise UnreadableFile(f"this MIDI file declares format {midi_format}; there are 0, 1 and 2")
    ticks_per_quarter, frame_tempo = _resolution(division)

    spans: list[tuple[int, int]] = []
    plain = header_length == 6 and frame_tempo is None
    position = 8 + header_length
    while position + 8 <= len(data):
        kind, start = data[position : position + 4], position + 8
        length = int.from_bytes(data[position + 4 : start], "big")
        if kind == b"MTrk":
            if start + length > len(data):
                raise UnreadableFile(
                    f"this MIDI file is cut off: track {len(spans) + 1} declares {length:,} bytes, "
                    f"{len(data) - start:,} are there"
                )
            spans.append((start, start + length))
            if len(spans) > limits.tracks:
                limits.check_tracks(max(len(spans), declared))
        else:
            plain = False
        position = start + length
    if not spans:
        raise UnreadableFile("this MIDI file has a header and no track")
    if not plain or declared != len(spans) or spans[-1][1] != len(data) or (midi_format == 0 and len(spans) > 1):
        data, spans = _rebuilt(data, spans, midi_format, ticks_per_quarter)
    title = _title(data[spans[0][0] : spans[0][1]]) if len(spans) > 1 else ""
    return Chunks(data, tuple(spans), ticks_per_quarter, frame_tempo, title)


def check_ticks(chunks: Chunks, limits: Limits) -> None:
    """Refuses a piece whose ticks do not fit 32 bits: beyond them symusic's clock would wrap around unnoticed.

    A delta time of two bytes is below 2^14 ticks, of three below 2^21, of four below 2^28, and all its bytes but the
    last are 128 or more. Runs of such bytes therefore bound the length of the piece; only where that bound is too
    high are the events themselves walked.

    Raises:
        LimitExceeded: with the seconds the piece would last at 120 quarters a minute.
        UnreadableFile: the events cannot be walked.
    """
    high = np.frombuffer(chunks.data, np.uint8) >= 128
    pairs = high[1:] & high[:-1]
    triples = pairs[1:] & high[:-2]
    one, two, three = np.count_nonzero(high), np.count_nonzero(pairs), np.count_nonzero(triples)
    if one * 2**14 + two * 2**21 + three * 2**28 + (len(high) - one) * 2**7 <= _INT32_MAX:
        return
    for start, end in chunks.tracks:
        ticks = _ticks(chunks.data, start, end)
        if ticks > _INT32_MAX:
            limits.check_seconds(ticks / chunks.ticks_per_quarter * 0.5)
            raise UnreadableFile(f"this MIDI file counts {ticks:,} ticks; more than 2,147,483,647 cannot be read")


def unwrapped(data: bytes) -> bytes:
    """The MIDI file inside a RIFF RMID wrapper; anything else as it is."""
    if data[:4] != b"RIFF" or data[8:12] != b"RMID":
        return data
    position = 12
    while position + 8 <= len(data):
        length = int.from_bytes(data[position + 4 : position + 8], "little")
        if data[position : position + 4] == b"data":
            return data[position + 8 : position + 8 + length]
        position += 8 + length + length % 2
    raise UnreadableFile("this RIFF MIDI file has no data in it")


def _resolution(division: int) -> tuple[int, float | None]:
    """Ticks a quarter, and for a division in SMPTE frames the tempo at which they are right."""
    if division < 0x8000:
        if division == 0:
            raise UnreadableFile("this MIDI file declares 0 ticks a quarter note")
        return division, None
    frames, ticks = 256 - (division >> 8), division & 255
    if frames not in _FRAME_RATES or ticks == 0:
        raise UnreadableFile(f"this MIDI file declares {frames} frames a second of {ticks} ticks, which cannot be")
    whole = round(_FRAME_RATES[frames])
    return whole * ticks, 60.0 * _FRAME_RATES[frames] / whole


def _rebuilt(
    data: bytes, spans: list[tuple[int, int]], midi_format: int, ticks_per_quarter: int
) -> tuple[bytes, list[tuple[int, int]]]:
    """The same tracks behind a header that is true."""
    midi_format = 1 if midi_format == 0 and len(spans) > 1 else midi_format
    pieces = [struct.pack(">4sIHHH", b"MThd", 6, midi_format, len(spans), ticks_per_quarter)]
    moved: list[tuple[int, int]] = []
    position = 14
    for start, end in spans:
        pieces += [struct.pack(">4sI", b"MTrk", end - start), data[start:end]]
        moved.append((position + 8, position + 8 + end - start))
        position += 8 + end - start
    return b"".join(pieces), moved


def _title(track: bytes) -> str:
    """The name of the first track where it holds no notes: the name of the piece. Looks at its first events only."""
    title, position = "", 0
    for _ in range(_TITLE_EVENTS):
        _, position = _delta(track, position)
        if position + 2 >= len(track) or track[position] != 0xFF or track[position + 1] == 0x2F:
            break
        kind = track[position + 1]
        length, position = _delta(track, position + 2)
        if kind == 0x03 and not title:
            title = track[position : position + min(length, 1024)].decode("utf-8", "replace")
        position += length
    else:
        return title
    return title if position < len(track) and track[position] == 0xFF else ""


def _delta(data: bytes, position: int) -> tuple[int, int]:
    """A variable-length quantity of at most four bytes, and the position after it."""
    value = 0
    for byte in data[position : position + 4]:
        position += 1
        value = value << 7 | byte & 127
        if byte < 128:
            break
    return value, position


def _ticks(data: bytes, position: int, end: int) -> int:
    """Length of a track in ticks, event by event."""
    ticks, size = 0, 0
    while position < end:
        delta, position = _delta(data, position)
        ticks += delta
        if position >= end:
            break
        status = data[position]
        if status < 0x80:
            if size == 0:
                raise UnreadableFile("this MIDI file is damaged: an event has no status")
            position += size
        elif status < 0xF0:
            size = 1 if 0xC0 <= status < 0xE0 else 2
            position += 1 + size
        elif status in (0xF0, 0xF7, 0xFF):
            if status == 0xFF and position + 1 < end and data[position + 1] == 0x2F:
                break
            length, position = _delta(data, position + (2 if status == 0xFF else 1))
            position += length
        else:
            position += {0xF1: 2, 0xF2: 3, 0xF3: 2}.get(status, 1)
    return ticks
