"""Replaces the notes in some bars of some tracks of a MIDI file, or adds tracks; every other byte stays the same.

A hole is a span of ticks in one track's channel. Removed from it are the notes that begin in it, their ends, the
lyrics on them, and pitch bends, whose state after the hole is restored within it. Everything else in it stays:
programs, controllers, pedals, markers. A note that began before the hole sounds to its own end. The end of a removed
note that would have lasted beyond the hole stays as an event without effect, unless it would cut another note short.
New notes end a tick before the hole does, so that no event is added after it.
"""

from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bandmate_music.errors import InvalidRequest
from bandmate_music.general_midi import program_name
from bandmate_music.midi.events import (
    LYRIC,
    NOTE_OFF,
    NOTE_ON,
    PITCH_BEND,
    TRACK_NAME,
    Event,
    MidiFile,
    meta_text,
    parse_track,
    split_chunks,
    write_track,
)
from bandmate_music.midi.lyrics import lyric_event
from bandmate_music.midi.write import meta_message, track_chunk
from bandmate_music.note_rows import PartNote
from bandmate_music.score import Lyric, Part

DRUM_CHANNEL = 9
_CENTRE = bytes((0, 64))

Span = tuple[int, int]
"""First tick, and the tick behind the last."""


@dataclass(frozen=True, slots=True)
class GivenTrack:
    """The notes of one channel in one track chunk, both counted from 0.

    `program` is that of the first note. Notes are sorted by onset and pitch; those without an end are left out.
    """

    chunk: int
    channel: int
    name: str
    program: int
    notes: tuple[PartNote, ...]

    @property
    def is_drum(self) -> bool:
        return self.channel == DRUM_CHANNEL


@dataclass(frozen=True, slots=True)
class Replacement:
    """Holes in one given track, ascending and without overlap, and the notes that go into them, with their words."""

    chunk: int
    channel: int
    holes: tuple[Span, ...]
    notes: tuple[PartNote, ...] = ()
    lyrics: tuple[Lyric, ...] = ()


def given_tracks(data: bytes) -> list[GivenTrack]:
    """The tracks of a file that hold notes, in order. Raises UnreadableFile."""
    tracks: list[GivenTrack] = []
    file = split_chunks(data)
    for number in range(len(file.tracks)):
        events, _ = parse_track(file.track(number))
        named = next((meta_text(event).strip()[:64] for event in events if event.is_meta(TRACK_NAME)), "")
        channels = sorted({event.channel for event in events if event.starts_note})
        for channel in channels:
            program = _first_program(events, channel)
            instrument = "Drums" if channel == DRUM_CHANNEL else program_name(program)
            name = named if named and len(channels) == 1 else instrument
            tracks.append(GivenTrack(number, channel, name, program, tuple(notes_of(events, channel))))
    same_name: dict[str, int] = defaultdict(int)
    unique = []
    for track in tracks:
        same_name[track.name.lower()] += 1
        count = same_name[track.name.lower()]
        unique.append(track if count == 1 else replace(track, name=f"{track.name} {count}"))
    return unique


def notes_of(events: Sequence[Event], channel: int) -> list[PartNote]:
    """A channel's notes; one pitch's ends belong to its beginnings first in, first out."""
    rows: list[PartNote] = []
    sounding: dict[int, deque[Event]] = defaultdict(deque)
    for event in events:
        if event.channel != channel:
            continue
        if event.starts_note:
            sounding[event.message[1]].append(event)
        elif event.ends_note and sounding[event.message[1]]:
            begun = sounding[event.message[1]].popleft()
            rows.append(PartNote(begun.tick, event.tick - begun.tick, begun.message[1], begun.message[2]))
    return sorted(rows, key=lambda note: (note.onset, note.pitch, note.duration, note.velocity))


def replace_notes(data: bytes, replacements: Sequence[Replacement]) -> bytes:
    """The file with the holes' notes replaced.

    A note that would strike a pitch held over into its hole begins later, or is left out.

    Raises:
        UnreadableFile: the events cannot be told apart.
        InvalidRequest: a silence becomes longer than MIDI can say.
        ValueError: holes that overlap, or a note outside them.
    """
    file = split_chunks(data)
    chunks = list(file.chunks)
    for number in sorted({replacement.chunk for replacement in replacements}):
        events, tail = parse_track(file.track(number))
        for replacement in replacements:
            if replacement.chunk == number:
                events = _replaced(events, replacement)
        chunks[file.tracks[number]] = write_track(events, tail)
    return replace(file, chunks=tuple(chunks)).to_bytes()


def add_tracks(data: bytes, parts: Sequence[Part]) -> bytes:
    """The file with a track chunk for each part after its own tracks, which stay unchanged; the header counts them.

    A file of format 0 becomes one of format 1, since format 0 has one track.

    Raises:
        InvalidRequest: all 15 channels for pitched instruments are taken, or the file is of format 2.
    """
    file = split_chunks(data)
    if file.midi_format == 2:
        raise InvalidRequest("this MIDI file is of format 2, independent patterns; no track can be added to them")
    free = _free_channels(file)
    check_free_channels(data, sum(not part.is_drum for part in parts))
    added = []
    for part in parts:
        added.append(track_chunk(part, DRUM_CHANNEL if part.is_drum else free.pop(0)))
    last = file.tracks[-1] + 1
    chunks = (*file.chunks[:last], *added, *file.chunks[last:])
    count = min(0xFFFF, len(file.tracks) + len(added))
    header = file.header[:8] + (file.midi_format or 1).to_bytes(2, "big") + count.to_bytes(2, "big") + file.header[12:]
    return MidiFile(header, chunks, file.tail).to_bytes()


def check_free_channels(data: bytes, pitched: int) -> None:
    """Raises InvalidRequest for more new pitched tracks than the file has unused channels."""
    free = len(_free_channels(split_chunks(data)))
    if pitched > free:
        left = f"{free} of them are free" if free else "all are taken"
        raise InvalidRequest(
            f"MIDI has 15 channels for pitched instruments, and in this file {left}: {pitched} are needed"
        )


def _replaced(events: Sequence[Event], edit: Replacement) -> list[Event]:
    """The events with the notes of one channel's holes replaced."""
    _check(edit)
    starts = [start for start, _ in edit.holes]

    def inside(tick: int) -> bool:
        index = bisect_right(starts, tick) - 1
        return index >= 0 and tick < edit.holes[index][1]

    removed: set[int] = set()
    held: list[tuple[int, int, int]] = []
    sounding: dict[int, deque[int]] = defaultdict(deque)
    lyrics = _lyrics_in_holes(events, edit.channel, inside)
    for index, event in enumerate(events):
        if event.channel != edit.channel:
            if index in lyrics:
                removed.add(index)
        elif event.starts_note:
            sounding[event.message[1]].append(index)
            if inside(event.tick):
                removed.add(index)
        elif event.ends_note:
            pitch = event.message[1]
            begun = sounding[pitch].popleft() if sounding[pitch] else None
            if begun is not None and begun not in removed:
                held.append((events[begun].tick, event.tick, pitch))
            elif inside(event.tick) or (begun is not None and any(other not in removed for other in sounding[pitch])):
                removed.add(index)
        elif event.kind == PITCH_BEND and inside(event.tick):
            removed.add(index)
    # A note that never ends would take the end of a new one for its own.
    endless = [(pitch, index) for pitch, indices in sounding.items() for index in indices if index not in removed]
    held += [(events[index].tick, 1 << 62, pitch) for pitch, index in endless]
    added = _fitting(edit, held)
    bends = _bends(events, edit, added)
    return merge_events(
        [event for index, event in enumerate(events) if index not in removed],
        [*bends, *_words(edit, added), *_events(edit, added)],
    )


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


def _lyrics_in_holes(events: Sequence[Event], channel: int, inside: Callable[[int], bool]) -> set[int]:
    """Indices of the lyrics in the holes on notes of this channel alone."""
    struck: dict[int, set[int]] = defaultdict(set)
    for event in events:
        if event.starts_note and inside(event.tick):
            struck[event.tick].add(event.channel)
    return {index for index, event in enumerate(events) if event.is_meta(LYRIC) and struck.get(event.tick) == {channel}}


def _fitting(edit: Replacement, held: Sequence[tuple[int, int, int]]) -> list[PartNote]:
    """The new notes, shortened to end before their hole and the next note of their pitch.

    One whose pitch is held over into it begins where that ends; it is left out where less than half of it is left.
    """
    following: dict[int, int] = {}
    fitting: list[PartNote] = []
    by_pitch: dict[int, list[Span]] = defaultdict(list)
    for start, end, pitch in held:
        by_pitch[pitch].append((start, end))
    for onset, duration, pitch, velocity in sorted(edit.notes, reverse=True):
        hole_end = next(end for start, end in edit.holes if start <= onset < end)
        end = min(onset + duration, hole_end - 1, following.get(pitch, hole_end))
        begin = max((stop for start, stop in by_pitch[pitch] if start <= onset < stop), default=onset)
        is_late = begin > onset and 2 * (begin - onset) > end - onset
        if end > begin and not is_late and not any(start < end and begin < stop for start, stop in by_pitch[pitch]):
            fitting.append(PartNote(begin, end - begin, pitch, velocity))
            following[pitch] = begin
    return sorted(fitting)


def _events(edit: Replacement, notes: Sequence[PartNote]) -> list[Event]:
    events = []
    for note in notes:
        events.append(Event(note.onset, bytes((NOTE_ON | edit.channel, note.pitch, note.velocity))))
        events.append(Event(note.end, bytes((NOTE_OFF | edit.channel, note.pitch, 0))))
    return events


def _words(edit: Replacement, notes: Sequence[PartNote]) -> list[Event]:
    """The lyric events of the new notes that are there."""
    onsets = {note.onset for note in notes}
    return [
        Event(lyric.onset, meta_message(LYRIC, lyric_event(lyric).encode()))
        for lyric in edit.lyrics
        if lyric.onset in onsets
    ]


def _bends(events: Sequence[Event], edit: Replacement, notes: Sequence[PartNote]) -> list[Event]:
    """For each hole: a centre bend at its start where new notes would sound bent, and at its end the bend it had."""
    added: list[Event] = []
    status = bytes((PITCH_BEND | edit.channel,))
    bends = [(event.tick, event.message[1:]) for event in events if event.message[:1] == status]
    for start, end in edit.holes:
        before = next((value for tick, value in reversed(bends) if tick < start), _CENTRE)
        after = next((value for tick, value in reversed(bends) if tick < end), _CENTRE)
        if before != _CENTRE and any(start <= note.onset < end for note in notes):
            added.append(Event(start, status + _CENTRE))
            before = _CENTRE
        if after != before:
            added.append(Event(end - 1, status + after))
    return added


def merge_events(events: Sequence[Event], added: Sequence[Event]) -> list[Event]:
    """A track's events and new ones in order of time; at one tick new ends come before what was there, new beginnings
    after it."""
    ranked = [(event.tick, 1, number, event) for number, event in enumerate(events)]
    ranked += [(event.tick, _rank(event), number, event) for number, event in enumerate(added)]
    merged = [entry[3] for entry in sorted(ranked, key=lambda entry: entry[:3])]
    if events and events[-1].message[:2] == b"\xff\x2f":
        merged.remove(events[-1])
        last = max((event.tick for event in merged), default=0)
        merged.append(events[-1] if last <= events[-1].tick else replace(events[-1], tick=last))
    return merged


def _rank(event: Event) -> int:
    return 0 if event.ends_note else 2 if event.kind == PITCH_BEND or event.is_meta(LYRIC) else 3


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
    """Channels without events, then those with events and no notes."""
    used, played = set(), set()
    for number in range(len(file.tracks)):
        for event in parse_track(file.track(number))[0]:
            used.add(event.channel)
            if event.starts_note:
                played.add(event.channel)
    channels = [channel for channel in range(16) if channel != DRUM_CHANNEL and channel not in played]
    return sorted(channels, key=lambda channel: (channel in used, channel))
