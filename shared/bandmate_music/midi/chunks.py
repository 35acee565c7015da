"""Locates, bounds and normalises the chunks of a Standard MIDI File before its events are parsed.

Source: Standard MIDI Files 1.0 (RP-001), and the RIFF-based RMID wrapper (RP-029).
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bandmate_music.detect import describe, midi_header_at
from bandmate_music.errors import UnreadableFile
from bandmate_music.limits import INT32_MAX, Limits
from bandmate_music.midi.salvage import salvage_track
from bandmate_music.score import Notice

_FRAME_RATES = {24: 24.0, 25: 25.0, 29: 30000 / 1001, 30: 30.0}
_TITLE_EVENTS = 64
_END_OF_TRACK = b"\xff\x2f\x00"


@dataclass(frozen=True, slots=True)
class Chunks:
    """A file in normal form.

    `data` holds one 6-byte header and the tracks, nothing else; `tracks` are (first, past the last) byte of each
    track's events in it; `frame_tempo` is the tempo that stands for SMPTE frames, None in a file that counts beats.
    """

    data: bytes
    tracks: tuple[tuple[int, int], ...]
    ticks_per_quarter: int
    frame_tempo: float | None
    title: str
    repairs: tuple[Notice, ...] = ()
    """Wrong lengths, put right."""


def read_chunks(data: bytes, limits: Limits) -> Chunks:
    """The chunks of a file.

    Unknown chunks, a longer header, and bytes after the last track are skipped as the specification asks. The number
    of tracks is counted, not believed; a track's length is believed where the track ends there, or another chunk
    begins.

    Raises:
        UnreadableFile: no MIDI header, one that cannot be, no track, or the independent patterns of format 2.
        LimitExceeded: more tracks than allowed.
    """
    leading = midi_header_at(data) if data[:4] not in (b"MThd", b"RIFF") else 0
    repairs: list[Notice] = []
    if leading > 0:
        repairs.append(Notice("leading-bytes", f"{leading:,} bytes before the header are left out", leading, True))
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
    plain = header_length == 6 and frame_tempo is None and not repairs
    position = 8 + header_length
    while position + 8 <= len(data):
        kind, start = data[position : position + 4], position + 8
        if not kind.isascii() or not kind.isalnum():
            following = data.find(b"MTrk", position)
            if following >= 0:
                text = f"{following - position:,} bytes between chunks are left out"
                repairs.append(Notice("bytes-between-chunks", text, following - position, True))
                plain, position = False, following
                continue
        length = int.from_bytes(data[position + 4 : start], "big")
        if kind == b"MTrk":
            end = _track_end(data, start, length)
            if end != start + length:
                text = f"track {len(spans) + 1} declares {length:,} bytes and has {end - start:,}"
                repairs.append(Notice("track-length", text, is_repair=True))
                plain, length = False, end - start
            spans.append((start, end))
            if len(spans) > limits.tracks:
                limits.check_tracks(max(len(spans), declared))
        else:
            plain = False
            if _is_track(data, start, length):
                repairs.append(
                    Notice("track-kind", f"a chunk called {kind!r} is read as the track that it holds", is_repair=True)
                )
                spans.append((start, start + length))
        position = start + length
    if not spans:
        raise UnreadableFile("this MIDI file has a header and no track")
    patterns = sum(_has_notes(data, start, end) for start, end in spans) if midi_format == 2 else 1
    if patterns > 1:
        raise UnreadableFile(
            f"this MIDI file is of format 2: it holds {patterns} independent patterns and no order of them; save one "
            "of them as a file of format 0 or 1"
        )
    plain = plain and midi_format < 2
    if not plain or declared != len(spans) or spans[-1][1] != len(data) or (midi_format == 0 and len(spans) > 1):
        data, spans = _rebuilt(data, spans, ticks_per_quarter)
    return Chunks(data, tuple(spans), ticks_per_quarter, frame_tempo, title_of(data, spans), tuple(repairs))


def _has_notes(data: bytes, start: int, end: int) -> bool:
    return any(event.starts_note for event in salvage_track(data, start, end).events)


def _is_track(data: bytes, start: int, length: int) -> bool:
    """Whether a chunk of another kind holds the events of a track, from the first to the last byte."""
    end = start + length
    if length < 8 or data[end - 3 : end] != _END_OF_TRACK:
        return False
    track = salvage_track(data, start, end)
    return track.ended and track.position == end and not track.repairs


def _track_end(data: bytes, start: int, length: int) -> int:
    """Where a track's events end: where its length says, unless that cannot be."""
    end = start + length
    inside = data.find(_END_OF_TRACK + b"MTrk", start, min(end, len(data)))
    if inside >= 0:
        return inside + len(_END_OF_TRACK)
    if end > len(data):
        return len(data)
    if end == len(data) or data[end : end + 4] == b"MTrk" or data[end - 3 : end] == _END_OF_TRACK:
        return end
    follows = data[end : end + 8]
    if follows[:4].isalnum() and len(follows) == 8 and end + 8 + int.from_bytes(follows[4:], "big") <= len(data):
        return end
    following = data.find(b"MTrk", end)
    track = salvage_track(data, start, following if following >= 0 else len(data))
    return track.position if track.ended else following if following >= 0 else end


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
    high_count, pair_count, triple_count = np.count_nonzero(high), np.count_nonzero(pairs), np.count_nonzero(triples)
    if high_count * 2**14 + pair_count * 2**21 + triple_count * 2**28 + (len(high) - high_count) * 2**7 <= INT32_MAX:
        return
    for start, end in chunks.tracks:
        ticks = _ticks(chunks.data, start, end)
        if ticks > INT32_MAX:
            limits.check_seconds(ticks / chunks.ticks_per_quarter * 0.5)
            raise UnreadableFile(f"this MIDI file counts {ticks:,} ticks; more than 2,147,483,647 cannot be read")


def unwrapped(data: bytes) -> bytes:
    """The MIDI file inside a RIFF RMID wrapper, or behind a few bytes of something else; anything else as it is."""
    if data[:4] != b"RIFF" or data[8:12] != b"RMID":
        return data[max(0, midi_header_at(data)) :]
    position = 12
    while position + 8 <= len(data):
        length = int.from_bytes(data[position + 4 : position + 8], "little")
        if data[position : position + 4] == b"data":
            return data[position + 8 : position + 8 + length]
        position += 8 + length + length % 2
    raise UnreadableFile("this RIFF MIDI file has no data in it")


def meta_events(data: bytes, position: int, end: int, *, kind: int) -> Iterator[tuple[int, bytes]]:
    """Tick and content of the meta events of one kind in a track's bytes, up to the first event that is damaged.

    Only a track in which the kind's two bytes occur is walked.
    """
    if data.find(bytes((0xFF, kind)), position, end) < 0:
        return
    tick, size = 0, 0
    while position < end:
        delta, position = _delta(data, position)
        tick += delta
        status = data[position] if position < end else 0xFF
        if status < 0x80:
            if size == 0:
                return
            position += size
        elif status < 0xF0:
            size = 1 if 0xC0 <= status < 0xE0 else 2
            position += 1 + size
        elif status == 0xFF and position + 1 < end:
            number = data[position + 1]
            length, position = _delta(data, position + 2)
            if number == 0x2F or position + length > end:
                return
            if number == kind:
                yield tick, data[position : position + length]
            position += length
        elif status in (0xF0, 0xF7):
            length, position = _delta(data, position + 1)
            position += length
        else:
            position += {0xF1: 2, 0xF2: 3, 0xF3: 2}.get(status, 1)


def _resolution(division: int) -> tuple[int, float | None]:
    """Ticks a quarter, and for a division in SMPTE frames the tempo at which they are right."""
    if division < 0x8000:
        if division == 0:
            raise UnreadableFile("this MIDI file declares 0 ticks per quarter note")
        return division, None
    frames, ticks = 256 - (division >> 8), division & 255
    if frames not in _FRAME_RATES or ticks == 0:
        raise UnreadableFile(f"this MIDI file declares {frames} frames a second of {ticks} ticks, which is not defined")
    frame_rate = round(_FRAME_RATES[frames])
    return frame_rate * ticks, 60.0 * _FRAME_RATES[frames] / frame_rate


def _rebuilt(data: bytes, spans: list[tuple[int, int]], ticks_per_quarter: int) -> tuple[bytes, list[tuple[int, int]]]:
    """The same tracks behind a corrected header."""
    pieces = [struct.pack(">4sIHHH", b"MThd", 6, int(len(spans) > 1), len(spans), ticks_per_quarter)]
    moved: list[tuple[int, int]] = []
    position = 14
    for start, end in spans:
        pieces += [struct.pack(">4sI", b"MTrk", end - start), data[start:end]]
        moved.append((position + 8, position + 8 + end - start))
        position += 8 + end - start
    return b"".join(pieces), moved


def title_of(data: bytes, tracks: Sequence[tuple[int, int]]) -> str:
    """The name of the first of several tracks where it holds no notes: the name of the piece.

    Looks at its first events only.
    """
    if len(tracks) < 2:
        return ""
    track = data[tracks[0][0] : tracks[0][1]]
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
