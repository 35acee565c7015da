"""Replaces the chord symbols of some bars in a MIDI file; every other event stays the same."""

from collections.abc import Sequence
from dataclasses import replace

from bandmate_music.marks import read_chord
from bandmate_music.midi.edit import Span, merge_events
from bandmate_music.midi.events import META, TEXT, Event, meta_text, parse_track, split_chunks, write_track
from bandmate_music.midi.variable_length import quantity
from bandmate_music.score import ChordMark


def chords_in(events: Sequence[Event]) -> dict[int, ChordMark]:
    """The chord symbols among a track's text events, by the index of the event."""
    marks = {}
    for index, event in enumerate(events):
        if event.is_meta(TEXT) and (mark := read_chord(event.tick, meta_text(event))) is not None:
            marks[index] = mark
    return marks


def chord_at(marks: Sequence[ChordMark], tick: int) -> str | None:
    """The symbol that holds at a tick, of marks in order of time."""
    return next((mark.symbol for mark in reversed(marks) if mark.onset <= tick), None)


def replace_chord_texts(data: bytes, spans: Sequence[Span], marks: Sequence[ChordMark], end: int) -> bytes:
    """The file with the chords that begin in the spans replaced by those of the marks, which are in order of time.

    A chord that held behind a span is named again where the span ends, if that is before `end`, the end of the piece.

    Raises:
        UnreadableFile: the events of the first track cannot be told apart.
    """
    file = split_chunks(data)
    events, tail = parse_track(file.track(0))
    old = chords_in(events)
    before = list(old.values())
    begun = {mark.onset for mark in before}
    added = [mark for mark in marks if is_within(mark.onset, spans)]
    again = []
    for _, stop in spans:
        symbol = chord_at(before, stop)
        if symbol is not None and stop < end and stop not in begun and symbol != chord_at(added, stop):
            again.append(ChordMark(stop, symbol))
    removed = {index for index, mark in old.items() if is_within(mark.onset, spans)}
    kept = [event for index, event in enumerate(events) if index not in removed]
    chunks = list(file.chunks)
    chunks[file.tracks[0]] = write_track(merge_events(kept, [_event(mark) for mark in (*added, *again)]), tail)
    return replace(file, chunks=tuple(chunks)).to_bytes()


def is_within(tick: int, spans: Sequence[Span]) -> bool:
    return any(start <= tick < end for start, end in spans)


def _event(mark: ChordMark) -> Event:
    text = mark.symbol.encode()
    return Event(mark.onset, bytes((META, TEXT)) + quantity(len(text)) + text)
