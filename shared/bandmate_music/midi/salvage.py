"""Parses the events of a damaged track as far as their meaning is clear, and counts each repair.

Where an event cannot be what it is written as, both readings are tried on the bytes that follow, and the one that
leads to more sound events holds. Bytes that belong to no event are skipped only where sound events follow soon.
"""

from collections import Counter
from dataclasses import dataclass, field

from bandmate_music.midi.events import END_OF_TRACK, META, NOTE_OFF, NOTE_ON, Event
from bandmate_music.midi.variable_length import read_quantity

_LOOK_AHEAD = 8
"""Sound events that prove a reading."""
_MAX_SKIPPED = 64
_LONG_DELTA = 1 << 14
"""Behind skipped bytes a longer time is more likely another stray byte."""
_SYSTEM_BYTES = {0xF1: 2, 0xF2: 3, 0xF3: 2}
_MANY = 1 << 30

TEXTS = {
    "data-bytes": "data bytes over 127 are taken without their top bit: {n:,}",
    "running-status": "events without a status after a system-exclusive message are of the kind before it: {n:,}",
    "stray-bytes": "bytes that belong to no event are left out: {n:,}",
    "system-bytes": "real-time and undefined messages are left out: {n:,}",
    "no-end-of-track": "tracks that do not say their end: {n:,}",
    "cut-off": "tracks that break off in an event: {n:,}",
    "unreadable-rest": "bytes of tracks behind an event that cannot be read are left out: {n:,}",
    "after-end": "bytes behind the end of a track are left out: {n:,}",
}
"""The repairs, each with a text for their number."""


@dataclass(slots=True)
class SalvagedTrack:
    """A track's events without its end, the tick at which it ends, and what had to be repaired."""

    events: list[Event] = field(default_factory=list)
    end_tick: int = 0
    position: int = 0
    """The byte after the last one read."""
    ended: bool = False
    """Whether the track said its end."""
    left_out: int = 0
    """Bytes of events that were not understood."""
    repairs: Counter[str] = field(default_factory=Counter)


def salvage_track(data: bytes, position: int, end: int) -> SalvagedTrack:
    """The events between two positions, up to the end of the track. Never raises."""
    track = SalvagedTrack()
    tick = running = 0
    after_sysex = False
    while position < end:
        start = position
        delta, position = read_quantity(data, position, end)
        if position < 0 or position >= end:
            position = start
            if position < 0 or end - start > 4 or read_quantity(data, start, end)[1] < 0:
                position = _resynchronise(data, start, end, running, track)
                if position < 0:
                    break
                continue
            position = end
            break
        status = data[position]
        time = data[start:position]
        if status < 0xF0:
            own = status >= 0x80
            if own:
                running = status
            elif not running:
                position = _resynchronise(data, start, end, running, track)
                if position < 0:
                    break
                continue
            elif after_sysex:
                track.repairs["running-status"] += 1
            is_implied = after_sysex and not own
            after_sysex = is_implied
            first = position + own
            last = first + (1 if 0xC0 <= running < 0xE0 else 2)
            if last > end:
                track.repairs["cut-off"] += 1
                position = end
                break
            tick += delta
            content = data[first:last]
            if content.isascii():
                raw = b"" if is_implied else data[position:last]
                track.events.append(Event(tick, bytes((running,)) + content, raw, time))
                position = last
                continue
            lost = next(index for index, byte in enumerate(content) if byte >= 0x80)
            # The end of a note has the same damage as its beginning.
            as_data = sound_events(data, last, end, running, damaged=1)
            if as_data < _LOOK_AHEAD and content[lost] < 0xF0 and _status_follows(data, first + lost, end) > as_data:
                track.left_out += first + lost - start
                track.repairs["stray-bytes"] += first + lost - start
                # The lost bytes' event is gone; the next one begins at once.
                message_end = first + lost + 1 + (1 if 0xC0 <= content[lost] < 0xE0 else 2)
                running = content[lost]
                track.events.append(Event(tick, data[first + lost : message_end]))
                position = message_end
                continue
            track.repairs["data-bytes"] += sum(byte >= 0x80 for byte in content)
            track.events.append(Event(tick, bytes((running,)) + _within_range(running, content)))
            position = last
        elif status in (0xF0, 0xF7, META):
            length, content_start = read_quantity(data, position + (2 if status == META else 1), end)
            message_end = content_start + length
            kind_ok = status != META or (position + 1 < end and data[position + 1] < 0x80)
            if content_start < 0 or message_end > end or not kind_ok:
                found = _resynchronise(data, start, end, running, track)
                if found < 0:
                    position = start
                    break
                position = found
                continue
            tick += delta
            after_sysex = after_sysex or (status != META and running > 0)
            if status == META and data[position + 1] == END_OF_TRACK:
                track.ended = True
                position = message_end
                break
            track.events.append(Event(tick, data[position:message_end], data[position:message_end], time))
            position = message_end
        else:
            tick += delta
            track.repairs["system-bytes"] += 1
            position += _SYSTEM_BYTES.get(status, 1)
    if position < 0 or (position < end and not track.ended):
        rest = end - max(position, track.position, 0)
        track.repairs["unreadable-rest"] += rest
        track.left_out += rest
        position = end
    if not track.ended and track.events:
        track.repairs["no-end-of-track"] += 1
    if track.ended and data[position:end].strip(b"\0"):
        track.repairs["after-end"] += end - position
    track.position = min(position, end)
    track.end_tick = max(tick, track.events[-1].tick if track.events else 0)
    return track


def sound_events(
    data: bytes, position: int, end: int, running: int, most: int = _LOOK_AHEAD, *, damaged: int = 0
) -> int:
    """How many events follow one another without damage; very many where they lead to the end of the track.

    So many as `damaged` may have a data byte over 127.
    """
    count = 0
    while count < most:
        if position == end:
            return _MANY
        _, position = read_quantity(data, position, end)
        if position < 0 or position >= end:
            return count
        status = data[position]
        if status >= 0xF0:
            if status not in (0xF0, 0xF7, META):
                return count
            is_meta = status == META
            if is_meta and (position + 1 >= end or data[position + 1] > 0x7F):
                return count
            kind = data[position + 1] if is_meta else 0
            length, position = read_quantity(data, position + 1 + is_meta, end)
            if position < 0 or position + length > end:
                return count
            position += length
            if is_meta and kind == END_OF_TRACK:
                return _MANY if length == 0 else count
        else:
            if status >= 0x80:
                running = status
                position += 1
            elif not running:
                return count
            last = position + (1 if 0xC0 <= running < 0xE0 else 2)
            if last > end:
                return count
            if not data[position:last].isascii():
                if not damaged or max(data[position:last]) >= 0xF0:
                    return count
                damaged -= 1
            position = last
        count += 1
    return count


def _status_follows(data: bytes, position: int, end: int) -> int:
    """How many sound events there are from a status byte on."""
    status = data[position]
    last = position + 1 + (1 if 0xC0 <= status < 0xE0 else 2)
    if last > end or not data[position + 1 : last].isascii():
        return -1
    return sound_events(data, last, end, status) + 1


def _resynchronise(data: bytes, position: int, end: int, running: int, track: SalvagedTrack) -> int:
    """The next position from which events are sound; -1 where none is near."""
    for candidate in range(position + 1, min(position + _MAX_SKIPPED, end)):
        delta, at = read_quantity(data, candidate, end)
        if at < 0 or at >= end or delta >= _LONG_DELTA or (data[at] < 0x80 and not running):
            continue
        if sound_events(data, candidate, end, running) >= _LOOK_AHEAD:
            track.repairs["stray-bytes"] += candidate - position
            track.left_out += candidate - position
            return candidate
    track.position = position
    return -1


def _within_range(status: int, content: bytes) -> bytes:
    """Data bytes below 128: a velocity or a controller's value at most 127, all else without the top bit."""
    if status & 0xF0 in (NOTE_ON, NOTE_OFF, 0xB0) and content[1] >= 0x80:
        return bytes((content[0] & 0x7F, 0x7F))
    return bytes(byte & 0x7F for byte in content)
