"""Writes scores as Standard MIDI Files, the same bytes for the same score.

Format 1: a first track with title, tempi, metres, keys, sections and chords, then a track for each part. Source:
RP-001; lyrics: RP-017.
"""

from bandmate_music.errors import InvalidRequest
from bandmate_music.midi.events import MARKER, MAX_DELTA_TICKS, TEXT
from bandmate_music.midi.lyrics import lyric_event
from bandmate_music.midi.variable_length import quantity
from bandmate_music.score import Part, Score

_DRUM_CHANNEL = 9
_PITCHED_CHANNELS = tuple(channel for channel in range(16) if channel != _DRUM_CHANNEL)

_Event = tuple[int, int, bytes]
"""Tick, rank within the tick, bytes. Rank: names and changes, ends of notes, lyrics, onsets, ends of empty notes."""


def write_midi(score: Score) -> bytes:
    """A MIDI file that `read_midi` reads back as the same score.

    Drums are on channel 10. Beyond 15 pitched parts channels repeat on further ports (meta event 21). Not represented
    by MIDI: overlapping notes of one pitch in a part come back paired first in, first out, and velocity 0 as 1.

    Raises:
        InvalidRequest: the resolution is not 1..32767 ticks per quarter, or a rest is longer than MIDI can represent.
    """
    if not 1 <= score.ticks_per_quarter <= 0x7FFF:
        raise InvalidRequest(f"MIDI has 1 to 32767 ticks per quarter note, not {score.ticks_per_quarter}")
    tracks = [_track(_conductor(score))]
    pitched = 0
    for part in score.parts:
        if part.is_drum:
            port, channel = 0, _DRUM_CHANNEL
        else:
            port, index = divmod(pitched, len(_PITCHED_CHANNELS))
            channel = _PITCHED_CHANNELS[index]
            pitched += 1
        tracks.append(_track(_part(part, channel, port)))
    header = b"MThd" + (6).to_bytes(4, "big") + (1).to_bytes(2, "big")
    header += len(tracks).to_bytes(2, "big") + score.ticks_per_quarter.to_bytes(2, "big")
    return header + b"".join(tracks)


def track_chunk(part: Part, channel: int) -> bytes:
    """A part as a track chunk, its times in the part's ticks."""
    return _track(_part(part, channel, 0))


def _conductor(score: Score) -> list[_Event]:
    events: list[_Event] = [(0, 0, meta_message(0x03, score.title.encode()))] if score.title else []
    for tempo in score.tempi:
        microseconds = min(max(round(60e6 / tempo.tempo), 1), 0xFFFFFF)
        events.append((tempo.onset, 1, meta_message(0x51, microseconds.to_bytes(3, "big"))))
    for metre in score.metres:
        power = metre.metre.denominator.bit_length() - 1
        clocks = 36 if metre.metre.denominator == 8 and metre.metre.numerator % 3 == 0 else 96 >> power or 1
        events.append((metre.onset, 2, meta_message(0x58, bytes([metre.metre.numerator, power, clocks, 8]))))
    for key in score.keys:
        minor = key.key.mode == "minor"
        events.append((key.onset, 3, meta_message(0x59, bytes([key.key.fifths % 256, int(minor)]))))
    events += [(mark.onset, 4, meta_message(MARKER, mark.text.encode())) for mark in score.sections]
    events += [(mark.onset, 5, meta_message(TEXT, mark.symbol.encode())) for mark in score.chords]
    return events


def _part(part: Part, channel: int, port: int) -> list[_Event]:
    events: list[_Event] = [(0, 0, meta_message(0x03, part.name.encode()))]
    if port:
        events.append((0, 0, meta_message(0x21, bytes([port & 127]))))
    events.append((0, 1, bytes([0xC0 | channel, part.program & 127])))
    for lyric in part.lyrics:
        events.append((lyric.onset, 3, meta_message(0x05, lyric_event(lyric).encode())))
    on, off = 0x90 | channel, 0x80 | channel
    notes = part.notes
    columns = (notes.onset.tolist(), notes.duration.tolist(), notes.pitch.tolist(), notes.velocity.tolist())
    for onset, duration, pitch, velocity in zip(*columns, strict=True):
        events.append((onset, 4, bytes([on, pitch, max(1, velocity)])))
        events.append((onset + duration, 2 if duration else 5, bytes([off, pitch, 0])))
    return events


def _track(events: list[_Event]) -> bytes:
    body = bytearray()
    previous = 0
    for tick, _, message in sorted(events, key=lambda event: event[:2]):
        if tick - previous > MAX_DELTA_TICKS or tick < 0:
            raise InvalidRequest(f"MIDI cannot represent tick {tick:,} after tick {previous:,}")
        body += quantity(tick - previous) + message
        previous = tick
    body += b"\x00\xff\x2f\x00"
    return b"MTrk" + len(body).to_bytes(4, "big") + bytes(body)


def meta_message(kind: int, payload: bytes) -> bytes:
    """A meta event of this kind, from its status byte on."""
    return bytes([0xFF, kind]) + quantity(len(payload)) + payload
