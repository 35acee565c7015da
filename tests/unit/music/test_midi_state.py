"""What a file means beyond one track: rhythm parts, programs, notes without an end, patterns, running status."""

import pytest
from bandmate_music.limits import Limits
from bandmate_music.midi.read import read_midi
from bandmate_music.read import refuse_repairs
from bandmate_music.score import Score
from bandmate_shared.errors import UnreadableFile

from tests.unit.music.hostile import END, FOUR, NOTE, chunk, meta, midi, quantity, track, valid

LIMITS = Limits()
KIT = (36, 42, 38, 42)


def notes(pitches: tuple[int, ...], channel: int = 0, length: int = 240) -> bytes:
    """One note after the other, each released."""
    events = (bytes((0, 0x90 | channel, p, 90)) + quantity(length) + bytes((0x80 | channel, p, 64)) for p in pitches)
    return b"".join(events)


def named(name: str, events: bytes) -> bytes:
    return track(meta(3, name.encode()) + events)


def sysex(message: bytes) -> bytes:
    return b"\x00\xf0" + quantity(len(message) + 1) + message + b"\xf7"


def read(*tracks: bytes, **options: int) -> Score:
    return read_midi(midi(*tracks, **options), LIMITS)


def kinds(score: Score) -> dict[str, int]:
    return {notice.kind: notice.count for notice in score.notices}


@pytest.mark.parametrize(
    "kit",
    [
        named("Drums", notes(KIT * 8)),
        named("Schlagzeug", b"\x00\xc0\x00" + notes(KIT * 8)),
        named("Drum Kit", b"\x00\xc3\x19" + notes(KIT * 8, 3)),
        named("Part 11", sysex(b"\x41\x10\x42\x12\x40\x1a\x15\x02\x4f") + notes(KIT * 8, 10)),
        named("Part 1", sysex(b"\x41\x10\x42\x12\x40\x11\x15\x01\x18") + notes(KIT * 8, 0)),
        named("Part 12", sysex(b"\x43\x10\x4c\x08\x0b\x07\x02") + notes(KIT * 8, 11)),
        named("Track 11", b"\x00\xba\x00\x7f\x00\xba\x20\x00\x00\xca\x00" + notes(KIT * 8, 10)),
        named("Track 11", b"\x00\xba\x00\x78\x00\xca\x00" + notes(KIT * 8, 10)),
        named("Part 11", b"\x00\xf0\x04\x41\x10\x42\x12\x00\xf7\x06\x40\x1a\x15\x02\x0f\xf7" + notes(KIT * 8, 10)),
        named("Part 11", b"\x00\xf7\x0b\xf0\x41\x10\x42\x12\x40\x1a\x15\x02\x0f\xf7" + notes(KIT * 8, 10)),
        track(meta(4, b"Standard Drum Kit") + notes(KIT * 8, 2)),
        named("Track 3", meta(8, b"Drum Kit") + notes(KIT * 8, 2)),
    ],
    ids=[
        "name",
        "German name",
        "name and kit program",
        "GS part 11",
        "GS part 1",
        "XG part mode",
        "XG bank",
        "GM2 bank",
        "GS in two packets",
        "GS by an escape",
        "instrument name",
        "program name",
    ],
)
def test_rhythm_parts_off_channel_10_are_drums(kit: bytes) -> None:
    score = read(kit, named("Lead", b"\x00\xc1\x49" + notes((72, 74), 1)))
    assert [(part.is_drum, len(part.notes)) for part in score.parts] == [(True, 32), (False, 2)]
    assert kinds(score) == {"drums-off-channel-10": 32}


@pytest.mark.parametrize(
    ("name", "events"),
    [
        ("Steel Drums", notes((60, 62, 64, 65))),
        ("Drums", b"\x00\xc0\x0c" + notes((60, 62))),
        ("Drums", notes((96, 98, 100, 101))),
        ("Melody", notes(KIT)),
        ("Piano", b"\x00\xb0\x00\x00\x00\xc0\x00" + notes(KIT)),
        ("Lead", sysex(b"\x41\x10\x42\x12\x40\x00\x7f\x00\x41") + b"\x00\xb0\x00\x7f\x00\xc0\x30" + notes(KIT)),
        ("Flute", b"\x00\xb9\x00\x79\x00\xc9\x49" + notes(KIT, 9)),
    ],
    ids=["steel drums", "a marimba", "too high for drums", "no drum name", "bank 0", "bank 127 of GS", "GM2 melody"],
)
def test_what_is_no_rhythm_part_stays_pitched(name: str, events: bytes) -> None:
    score = read(named(name, events))
    assert not score.parts[0].is_drum
    assert score.notices == ()


def test_a_gs_message_can_make_channel_10_a_melody() -> None:
    off = sysex(b"\x41\x10\x42\x12\x40\x10\x15\x00\x1b")
    (part,) = read(named("Lead", off + notes((72, 74), 9))).parts
    assert not part.is_drum
    assert part.notes.pitch.tolist() == [72, 74]


def test_a_program_of_another_track_counts() -> None:
    setup = track(b"\x00\xc4\x3e\x00\xc5\x21")
    score = read(setup, named("A", notes((60, 62), 4)), named("B", notes((36, 38), 5)), named("C", notes((70,), 6)))
    assert [part.program for part in score.parts] == [62, 33, 0]
    assert kinds(score) == {"programs-of-other-tracks": 2}


def test_a_track_with_a_program_of_its_own_keeps_it() -> None:
    score = read(named("A", b"\x00\xc4\x3e" + notes((60,), 4)), named("B", b"\x00\xc4\x01" + notes((36,), 4)))
    assert [part.program for part in score.parts] == [62, 1]
    assert score.notices == ()


def test_a_program_belongs_to_a_port() -> None:
    other_port = track(meta(0x21, b"\x01") + b"\x00\xc4\x3e")
    assert [part.program for part in read(other_port, named("A", notes((60,), 4))).parts] == [0]


def test_a_chord_that_is_never_released_lasts_to_the_end_of_its_track() -> None:
    chord = b"\x00\x90\x3c\x50\x00\x90\x40\x50\x00\x90\x43\x50"
    score = read(track(NOTE + chord, end=b"\x8f\x00\xff\x2f\x00"))
    (part,) = score.parts
    assert part.notes.onset.tolist() == [0, 480, 480, 480]
    assert part.notes.duration.tolist() == [480, 1920, 1920, 1920]
    assert kinds(score) == {"unreleased-notes": 3}
    refuse_repairs(score)


def test_a_note_that_is_never_released_lasts_to_the_next_of_its_pitch() -> None:
    strokes = b"\x00\x90\x3c\x50" + b"\x83\x60\x90\x3c\x50" + b"\x83\x60\x80\x3c\x40"
    score = read(track(strokes))
    assert [(n, d) for n, d in zip(score.parts[0].notes.onset, score.parts[0].notes.duration, strict=True)] == [
        (0, 480),
        (480, 480),
    ]
    assert kinds(score) == {"unreleased-notes": 1}


def test_drums_without_note_offs_are_not_empty() -> None:
    hits = b"".join(b"\x81\x70\x99" + bytes((pitch, 100)) for pitch in KIT * 32)
    score = read(named("Drums", hits), track(FOUR))
    assert [(part.is_drum, len(part.notes)) for part in score.parts] == [(True, 128), (False, 4)]
    assert int(score.parts[0].notes.duration.max()) <= 120
    assert kinds(score) == {"unreleased-notes": 128}


def test_format_2_is_refused_and_a_single_pattern_is_not() -> None:
    with pytest.raises(UnreadableFile, match="format 2: it holds 2 independent patterns"):
        read(track(FOUR), track(FOUR), midi_format=2)
    assert read(track(FOUR), midi_format=2).note_count == 4
    with_tempo = read(track(meta(0x51, b"\x06\x1a\x80")), track(FOUR), midi_format=2)
    assert (with_tempo.note_count, with_tempo.tempi[0].tempo) == (4, 150)


def test_running_status_goes_on_after_a_system_exclusive_message() -> None:
    score = read(track(b"\x00\x90\x3c\x40" + sysex(b"\x43\x12\x00") + b"\x60\x3c\x00\x00\x3e\x40\x60\x3e\x00" + FOUR))
    assert score.note_count == 6
    assert kinds(score) == {"running-status": 3}


@pytest.mark.parametrize(
    ("data", "count", "kind"),
    [
        (midi(track(b"\x00\x90\x3c\xc8\x60\x80\x3c\x40" + FOUR)), 5, "data-bytes"),
        (midi(track(b"\x00\xc0\xa8" + FOUR)), 4, "data-bytes"),
        (midi(b"MTrk\x00\x00\x00\x04" + FOUR + END), 4, "track-length"),
        (midi(b"MTrk\x00\x00\x10\x00" + FOUR + END), 4, "track-length"),
        (midi(b"MTrk\x00\x00\x00\x40" + FOUR + END + track(FOUR)), 8, "track-length"),
        (midi(track(FOUR, end=b"")), 4, "no-end-of-track"),
        (midi(track(FOUR + b"\x00\x90\x3c", end=b"")), 4, "cut-off"),
        (midi(track(FOUR + b"\xff\xff\xff\xff\xff" + FOUR)), 8, "stray-bytes"),
        (midi(track(b"\x00\xf8" + FOUR)), 4, "system-bytes"),
        (midi(track(FOUR + END + NOTE)), 4, "after-end"),
        (midi(chunk(b"MTrj", FOUR + END)), 4, "track-kind"),
        (midi(track(b"\x00\x90\xbc\x40\x60\x80\xbc\x40" + FOUR)), 5, "data-bytes"),
        (midi(track(FOUR), b"\x00\x00\x00", track(FOUR)), 8, "bytes-between-chunks"),
        (bytes(128) + midi(track(FOUR)), 4, "leading-bytes"),
    ],
    ids=[
        "velocity over 127",
        "program over 127",
        "track too short",
        "track too long",
        "track takes the next",
        "no end",
        "cut off",
        "stray bytes",
        "real time",
        "after the end",
        "another kind",
        "pitch over 127",
        "between chunks",
        "MacBinary",
    ],
)
def test_clear_damage_is_repaired_and_named_and_strict_reading_refuses_it(data: bytes, count: int, kind: str) -> None:
    score = read_midi(data, LIMITS)
    assert score.note_count == count
    assert kind in kinds(score)
    with pytest.raises(UnreadableFile, match="strict reading repairs nothing"):
        refuse_repairs(score)


def test_sound_files_have_no_notices() -> None:
    assert read_midi(valid(), LIMITS).notices == ()


@pytest.mark.parametrize("data", [midi(track(b"\x00\x3c\x40")), midi(track(NOTE + b"\xf9" * 3 + b"\xf4\xff" * 200))])
def test_damage_without_a_clear_meaning_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableFile, match="damaged"):
        read_midi(data, LIMITS)


def test_all_notes_off_ends_notes_that_are_never_released() -> None:
    silenced = b"".join(
        bytes((0, 0x90, pitch, 80)) + b"\x81\x70\xb0\x7b\x00" + b"\x81\x70\xb0\x07\x40" for pitch in (60, 62)
    )
    (part,) = read(track(silenced)).parts
    assert part.notes.duration.tolist() == [240, 240]


def test_a_text_names_the_instrument_of_a_track_whose_name_and_program_say_nothing() -> None:
    kit = named("Drums", notes(KIT, 9))
    texts = [meta(4, b"Electric Bass"), meta(4, b"Bass"), meta(4, b"Oboe") + b"\x00\xc2\x49"]
    tracks = [named(f"Track {n}", text + notes((40, 43), n)) for n, text in enumerate(texts)]
    score = read(kit, *tracks, track(meta(4, b"Flute") + notes((72,), 5)))
    assert [(part.name, part.program) for part in score.parts[1:]] == [
        ("Track 0", 33),
        ("Track 1", 33),
        ("Track 2", 73),
        ("Flute", 73),
    ]
    assert kinds(score) == {"instruments-by-name": 3}
