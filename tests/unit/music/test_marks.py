"""Sections and chord symbols in MIDI files: what is read as a mark, and what is not."""

import io
import random

import mido
import pytest
from bandmate_music.limits import Limits
from bandmate_music.marks import MAX_SECTION_CHARACTERS
from bandmate_music.midi.read import read_midi
from bandmate_music.midi.write import write_midi
from bandmate_music.score import ChordMark, Notes, Part, Score, SectionMark
from bandmate_music.theory.chord_symbols import BadChord
from bandmate_shared.errors import LimitExceeded
from bandmate_shared.settings import SharedSettings

from tests.unit.music.hostile import FOUR, meta, midi, track

LIMITS = SharedSettings().file_limits


def test_another_reader_finds_sections_as_markers_and_chords_as_texts() -> None:
    part = Part("Tune", 0, Notes.from_rows([(0, 1920, 60, 80), (1920, 1920, 62, 80)]))
    score = Score(
        (part,), sections=(SectionMark(0, "Verse 1"), SectionMark(1920, "Refrão")), chords=(ChordMark(0, "Dm7"),)
    )
    conductor = mido.MidiFile(file=io.BytesIO(write_midi(score)), charset="utf-8").tracks[0]
    assert [message.text for message in conductor if message.type == "marker"] == ["Verse 1", "Refrão"]
    assert [message.text for message in conductor if message.type == "text"] == ["Dm7"]


def test_a_symbol_that_is_no_chord_cannot_be_a_mark() -> None:
    with pytest.raises(BadChord, match="'Hm'"):
        ChordMark(0, "Hm")


def read(*events: bytes, other: bytes = b"") -> Score:
    return read_midi(midi(track(b"".join(events)), track(other + FOUR)), LIMITS)


def test_markers_of_any_track_are_sections_in_order_of_time() -> None:
    score = read(meta(6, b"Chorus", 960), other=meta(6, b"  Verse\r\n 1 "))
    assert score.sections == (SectionMark(0, "Verse 1"), SectionMark(960, "Chorus"))


def test_of_two_marks_at_a_tick_the_later_holds_and_empty_ones_are_none() -> None:
    score = read(meta(6, b"A"), meta(6, b"B"), meta(6, b" \x00"), meta(1, b"C"), meta(1, b"Dm"))
    assert score.sections == (SectionMark(0, "B"),)
    assert score.chords == (ChordMark(0, "Dm"),)


def test_the_words_of_a_karaoke_file_are_no_chords() -> None:
    words = ["@KMIDI KARAOKE FILE", "\\A", " love", "ly", " day", " E", "ven", " so"]
    assert read(*(meta(1, word.encode(), 10) for word in words)).chords == ()


def test_a_comment_among_the_chords_stays_out() -> None:
    score = read(meta(1, b"written by hand"), meta(1, b"C", 480), meta(1, b"no chord", 480), meta(1, b"G7", 480))
    assert score.chords == (ChordMark(480, "C"), ChordMark(1440, "G7"))


def test_titles_in_other_encodings_and_long_ones_are_bounded() -> None:
    score = read(meta(6, "Refrão".encode("latin-1")), meta(6, b"x" * 100_000, 480), meta(1, b"C" * 100_000))
    assert score.sections[0].text.startswith("Refr")
    assert score.sections[1].text == "x" * MAX_SECTION_CHARACTERS
    assert score.chords == ()


@pytest.mark.parametrize("kind", [1, 6])
def test_a_flood_of_marks_is_refused(kind: int) -> None:
    data = midi(track(meta(kind, b"C", 1) * 60), track(FOUR))
    with pytest.raises(LimitExceeded, match="at least"):
        read_midi(data, Limits(notes=50))


def test_damaged_text_events_never_break_the_reader() -> None:
    rng = random.Random(7)
    for _ in range(300):
        events = bytearray(meta(1, b"C") + meta(6, b"A") + b"\x00\xf0\x02\x01\xf7" + meta(1, b"Dm7", 480))
        for _ in range(rng.randrange(1, 4)):
            events[rng.randrange(len(events))] = rng.randrange(256)
        try:
            read(bytes(events))
        except Exception as error:
            assert type(error).__module__.endswith("errors"), error  # noqa: PT017
