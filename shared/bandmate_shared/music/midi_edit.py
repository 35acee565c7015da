"""A given MIDI file with some bars of some tracks replaced, or tracks added, and not one byte changed elsewhere.

What a hole (a stretch of ticks in one track's channel) loses: the notes that begin in it, their ends, the words on
them, and pitch bends, whose state behind the hole is restored within it. Everything else in it stays: programs,
controllers, pedals, markers. A note that began before the hole keeps sounding to its own end. Of a replaced note that
would have lasted beyond the hole the end stays behind as an event that ends nothing, unless it would cut another note
short. Notes put in end a tick before the hole does, so that no event is added behind it.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bandmate_shared.errors import InvalidRequest
from bandmate_shared.music.gm import program_name
from bandmate_shared.music.midi_events import (
    LYRIC,
    NOTE_OFF,
    NOTE_ON,
    PITCH_BEND,
    TRACK_NAME,
    Event,
    MidiFile,
    cut,
    parse_track,
    write_track,
)
from bandmate_shared.music.midi_write import track_chunk
from bandmate_shared.music.score import Part

DRUM_CHANNEL = 9
_CENTRE = bytes((0, 64))

Span = tuple[int, int]
"""First tick, and the tick behind the last."""
NoteRow = tuple[int, int, int, int]
"""Onset, duration (ticks), pitch, velocity."""


@dataclass(frozen=True, slots=True)
class GivenTrack:
    """What a musician calls a track: one channel's notes in one track chunk, both counted from 0.

    `program` is the one that its first note is played with. Notes are sorted; those without an end are left out.
    """

    chunk: int
    channel: int
    name: str
    program: int
    notes: tuple[NoteRow, ...]

    @property
    def is_drum(self) -> bool:
        return self.channel == DRUM_CHANNEL


@dataclass(frozen=True, slots=True)
class Replacement:
    """Holes in one given track, apart from each other and ascending, and the notes that go into them."""

    chunk: int
    channel: int
    holes: tuple[Span, ...]
    notes: tuple[NoteRow, ...] = ()


def given_tracks(data: bytes) -> list[GivenTrack]:
    """The tracks of a file that hold notes, in order. Raises UnreadableFile."""
    found: list[GivenTrack] = []
    file = cut(data)
    for number in range(len(file.tracks)):
        events, _ = parse_track(file.track(number))
        named = next((_text(event) for event in events if event.is_meta(TRACK_NAME)), "")
        channels = sorted({event.channel for event in events if event.starts_note})
        for channel in channels:
            program = _first_program(events, channel)
            instrument = "Drums" if channel == DRUM_CHANNEL else program_name(program)
            name = named if named and len(channels) == 1 else instrument
            found.append(GivenTrack(number, channel, name, program, tuple(notes_of(events, channel))))
    taken: dict[str, int] = defaultdict(int)
    unique = []
    for track in found:
        taken[track.name.lower()] += 1
        count = taken[track.name.lower()]
        unique.append(track if count == 1 else replace(track, name=f"{track.name} {count}"))
    return unique


def notes_of(events: Sequence[Event], channel: int) -> list[NoteRow]:
    """A channel's notes; one pitch's ends belong to its beginnings first in, first out."""
    rows: list[NoteRow] = []
    sounding: dict[int, list[Event]] = defaultdict(list)
    for event in events:
        if event.channel != channel:
            continue
        if event.starts_note:
            sounding[event.message[1]].append(event)
        elif event.ends_note and sounding[event.message[1]]:
            begun = sounding[event.message[1]].pop(0)
            rows.append((begun.tick, event.tick - begun.tick, begun.message[1], begun.message[2]))
    return sorted(rows, key=lambda row: (row[0], row[2], row[1], row[3]))


def replace_notes(data: bytes, replacements: Sequence[Replacement]) -> bytes:
    """The file with the holes' notes replaced. A note that would strike a pitch held over into its hole is left out.

    Raises:
        UnreadableFile: the events cannot be told apart.
        InvalidRequest: a silence becomes longer than MIDI can say.
        ValueError: holes that overlap, or a note outside them.
    """
    file = cut(data)
    chunks = list(file.chunks)
    for number in sorted({one.chunk for one in replacements}):
        events, tail = parse_track(file.track(number))
        for one in replacements:
            if one.chunk == number:
                events = _replaced(events, one)
        chunks[file.tracks[number]] = write_track(events, tail)
    return replace(file, chunks=tuple(chunks)).to_bytes()


def add_tracks(data: bytes, parts: Sequence[Part]) -> bytes:
    """The file with a track chunk a part behind its own, which stay as they are; the header counts them.

    A file of format 0 becomes one of format 1, since format 0 has one track.

    Raises:
        InvalidRequest: all 15 channels for pitched instruments are taken, or the file is of format 2.
    """
    file = cut(data)
    if file.midi_format == 2:
        raise InvalidRequest("this MIDI file is of format 2, independent patterns; nothing can be played over them")
    free = _free_channels(file)
    check_room(data, sum(not part.is_drum for part in parts))
    added = []
    for part in parts:
        added.append(track_chunk(part, DRUM_CHANNEL if part.is_drum else free.pop(0)))
    last = file.tracks[-1] + 1
    chunks = (*file.chunks[:last], *added, *file.chunks[last:])
    count = min(0xFFFF, len(file.tracks) + len(added))
    header = file.header[:8] + (file.midi_format or 1).to_bytes(2, "big") + count.to_bytes(2, "big") + file.header[12:]
    return MidiFile(header, chunks, file.tail).to_bytes()


def check_room(data: bytes, pitched: int) -> None:
    """Refuses more new pitched tracks than the file has channels left for. Raises InvalidRequest."""
    free = len(_free_channels(cut(data)))
    if pitched > free:
        left = f"{free} of them are free" if free else "all are taken"
        raise InvalidRequest(
            f"MIDI has 15 channels for pitched instruments, and in this file {left}: {pitched} are needed"
        )


def _replaced(events: Sequence[Event], edit: Replacement) -> list[Event]:
    """The events with one channel's holes filled anew."""
    _check(edit)
    starts = [start for start, _ in edit.holes]

    def inside(tick: int) -> bool:
        place = bisect_right(starts, tick) - 1
        return place >= 0 and tick < edit.holes[place][1]

    gone: set[int] = set()
    held: list[tuple[int, int, int]] = []
    sounding: dict[int, list[int]] = defaultdict(list)
    words = _words(events, edit.channel, inside)
    for index, event in enumerate(events):
        if event.channel != edit.channel:
            if index in words:
                gone.add(index)
        elif event.starts_note:
            sounding[event.message[1]].append(index)
            if inside(event.tick):
                gone.add(index)
        elif event.ends_note:
            pitch = event.message[1]
            begun = sounding[pitch].pop(0) if sounding[pitch] else None
            if begun is not None and begun not in gone:
                held.append((events[begun].tick, event.tick, pitch))
            elif inside(event.tick) or (begun is not None and any(one not in gone for one in sounding[pitch])):
                gone.add(index)
        elif event.kind == PITCH_BEND and inside(event.tick):
            gone.add(index)
    # A note that never ends would take the end of a new one for its own.
    held += [(events[one].tick, 1 << 62, pitch) for pitch, left in sounding.items() for one in left if one not in gone]
    added = _fitting(edit, held)
    bends = _bends(events, edit, added)
    return _merged([event for index, event in enumerate(events) if index not in gone], [*bends, *_events(edit, added)])


def _check(edit: Replacement) -> None:
    before = 0
    for start, end in edit.holes:
        if start < before or end <= start:
            raise ValueError(f"the holes {edit.holes} overlap, or are not in order")
        before = end
    for onset, duration, pitch, velocity in edit.notes:
        if not any(start <= onset and onset + duration <= end for start, end in edit.holes):
            raise ValueError(f"the note at tick {onset} of {duration} ticks lies outside the holes")
        if not (0 <= pitch <= 127 and 1 <= velocity <= 127 and duration > 0):
            raise ValueError(f"pitch {pitch}, velocity {velocity}, {duration} ticks are no note")


def _words(events: Sequence[Event], channel: int, inside: Callable[[int], bool]) -> set[int]:
    """Indices of the lyrics in the holes on notes of this channel alone."""
    struck: dict[int, set[int]] = defaultdict(set)
    for event in events:
        if event.starts_note and inside(event.tick):
            struck[event.tick].add(event.channel)
    return {index for index, event in enumerate(events) if event.is_meta(LYRIC) and struck.get(event.tick) == {channel}}


def _fitting(edit: Replacement, held: Sequence[tuple[int, int, int]]) -> list[NoteRow]:
    """The new notes, each ended before its hole does, the next of its pitch, and without those that a held one bars."""
    following: dict[int, int] = {}
    kept: list[NoteRow] = []
    by_pitch: dict[int, list[Span]] = defaultdict(list)
    for start, end, pitch in held:
        by_pitch[pitch].append((start, end))
    for onset, duration, pitch, velocity in sorted(edit.notes, reverse=True):
        hole_end = next(end for start, end in edit.holes if start <= onset < end)
        end = min(onset + duration, hole_end - 1, following.get(pitch, hole_end))
        if end > onset and not any(start < end and onset < stop for start, stop in by_pitch[pitch]):
            kept.append((onset, end - onset, pitch, velocity))
            following[pitch] = onset
    return sorted(kept)


def _events(edit: Replacement, notes: Sequence[NoteRow]) -> list[Event]:
    found = []
    for onset, duration, pitch, velocity in notes:
        found.append(Event(onset, bytes((NOTE_ON | edit.channel, pitch, velocity))))
        found.append(Event(onset + duration, bytes((NOTE_OFF | edit.channel, pitch, 0))))
    return found


def _bends(events: Sequence[Event], edit: Replacement, notes: Sequence[NoteRow]) -> list[Event]:
    """In each hole the centre at its start where new notes would sound bent, and at its end the bend it had there."""
    found: list[Event] = []
    status = bytes((PITCH_BEND | edit.channel,))
    bends = [(event.tick, event.message[1:]) for event in events if event.message[:1] == status]
    for start, end in edit.holes:
        before = next((value for tick, value in reversed(bends) if tick < start), _CENTRE)
        after = next((value for tick, value in reversed(bends) if tick < end), _CENTRE)
        if before != _CENTRE and any(start <= note[0] < end for note in notes):
            found.append(Event(start, status + _CENTRE))
            before = _CENTRE
        if after != before:
            found.append(Event(end - 1, status + after))
    return found


def _merged(kept: Sequence[Event], added: Sequence[Event]) -> list[Event]:
    """In order of time; at one tick new ends come before what was there, new beginnings after it."""
    ranked = [(event.tick, 1, number, event) for number, event in enumerate(kept)]
    ranked += [(event.tick, _rank(event), number, event) for number, event in enumerate(added)]
    merged = [entry[3] for entry in sorted(ranked, key=lambda entry: entry[:3])]
    if kept and kept[-1].message[:2] == b"\xff\x2f":
        merged.remove(kept[-1])
        last = max((event.tick for event in merged), default=0)
        merged.append(kept[-1] if last <= kept[-1].tick else replace(kept[-1], tick=last))
    return merged


def _rank(event: Event) -> int:
    return 0 if event.ends_note else 2 if event.kind == PITCH_BEND else 3


def _first_program(events: Sequence[Event], channel: int) -> int:
    program = 0
    for event in events:
        if event.channel == channel:
            if event.kind == 0xC0:
                program = event.message[1]
            elif event.starts_note:
                break
    return program


def _free_channels(file: MidiFile) -> list[int]:
    """Channels on which the file says nothing; last the ones where it sets something up and plays no note."""
    said, played = set(), set()
    for number in range(len(file.tracks)):
        for event in parse_track(file.track(number))[0]:
            said.add(event.channel)
            if event.starts_note:
                played.add(event.channel)
    channels = [channel for channel in range(16) if channel != DRUM_CHANNEL and channel not in played]
    return sorted(channels, key=lambda channel: (channel in said, channel))


def _text(event: Event) -> str:
    start = 2
    while start < len(event.message) and event.message[start] >= 0x80:
        start += 1
    return event.message[start + 1 :].decode("utf-8", "replace").replace("\x00", "").strip()[:64]
