"""Scores survive a round trip through MIDI, and other readers read the files too."""

import io
from collections import Counter

import numpy as np
import pretty_midi
import pytest
from bandmate_music.midi.lyrics import lyrics_from_events
from bandmate_music.midi.read import read_midi
from bandmate_music.midi.write import write_midi
from bandmate_music.score import Lyric, Notes, Part, Score, TempoChange
from bandmate_shared.errors import InvalidRequest
from bandmate_shared.settings import SharedSettings
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.music.hostile import meta, midi, track
from tests.unit.music.scores import assert_same, scores

LIMITS = SharedSettings().file_limits


@settings(max_examples=80, deadline=None)
@given(scores())
def test_a_score_comes_back_as_it_was(score: Score) -> None:
    data = write_midi(score)
    assert data == write_midi(score)
    assert_same(score, read_midi(data, LIMITS))


@settings(max_examples=300)
@given(st.integers(50, 100_000))
def test_a_tempo_of_three_digits_comes_back_as_asked(thousandths: int) -> None:
    tempo = thousandths * 10 / 1000 if thousandths > 5000 else 5 + thousandths / 100
    notes = Notes.from_rows([(0, 480, 60, 80)])
    score = Score((Part("", 0, notes),), tempi=(TempoChange(0, tempo),))
    (change,) = read_midi(write_midi(score), LIMITS).tempi
    assert change.tempo == pytest.approx(tempo, rel=2e-5)
    if float(tempo).is_integer():
        assert change.tempo == tempo


def test_forty_parts_stay_separate() -> None:
    """More than the 15 pitched channels; each part with its own program, and the drums on channel 10."""
    parts = [Part(f"part {n}", n, Notes.from_rows([(n * 10, 480, 60, 1 + n)]), n % 13 == 5) for n in range(40)]
    score = Score(tuple(parts))
    data = write_midi(score)
    assert_same(score, read_midi(data, LIMITS))
    midi_file = pretty_midi.PrettyMIDI(io.BytesIO(data))
    assert sum(instrument.is_drum for instrument in midi_file.instruments) == 3
    assert sum(len(instrument.notes) for instrument in midi_file.instruments) == 40


@settings(max_examples=30, deadline=None)
@given(scores(most_parts=3))
def test_another_reader_reads_the_same_notes(score: Score) -> None:
    midi_file = pretty_midi.PrettyMIDI(io.BytesIO(write_midi(score)))
    seconds = Counter(
        (round(note.start, 3), note.pitch, note.velocity, i.is_drum) for i in midi_file.instruments for note in i.notes
    )
    expected: Counter[tuple[float, int, int, bool]] = Counter()
    for part in score.parts:
        onsets = np.round(score.seconds_at(part.notes.onset), 3).tolist()
        columns = zip(onsets, part.notes.pitch.tolist(), part.notes.velocity.tolist(), strict=True)
        expected.update((onset, pitch, velocity, part.is_drum) for onset, pitch, velocity in columns)
    worst = max((abs(a[0] - b[0]) for a, b in zip(sorted(seconds), sorted(expected), strict=True)), default=0)
    assert worst < 0.005
    assert sum(seconds.values()) == sum(expected.values())


def test_repeated_notes_keep_their_lengths() -> None:
    """A note that begins where the last of its pitch ends, a note of no length, and two staggered ones."""
    notes = Notes.from_rows([(0, 10, 60, 80), (10, 0, 60, 70), (10, 10, 60, 90), (15, 20, 60, 50)])
    assert_same(Score((Part("", 0, notes),)), read_midi(write_midi(Score((Part("", 0, notes),))), LIMITS))


def test_scores_that_midi_cannot_hold_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="1 to 32767 ticks"):
        write_midi(Score((), ticks_per_quarter=40_000))
    late = Notes.from_rows([(2**28 + 5, 10, 60, 80)])
    with pytest.raises(InvalidRequest, match="cannot represent tick"):
        write_midi(Score((Part("", 0, late),)))


@pytest.mark.parametrize(
    "texts",
    [
        ("Twin-", "kle", "lit-", "tle", "star"),
        ("Twin", "kle ", "lit", "tle ", "star"),
        ("\\Twin", "kle", " lit", "tle", " star"),
    ],
    ids=["hyphens", "spaces after", "karaoke"],
)
def test_every_spelling_of_words_in_syllables(texts: tuple[str, ...]) -> None:
    lyrics = lyrics_from_events(list(enumerate(texts)))
    assert [lyric.text for lyric in lyrics] == ["Twin", "kle", "lit", "tle", "star"]
    assert [lyric.word_end for lyric in lyrics] == [False, True, False, True, True]


def test_words_in_a_track_of_their_own_find_their_melody() -> None:
    note = b"\x60\x90\x3c\x40\x60\x80\x3c\x40"
    words = meta(3, b"Words") + meta(5, b"la-", 96) + meta(5, b"lo", 192)
    accompaniment = b"\x10\x90\x24\x40\x60\x80\x24\x40" * 3
    data = midi(track(words), track(meta(3, b"Bass") + accompaniment), track(meta(3, b"Tune") + note * 2))
    bass, tune = read_midi(data, LIMITS).parts
    assert bass.lyrics == ()
    assert tune.lyrics == (Lyric(96, "la", False), Lyric(288, "lo", True))


def test_the_first_track_names_the_piece_only_where_it_has_no_notes() -> None:
    note = b"\x60\x90\x3c\x40\x60\x80\x3c\x40"
    conducted = midi(track(meta(0x51, b"\x07\xa1\x20") + meta(3, b"Piece")), track(meta(3, b"Tune") + note))
    plain = midi(track(meta(3, b"Tune") + note), track(meta(3, b"Bass") + note))
    assert read_midi(conducted, LIMITS).title == "Piece"
    assert read_midi(plain, LIMITS).title == ""


def test_frames_become_seconds() -> None:
    """25 frames of 40 ticks: 1,000 ticks are a second."""
    data = midi(track(b"\x00\x90\x3c\x40\x8f\x50\x80\x3c\x40"), division=0xE728)
    assert read_midi(data, LIMITS).seconds == pytest.approx(2.0)
