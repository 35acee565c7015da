"""Rewrites a MIDI file as the fast parser and the editor understand it, and says what was changed.

Damage is repaired where its meaning is clear (`salvage`), a note that was never released lasts to the next onset of its
pitch or the end of its track, texts become UTF-8, rhythm parts move to channel 10, and a program that another track
sets for a channel is repeated where it is played.
"""

import struct
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bandmate_music.errors import UnreadableFile
from bandmate_music.general_midi import is_drum_pitch
from bandmate_music.instrument_names import is_drum_name, named_instrument
from bandmate_music.limits import Limits
from bandmate_music.midi.channel_state import DRUM_CHANNEL, ChannelStates, track_port
from bandmate_music.midi.chunks import Chunks, read_chunks, title_of
from bandmate_music.midi.events import META, NOTE_OFF, TRACK_NAME, Event, write_track
from bandmate_music.midi.salvage import TEXTS, SalvagedTrack, salvage_track
from bandmate_music.midi.variable_length import quantity
from bandmate_music.score import Notice
from bandmate_music.text_encoding import decode_texts

_MAX_LEFT_OUT = 0.25
"""A file of which more than this share of bytes is no events means nothing clear."""
_TEXT_KINDS = range(1, 16)
_KIT_PROGRAMS = frozenset((0, 8, 16, 24, 25, 32, 40, 48, 56, 118))
"""The numbers of drum kits in GS and GM2, and the synthesiser drum: what a track of drums may have for a program."""
_IN_RANGE = 0.9
_ALL_NOTES_OFF = frozenset((120, *range(123, 128)))
"""Controllers that end what sounds on their channel: all sound off, all notes off, and the changes of mode."""
_END = Event(0, b"\xff\x2f\x00")
_INSTRUMENT_NAMES = (0x04, 0x08)
"""The meta events of an instrument's and of a program's name."""


@dataclass(frozen=True, slots=True)
class NormalForm:
    """A file in normal form: format 0 or 1, every note released, and what was changed to make it so."""

    chunks: Chunks
    notices: tuple[Notice, ...]


def normal_form(chunks: Chunks, limits: Limits) -> NormalForm:
    """The file in normal form.

    Raises:
        UnreadableFile: too much of it means nothing.
        LimitExceeded: more notes than allowed.
    """
    tracks = [salvage_track(chunks.data, start, end) for start, end in chunks.tracks]
    limits.check_notes(sum(event.starts_note for track in tracks for event in track.events))
    notices = [*chunks.repairs, *_repairs(tracks, chunks)]
    for track in tracks:
        track.events = _whole_messages(track.events)
    notices += _decode(tracks)
    notices += _name_instruments(tracks)
    notices += _release(tracks, chunks.ticks_per_quarter)
    notices += _move_rhythm_parts(tracks)
    bodies = [_written(track) for track in tracks]
    pieces = [struct.pack(">4sIHHH", b"MThd", 6, int(len(bodies) > 1), len(bodies), chunks.ticks_per_quarter)]
    spans: list[tuple[int, int]] = []
    position = 14
    for body in bodies:
        spans.append((position + 8, position + len(body)))
        position += len(body)
    data = b"".join([*pieces, *bodies])
    title = title_of(data, spans)
    return NormalForm(replace(chunks, data=data, tracks=tuple(spans), title=title, repairs=()), tuple(notices))


def normal_file(data: bytes, limits: Limits) -> bytes:
    """A file's normal form as a file. Raises as `normal_form` and `read_chunks` do."""
    return normal_form(read_chunks(data, limits), limits).chunks.data


def _written(track: SalvagedTrack) -> bytes:
    return write_track([*track.events, replace(_END, tick=track.end_tick)])


def _repairs(tracks: Sequence[SalvagedTrack], chunks: Chunks) -> list[Notice]:
    """What was repaired in the tracks' events."""
    total = sum(end - start for start, end in chunks.tracks)
    left_out = sum(track.left_out for track in tracks)
    if left_out > _MAX_LEFT_OUT * total:
        raise UnreadableFile(
            f"this MIDI file is damaged: {left_out:,} of the {total:,} bytes of its tracks are not events"
        )
    counts: Counter[str] = Counter()
    for track in tracks:
        counts.update(track.repairs)
    return [
        Notice(kind, text.format(n=counts[kind]), counts[kind], True) for kind, text in TEXTS.items() if counts[kind]
    ]


def _decode(tracks: Sequence[SalvagedTrack]) -> list[Notice]:
    """Makes all texts UTF-8; says the encoding where it was another."""
    places: list[tuple[SalvagedTrack, int, bytes]] = []
    for track in tracks:
        for index, event in enumerate(track.events):
            if event.message[0] == META and event.message[1] in _TEXT_KINDS:
                places.append((track, index, _payload(event)))
    decoded = decode_texts([payload for _, _, payload in places])
    if decoded.encoding in ("ascii", "utf-8"):
        return []
    changed = 0
    for (track, index, payload), text in zip(places, decoded.texts, strict=True):
        content = text.encode()
        if content != payload:
            changed += 1
            event = track.events[index]
            track.events[index] = Event(event.tick, event.message[:2] + quantity(len(content)) + content)
    return [Notice("encoding", f"texts are encoded as {decoded.encoding}: {changed:,}", changed)]


def _whole_messages(events: Sequence[Event]) -> list[Event]:
    """The events with system-exclusive messages in one piece each: files may split them, or send them by an escape."""
    whole: list[Event] = []
    open_at = -1
    for event in events:
        status, payload = event.message[0], _payload(event, 1) if event.message[0] in (0xF0, 0xF7) else b""
        if status == 0xF7 and payload[:1] == b"\xf0":
            status, payload = 0xF0, payload[1:]
            event = _exclusive(event.tick, payload)
        if status == 0xF0:
            open_at = len(whole) if payload[-1:] != b"\xf7" else -1
        elif status == 0xF7 and open_at >= 0:
            begun = whole[open_at]
            whole[open_at] = _exclusive(begun.tick, _payload(begun, 1) + payload)
            open_at = -1 if payload[-1:] == b"\xf7" else open_at
            continue
        whole.append(event)
    return whole


def _exclusive(tick: int, payload: bytes) -> Event:
    return Event(tick, b"\xf0" + quantity(len(payload)) + payload)


def _name_instruments(tracks: Sequence[SalvagedTrack]) -> list[Notice]:
    """Gives tracks the instrument that a text of theirs names, where neither their name nor a program says one."""
    states = ChannelStates([track.events for track in tracks])
    has_drums = any(event.starts_note and event.channel == DRUM_CHANNEL for track in tracks for event in track.events)
    count = 0
    for track in tracks:
        told = [
            _text(event) for event in track.events if event.message[0] == META and event.message[1] in _INSTRUMENT_NAMES
        ]
        named = next((found for text in told if (found := named_instrument(text)) is not None), None)
        names = [_text(event) for event in track.events if event.is_meta(TRACK_NAME)]
        channels = {event.channel for event in track.events if event.starts_note}
        if named is None or len(channels) != 1 or (names and named_instrument(names[-1]) is not None):
            continue
        if named.kind == "drums" or not "".join(names).strip():
            name = next(text for text in told if named_instrument(text) is not None).encode()
            track.events = [event for event in track.events if not event.is_meta(TRACK_NAME)]
            track.events.insert(0, Event(0, bytes((META, TRACK_NAME)) + quantity(len(name)) + name))
        (channel,) = channels
        is_clear = named.kind not in ("drums", "bass") or (named.kind == "bass" and has_drums)
        if is_clear and channel != DRUM_CHANNEL and not states.has_program(track_port(track.events), channel):
            track.events.insert(0, Event(0, bytes((0xC0 | channel, named.program))))
            count += 1
    text = f"tracks that name their instrument in a text and set no program: {count:,}"
    return [Notice("instruments-by-name", text, count)] if count else []


def _text(event: Event) -> str:
    return _payload(event).decode("utf-8", "replace")


def _payload(event: Event, start: int = 2) -> bytes:
    """What a message holds behind its length, which stands at `start`."""
    while start < len(event.message) and event.message[start] >= 0x80:
        start += 1
    return event.message[start + 1 :]


def _release(tracks: Sequence[SalvagedTrack], ticks_per_quarter: int) -> list[Notice]:
    """Gives the notes that never end one; see the module's text."""
    count = 0
    last = max((track.end_tick for track in tracks), default=0)
    for track in tracks:
        count += _release_in(track, max(1, ticks_per_quarter), last)
    if not count:
        return []
    text = f"notes never released last to the next one of their pitch or to the end of their track: {count:,}"
    return [Notice("unreleased-notes", text, count)]


def _release_in(track: SalvagedTrack, quarter: int, last: int) -> int:
    onsets: dict[tuple[int, int], list[int]] = defaultdict(list)
    ends: dict[tuple[int, int], list[int]] = defaultdict(list)
    sounding: Counter[tuple[int, int]] = Counter()
    silences: dict[int, list[int]] = defaultdict(list)
    for event in track.events:
        if event.kind == 0xB0 and event.message[1] in _ALL_NOTES_OFF:
            silences[event.channel].append(event.tick)
        elif event.message[0] < 0xA0:
            key = (event.channel, event.message[1])
            if event.starts_note:
                sounding[key] += 1
                onsets[key].append(event.tick)
            elif sounding[key]:
                sounding[key] -= 1
                ends[key].append(event.tick)
    open_keys = {key for key, number in sounding.items() if number}
    if not open_keys:
        return 0
    kept = [
        (event.tick, 1, event) for event in track.events if not (event.message[0] < 0xA0 and _is_end(event, open_keys))
    ]
    count = 0
    for key in sorted(open_keys):
        released = iter(ends[key])
        end = next(released, None)
        for index, onset in enumerate(onsets[key]):
            following = next((tick for tick in onsets[key][index + 1 :] if tick > onset), None)
            until = following if following is not None else max(track.end_tick, onset + 1)
            silence = bisect_right(silences[key[0]], onset)
            is_silenced = silence < len(silences[key[0]]) and silences[key[0]][silence] <= until
            while end is not None and end < onset:
                end = next(released, None)
            if end is not None and end <= until:
                stop = end
                end = next(released, None)
            else:
                count += 1
                if is_silenced:
                    until = silences[key[0]][silence]
                elif following is None and until - onset < quarter:
                    until = min(onset + quarter, max(last, until))
                stop = until
                if key[0] == DRUM_CHANNEL:
                    stop = min(stop, onset + max(1, quarter // 4))
            kept.append((stop, 0 if stop > onset else 2, Event(stop, bytes((NOTE_OFF | key[0], key[1], 0)))))
    kept.sort(key=lambda entry: entry[:2])
    track.events = [event for _, _, event in kept]
    track.end_tick = max(track.end_tick, track.events[-1].tick)
    return count


def _is_end(event: Event, keys: set[tuple[int, int]]) -> bool:
    return event.ends_note and (event.channel, event.message[1]) in keys


def _move_rhythm_parts(tracks: Sequence[SalvagedTrack]) -> list[Notice]:
    """Puts the notes of rhythm parts on channel 10, and programs where they are played."""
    states = ChannelStates([track.events for track in tracks])
    moved = borrowed = 0
    for number, track in enumerate(tracks):
        port = track_port(track.events)
        drums = _named_drums(track.events, states, port)
        own = {event.channel for event in track.events if event.kind == 0xC0}
        programs: dict[int, int] = {}
        sounding: dict[tuple[int, int], list[bool]] = defaultdict(list)
        events: list[Event] = []
        is_changed = False
        for event in track.events:
            if event.message[0] >= 0xA0:
                events.append(event)
                continue
            channel, pitch = event.channel, event.message[1]
            is_drum = channel == DRUM_CHANNEL
            if event.starts_note:
                is_drum = channel == drums or states.is_rhythm(port, channel, event.tick)
                sounding[channel, pitch].append(is_drum)
                moved += is_drum and channel != DRUM_CHANNEL
            elif sounding[channel, pitch]:
                is_drum = sounding[channel, pitch].pop(0)
            target = channel
            if is_drum != (channel == DRUM_CHANNEL):
                target = DRUM_CHANNEL if is_drum else states.free_channel(port)
            if event.starts_note and not is_drum and (channel not in own or target != channel):
                program = states.program(port, channel, event.tick)
                if program != programs.get(target, 0):
                    programs[target] = program
                    events.append(Event(event.tick, bytes((0xC0 | target, program))))
                    borrowed += target == channel
            if target != channel:
                event = Event(event.tick, bytes((event.message[0] & 0xF0 | target,)) + event.message[1:])
            is_changed = is_changed or target != channel or bool(programs)
            events.append(event)
        if is_changed:
            tracks[number].events = events
    notices = []
    if moved:
        text = f"notes of rhythm parts off channel 10 are read as drums: {moved:,}"
        notices.append(Notice("drums-off-channel-10", text, moved))
    if borrowed:
        text = f"programs set in another track than the one that plays on their channel: {borrowed:,}"
        notices.append(Notice("programs-of-other-tracks", text, borrowed))
    return notices


def _named_drums(events: Sequence[Event], states: ChannelStates, port: int) -> int:
    """The channel that plays drums because the track says so; -1 where none does."""
    names = [_text(event) for event in events if event.is_meta(TRACK_NAME)]
    if not names or not is_drum_name(names[-1]):
        return -1
    struck = [event for event in events if event.starts_note]
    channels = {event.channel for event in struck}
    if len(channels) != 1 or not struck:
        return -1
    (channel,) = channels
    in_range = sum(is_drum_pitch(event.message[1]) for event in struck)
    programs = {states.program(port, channel, event.tick) for event in struck}
    return channel if in_range >= _IN_RANGE * len(struck) and programs <= _KIT_PROGRAMS else -1
