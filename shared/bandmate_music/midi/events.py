"""Lossless parsing and writing of MIDI files: chunks and events that serialise to the same bytes.

`midi.read` gives a score; this gives every event with its bytes, so that some can be replaced and the others stay as
they are. Source: Standard MIDI Files 1.0 (RP-001).
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

from bandmate_music.errors import InvalidRequest, UnreadableFile
from bandmate_music.midi.variable_length import quantity

NOTE_OFF, NOTE_ON, PITCH_BEND = 0x80, 0x90, 0xE0
META, TEXT, LYRIC, MARKER, TRACK_NAME, END_OF_TRACK = 0xFF, 0x01, 0x05, 0x06, 0x03, 0x2F
MAX_DELTA_TICKS = 2**28 - 1


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `message` has its status byte; `raw` is as in the file, where running status may omit it.

    `delta` is the time since the previous event as it was written, empty for a new event.
    """

    tick: int
    message: bytes
    raw: bytes = b""
    delta: bytes = b""

    @property
    def kind(self) -> int:
        """The upper half of the status byte for channel events, the whole status byte for others."""
        return self.message[0] & 0xF0 if self.message[0] < 0xF0 else self.message[0]

    @property
    def channel(self) -> int:
        """0-15; -1 for events without a channel."""
        return self.message[0] & 0x0F if self.message[0] < 0xF0 else -1

    @property
    def starts_note(self) -> bool:
        return self.kind == NOTE_ON and self.message[2] > 0

    @property
    def ends_note(self) -> bool:
        return self.kind == NOTE_OFF or (self.kind == NOTE_ON and self.message[2] == 0)

    def is_meta(self, number: int) -> bool:
        return self.message[0] == META and self.message[1] == number


@dataclass(frozen=True, slots=True)
class MidiFile:
    """A file as its chunks; `to_bytes` gives the same bytes.

    `tracks` are indices in `chunks`, which are whole: kind, length and content. `tail` is what follows the last one.
    """

    header: bytes
    chunks: tuple[bytes, ...]
    tail: bytes
    tracks: tuple[int, ...] = field(default=())

    @property
    def midi_format(self) -> int:
        return int.from_bytes(self.header[8:10], "big")

    @property
    def division(self) -> int:
        return int.from_bytes(self.header[12:14], "big")

    def track(self, number: int) -> bytes:
        """A track's events, without the chunk's head; counted from 0."""
        return self.chunks[self.tracks[number]][8:]

    def to_bytes(self) -> bytes:
        return self.header + b"".join(self.chunks) + self.tail


def split_chunks(data: bytes) -> MidiFile:
    """A file's chunks. `chunks.read_chunks` should have found it sound; a RIFF wrapper is taken off before.

    Raises:
        UnreadableFile: no header.
    """
    if data[:4] != b"MThd" or len(data) < 14:
        raise UnreadableFile("this is not a MIDI file")
    position = 8 + int.from_bytes(data[4:8], "big")
    header = data[:position]
    chunks: list[bytes] = []
    tracks: list[int] = []
    while position + 8 <= len(data):
        end = position + 8 + int.from_bytes(data[position + 4 : position + 8], "big")
        if end > len(data):
            break
        if data[position : position + 4] == b"MTrk":
            tracks.append(len(chunks))
        chunks.append(data[position:end])
        position = end
    return MidiFile(header, tuple(chunks), data[position:], tuple(tracks))


def parse_track(data: bytes) -> tuple[list[Event], bytes]:
    """The events of a track up to and with its end, and whatever follows that.

    Raises:
        UnreadableFile: the events cannot be parsed.
    """
    events: list[Event] = []
    position, tick, running = 0, 0, 0
    while position < len(data):
        start = position
        delta, position = _number(data, position)
        tick += delta
        time, start = data[start:position], position
        if position >= len(data):
            return events, time
        status = data[position]
        if status < 0x80:
            if not running:
                raise UnreadableFile("this MIDI file is damaged: an event has no status")
            position += _data_bytes(running)
            message = bytes((running,)) + data[start:position]
        elif status < 0xF0:
            running = status
            position += 1 + _data_bytes(status)
            message = data[start:position]
        elif status in (0xF0, 0xF7, META):
            length, position = _number(data, position + (2 if status == META else 1))
            position += length
            message = data[start:position]
        else:
            position += {0xF1: 2, 0xF2: 3, 0xF3: 2}.get(status, 1)
            message = data[start:position]
        if position > len(data) or len(message) < 2 <= 1 + _data_bytes(message[0]) or _misplaced(message):
            raise UnreadableFile(f"this MIDI file is damaged: the event at tick {tick} cannot be read")
        events.append(Event(tick, message, data[start:position], time))
        if message[:2] == bytes((META, END_OF_TRACK)):
            break
    return events, data[position:]


def write_track(events: Sequence[Event], tail: bytes = b"") -> bytes:
    """A track chunk of events in order of time. Events that were read keep their bytes wherever they can be kept.

    Raises:
        InvalidRequest: a gap is longer than MIDI can represent.
    """
    body = bytearray()
    before, running = 0, -1
    for event in events:
        gap = event.tick - before
        if gap > MAX_DELTA_TICKS:
            raise InvalidRequest(f"MIDI cannot represent tick {event.tick:,} after tick {before:,}")
        body += event.delta if event.delta and _number(event.delta, 0)[0] == gap else quantity(gap)
        status = event.message[0]
        running_status = len(event.raw) == len(event.message) - 1
        body += event.raw if event.raw and (not running_status or running == status) else event.message
        if status < 0xF0:
            running = status
        before = event.tick
    body += tail
    return b"MTrk" + struct.pack(">I", len(body)) + bytes(body)


def meta_text(event: Event) -> str:
    """The text of a meta event, without zero bytes."""
    start = 2
    while start < len(event.message) and event.message[start] >= 0x80:
        start += 1
    return event.message[start + 1 :].decode("utf-8", "replace").replace("\x00", "")


def _data_bytes(status: int) -> int:
    """Data bytes of a channel's event; 0 for the others."""
    return 0 if status >= 0xF0 else 1 if 0xC0 <= status < 0xE0 else 2


def _misplaced(message: bytes) -> bool:
    """Whether a status byte stands where a channel's event has its data."""
    return message[0] < 0xF0 and any(byte >= 0x80 for byte in message[1:])


def _number(data: bytes, position: int) -> tuple[int, int]:
    """A variable-length quantity of at most four bytes, and the position after it."""
    value = 0
    for byte in data[position : position + 4]:
        position += 1
        value = value << 7 | byte & 127
        if byte < 128:
            return value, position
    raise UnreadableFile("this MIDI file is damaged: a time or a length does not end")
