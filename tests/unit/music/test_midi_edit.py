"""Bars of a MIDI file replaced, tracks added: nothing else changes, whatever the file and wherever the holes."""

from collections import Counter

import pytest
from bandmate_music.midi.edit import Replacement, add_tracks, given_tracks, notes_of, replace_notes
from bandmate_music.midi.events import Event, parse_track, split_chunks, write_track
from bandmate_music.midi.read import read_midi
from bandmate_music.midi.variable_length import quantity
from bandmate_music.midi.write import write_midi
from bandmate_music.score import Notes, Part, Score
from bandmate_shared.errors import BandmateError, InvalidRequest
from bandmate_shared.settings import SharedSettings
from hypothesis import given
from hypothesis import strategies as st

from .hostile import END, chunk, hostile_files, meta, midi, track
from .scores import scores

LIMITS = SharedSettings().file_limits
Row = tuple[int, int, int, int]


@st.composite
def wild_tracks(draw: st.DrawFn, channels: int = 3) -> bytes:
    """A track of any events in any order: running status, long deltas, notes that overlap, never end or end twice."""
    body, running = bytearray(), 0
    for _ in range(draw(st.integers(1, 40))):
        delta = draw(st.sampled_from([0, 0, 1, 5, 24, 96, 127, 128, 400]))
        padded = b"\x80" * draw(st.integers(0, 2)) if draw(st.integers(0, 9)) == 0 else b""
        body += padded + quantity(delta)
        kind = draw(st.sampled_from(["on", "on", "on", "off", "off", "bend", "program", "control", "meta", "sysex"]))
        if kind in ("meta", "sysex"):
            payload = draw(st.binary(max_size=5))
            body += meta(draw(st.sampled_from([1, 3, 5, 6])), payload)[1:] if kind == "meta" else b""
            body += b"\xf0" + quantity(len(payload)) + payload if kind == "sysex" else b""
            continue
        channel = draw(st.integers(0, channels - 1))
        pitch, value = draw(st.integers(60, 63)), draw(st.integers(0, 127))
        events = {
            "on": (0x90, (pitch, value)),
            "off": (0x80, (pitch, value)),
            "bend": (0xE0, (value, 64)),
            "program": (0xC0, (value,)),
            "control": (0xB0, (7, 9)),
        }
        status, data = events[kind][0], bytes(events[kind][1])
        status |= channel
        if status != running or draw(st.booleans()):
            body += bytes((status,))
        running = status
        body += data
    return chunk(b"MTrk", bytes(body) + (END if draw(st.booleans()) else b""))


@st.composite
def wild_files(draw: st.DrawFn) -> bytes:
    tracks = draw(st.lists(wild_tracks(), min_size=1, max_size=3))
    extra = [chunk(b"XFIH", draw(st.binary(max_size=6)))] if draw(st.booleans()) else []
    return midi(*extra, *tracks, declared=len(tracks)) + draw(st.binary(max_size=3))


@st.composite
def holes(draw: st.DrawFn, end: int) -> tuple[tuple[int, int], ...]:
    edges = sorted(draw(st.sets(st.integers(0, max(8, end)), min_size=2, max_size=6)))
    return tuple(zip(edges[::2], edges[1::2], strict=False))


@st.composite
def notes_for(draw: st.DrawFn, spans: tuple[tuple[int, int], ...]) -> tuple[Row, ...]:
    rows = []
    for _ in range(draw(st.integers(0, 12))):
        start, end = draw(st.sampled_from(spans))
        onset = draw(st.integers(start, end - 1))
        rows.append((onset, draw(st.integers(1, end - onset)), draw(st.integers(58, 66)), draw(st.integers(1, 127))))
    return tuple(rows)


def events_of(data: bytes, number: int) -> list[Event]:
    return parse_track(split_chunks(data).track(number))[0]


def is_inside(tick: int, spans: tuple[tuple[int, int], ...]) -> bool:
    return any(start <= tick < end for start, end in spans)


@given(wild_files())
def test_a_file_taken_apart_goes_together_again(data: bytes) -> None:
    file = split_chunks(data)
    assert file.to_bytes() == data
    for number, place in enumerate(file.tracks):
        events, tail = parse_track(file.track(number))
        assert write_track(events, tail) == file.chunks[place]


@given(st.data())
def test_only_the_holes_change(data: st.DataObject) -> None:
    before = data.draw(wild_files())
    tracks = [(number, channel) for number in range(len(split_chunks(before).tracks)) for channel in range(3)]
    number, channel = data.draw(st.sampled_from(tracks))
    length = max(event.tick for event in events_of(before, number))
    spans = data.draw(holes(length + 50))
    edit = Replacement(number, channel, spans, data.draw(notes_for(spans)))
    after = replace_notes(before, [edit])

    given_file, edited_file = split_chunks(before), split_chunks(after)
    assert (given_file.header, given_file.tail, len(given_file.chunks)) == (
        edited_file.header,
        edited_file.tail,
        len(edited_file.chunks),
    )
    changed = given_file.tracks[number]
    assert [c for i, c in enumerate(given_file.chunks) if i != changed] == [
        c for i, c in enumerate(edited_file.chunks) if i != changed
    ]

    old, new = events_of(before, number), events_of(after, number)
    assert [e.tick for e in new] == sorted(e.tick for e in new)
    for other in set(range(-1, 16)) - {channel}:
        other_events = [
            (e.tick, e.message) for e in new if e.channel == other and not e.is_meta(5) and not e.is_meta(0x2F)
        ]
        assert other_events == [
            (e.tick, e.message) for e in old if e.channel == other and not e.is_meta(5) and not e.is_meta(0x2F)
        ]
    outside = [
        Counter((e.tick, e.message) for e in es if not is_inside(e.tick, spans) and not e.is_meta(0x2F))
        for es in (old, new)
    ]
    assert outside[1] - outside[0] == Counter(), "something was added outside the holes"
    lost = outside[0] - outside[1]
    assert all(message[0] & 0xF0 in (0x80, 0x90) and message[0] & 15 == channel for _, message in lost)
    assert all(message[0] & 0xF0 == 0x80 or message[2] == 0 for _, message in lost), "an onset outside was lost"
    notes = [[row for row in notes_of(events, channel) if not is_inside(row[0], spans)] for events in (old, new)]
    assert notes[0] == notes[1], "a note outside the holes has changed"

    put_in = [row for row in notes_of(new, channel) if is_inside(row[0], spans)]
    expected_notes = {(onset, pitch) for onset, _, pitch, _ in edit.notes}
    assert {(onset, pitch) for onset, _, pitch, _ in put_in} <= expected_notes
    for _, end in spans:
        centre = bytes((0xE0 | channel, 0, 64))  # Where a channel stands that was never bent.
        bends = [
            [centre, *(e.message for e in es if e.tick < end and e.message[0] == 0xE0 | channel)][-1]
            for es in (old, new)
        ]
        assert bends[1] == bends[0]


@given(st.data())
def test_notes_outside_the_holes_stay_and_new_ones_are_inserted(data: st.DataObject) -> None:
    score = data.draw(scores())
    before = write_midi(score)
    tracks = given_tracks(before)
    chosen = data.draw(st.sampled_from(tracks))
    spans = data.draw(holes(score.end))
    put_in = (data.draw(st.integers(*(spans[0][0], spans[0][1] - 1))), 1, 127, 99)
    after = given_tracks(replace_notes(before, [Replacement(chosen.chunk, chosen.channel, spans, (put_in,))]))
    for given_track in tracks:
        rows_outside = tuple(row for row in given_track.notes if given_track != chosen or not is_inside(row[0], spans))
        new_rows = next(
            (
                new_track.notes
                for new_track in after
                if (new_track.chunk, new_track.channel) == (given_track.chunk, given_track.channel)
            ),
            (),
        )
        assert tuple(row for row in new_rows if row[2] != 127) == rows_outside
        if given_track == chosen and put_in[0] + 1 < spans[0][1]:
            assert put_in in new_rows


@given(scores(), scores(most_parts=3))
def test_a_new_track_leaves_the_given_chunks_as_they_are(given_score: Score, new: Score) -> None:
    before = write_midi(given_score)
    after = add_tracks(before, new.parts)
    given_file, edited_file = split_chunks(before), split_chunks(after)
    assert edited_file.chunks[: len(given_file.chunks)] == given_file.chunks
    assert edited_file.division == given_file.division
    assert (
        int.from_bytes(edited_file.header[10:12], "big")
        == len(edited_file.chunks)
        == len(given_file.chunks) + len(new.parts)
    )
    result_score = read_midi(after, LIMITS)
    added = result_score.parts[len(given_score.parts) :]
    expected = [(part.is_drum, part.notes.pitch.tolist()) for part in new.parts]
    assert [(part.is_drum, part.notes.pitch.tolist()) for part in added] == expected


def test_an_empty_hole_changes_only_its_own_bytes() -> None:
    """Running status is made explicit only where the event before it was removed."""
    first, second, third = b"\x00\x91\x3c\x40\x60\x3c\x00", b"\x00\x90\x3e\x40\x50\x3e\x00", b"\x10\x40\x40\x60\x40\x00"
    before = midi(track(b"\x00\x90\x3c\x40\x60\x3c\x00" + b"\x00\x3e\x40\x50\x3e\x00" + third))
    after = replace_notes(before, [Replacement(0, 0, ((96, 192),))])
    assert after == midi(track(b"\x00\x90\x3c\x40\x60\x3c\x00" + b"\x60\x40\x40\x60\x40\x00"))
    after = replace_notes(midi(track(first + second + third)), [Replacement(0, 0, ((96, 192),))])
    assert after == midi(track(first + b"\x60\x90\x40\x40\x60\x40\x00"))


def test_a_note_held_over_the_edge_sounds_on_and_is_not_struck_again() -> None:
    before = midi(track(b"\x00\x90\x3c\x40" + b"\x81\x00\x80\x3c\x40"))
    after = replace_notes(before, [Replacement(0, 0, ((96, 192),), ((100, 20, 60, 80), (100, 20, 64, 80)))])
    assert given_tracks(after)[0].notes == ((0, 128, 60, 64), (100, 20, 64, 80))


def test_what_ends_a_replaced_note_behind_the_hole_does_not_end_another() -> None:
    """The next note of the pitch begins before the replaced one has ended."""
    before = midi(track(b"\x0a\x90\x3c\x40" + b"\x5a\x3c\x41" + b"\x05\x80\x3c\x00" + b"\x60\x3c\x00"))
    assert given_tracks(before)[0].notes == ((10, 95, 60, 64), (100, 101, 60, 65))
    assert given_tracks(replace_notes(before, [Replacement(0, 0, ((0, 50),))]))[0].notes == ((100, 101, 60, 65),)


def test_words_go_with_their_notes_and_a_bend_does_not_detune_later_notes() -> None:
    sung = meta(5, b"la") + b"\x00\x90\x3c\x40" + b"\x60\x80\x3c\x00"
    before = midi(track(b"\x00\xe0\x00\x50" + sung + sung))
    events = events_of(replace_notes(before, [Replacement(0, 0, ((96, 192),), ((96, 96, 64, 80),))]), 0)
    assert [event.tick for event in events if event.is_meta(5)] == [0]
    bends = [(event.tick, event.message[1:]) for event in events if event.kind == 0xE0]
    assert bends == [(0, b"\x00\x50"), (96, b"\x00\x40"), (191, b"\x00\x50")]


def test_tracks_of_a_file_with_one_chunk_are_its_channels() -> None:
    content = b"\x00\xc0\x28" + b"\x00\x90\x3c\x40\x00\x99\x24\x40\x60\x80\x3c\x00\x00\x89\x24\x00"
    tracks = given_tracks(midi(track(meta(3, b"All") + content), midi_format=0))
    assert [(given_track.name, given_track.channel, given_track.is_drum) for given_track in tracks] == [
        ("Violin", 0, False),
        ("Drums", 9, True),
    ]
    after = add_tracks(midi(track(content), midi_format=0), [Part("Bass", 33, Notes.from_rows([(0, 96, 40, 80)]))])
    assert split_chunks(after).midi_format == 1
    assert [given_track.name for given_track in given_tracks(after)] == ["Violin", "Drums", "Bass"]
    assert given_tracks(after)[-1].channel not in (0, 9)


def test_sixteen_channels_are_enough_or_the_reason_is_given() -> None:
    content = b"".join(bytes((0, 0x90 | channel, 60, 64, 1, 0x80 | channel, 60, 0)) for channel in range(16))
    with pytest.raises(InvalidRequest, match="all are taken: 1"):
        add_tracks(midi(track(content)), [Part("Bass", 33, Notes.from_rows([(0, 96, 40, 80)]))])
    add_tracks(midi(track(content)), [Part("Drums", 0, Notes.from_rows([(0, 96, 40, 80)]), is_drum=True)])


def test_hostile_files_are_taken_or_refused() -> None:
    for file in hostile_files():
        if len(file.data) > 200_000:
            continue
        try:
            read_midi(file.data, LIMITS)
            tracks = given_tracks(file.data if file.data[:4] == b"MThd" else b"")
        except BandmateError:
            continue
        for given_track in tracks[:2]:
            replace_notes(
                file.data, [Replacement(given_track.chunk, given_track.channel, ((0, 480),), ((0, 100, 60, 80),))]
            )
