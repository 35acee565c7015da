"""A melody with words becomes notes to sing: one voice, one syllable per note; anything else is refused."""

from itertools import pairwise

import pytest
from bandmate_local.melody import vocal_request
from bandmate_music.musicxml.read import read_musicxml
from bandmate_music.musicxml.write import write_musicxml
from bandmate_music.score import Lyric, Notes, Part, Score, TempoChange
from bandmate_shared.contracts.vocals import VocalRequest
from bandmate_shared.errors import InvalidRequest
from bandmate_shared.settings import SharedSettings
from bandmate_shared.singing.melody import Singing
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

QUARTER = 480
TUNE = [(0, QUARTER, 62, 80), (QUARTER, QUARTER, 64, 80), (2 * QUARTER, 2 * QUARTER, 66, 80)]
BASS = Part("Bass", 32, Notes.from_rows([(0, 4 * QUARTER, 38, 80)]))
DRUMS = Part("Drums", 0, Notes.from_rows([(0, QUARTER, 90, 80)]), is_drum=True)


def score(*parts: Part) -> Score:
    return Score(parts=parts, tempi=(TempoChange(0, 120.0),))


def test_the_scores_own_lyrics_are_sung_where_they_stand() -> None:
    sung = Part("Voice", 52, Notes.from_rows(TUNE), lyrics=(Lyric(0, "morn", False), Lyric(QUARTER, "ing")))
    request = vocal_request(score(BASS, DRUMS, sung), None, Singing(voices=("anna",)))
    assert [(note.syllable, note.word_end) for note in request.notes] == [("morn", False), ("ing", True), (None, True)]
    timed_pitches = [(note.onset, note.duration, note.pitch) for note in request.notes]
    assert timed_pitches == [(0.0, 0.5, 62), (0.5, 0.5, 64), (1.0, 1.0, 66)]
    assert request.voice == "anna"
    assert request.seconds == pytest.approx(2.5)


def test_given_words_hold_a_vowel_at_a_hyphen_or_an_underscore() -> None:
    fiddle = Part("Fiddle", 40, Notes.from_rows([(number * QUARTER, QUARTER, 62, 80) for number in range(6)]))
    request = vocal_request(score(fiddle), "Mor _ ning -\nsun", Singing())
    assert [(note.syllable, note.line_end) for note in request.notes] == [
        ("Mor", False),
        (None, False),
        ("ning", True),
        (None, False),
        ("sun", True),
        (None, False),
    ]
    with pytest.raises(InvalidRequest, match="write a syllable before the first"):
        vocal_request(score(fiddle), "_ sun", Singing())


def test_given_words_go_on_the_highest_part_a_syllable_a_note() -> None:
    request = vocal_request(score(BASS, DRUMS, Part("Fiddle", 40, Notes.from_rows(TUNE))), "Morning sun", Singing())
    assert [note.syllable for note in request.notes] == ["Mor", "ning", "sun"]
    assert [note.word_end for note in request.notes] == [False, True, True]


def test_of_a_chord_the_top_is_sung_and_an_overlap_is_cut() -> None:
    chord = [(0, 3 * QUARTER, 60, 80), (0, 3 * QUARTER, 67, 80), (QUARTER, QUARTER, 65, 80)]
    request = vocal_request(score(Part("Piano", 0, Notes.from_rows(chord))), "la la", Singing())
    assert [(note.onset, note.duration, note.pitch) for note in request.notes] == [(0.0, 0.5, 67), (0.5, 0.5, 65)]


LEGATO = [(i * QUARTER // 2, QUARTER // 2, 60 + i % 7, 80) for i in range(64)]


@given(
    tempo=st.one_of(st.integers(30, 300).map(float), st.floats(30, 300)),
    ticks_per_quarter=st.sampled_from([24, 96, 220, 480, 960, 10080]),
)
def test_a_legato_tune_is_sung_at_every_tempo(tempo: float, ticks_per_quarter: int) -> None:
    """Rounding onset and duration each to microseconds made touching notes overlap at most tempi."""
    part = Part("Voice", 52, Notes.from_rows(LEGATO), lyrics=(Lyric(0, "la"),))
    tune = Score(parts=(part,), tempi=(TempoChange(0, tempo),), ticks_per_quarter=ticks_per_quarter)
    notes = vocal_request(tune, None, Singing()).notes
    for note, following in pairwise(notes):
        assert abs(note.onset + note.duration - following.onset) < 1e-9


def test_a_legato_tune_out_of_musicxml_is_sung() -> None:
    """A score as notation programs write them: triplets, ties and a tempo that divides nothing evenly."""
    part = Part("Voice", 52, Notes.from_rows([(i * 160, 160, 60 + i, 80) for i in range(24)]), lyrics=(Lyric(0, "la"),))
    tune = Score(parts=(part,), tempi=(TempoChange(0, 97.0), TempoChange(QUARTER * 3, 83.0)))
    read = read_musicxml(write_musicxml(tune), SharedSettings().file_limits)
    assert len(vocal_request(read, None, Singing()).notes) == 24


def test_an_overlap_of_a_grid_step_is_trimmed_and_a_longer_one_refused() -> None:
    def request(duration: float) -> VocalRequest:
        notes = [
            {"onset": 0.0, "duration": duration, "pitch": 60, "syllable": "la"},
            {"onset": 0.5, "duration": 0.5, "pitch": 62},
        ]
        return VocalRequest.model_validate({"notes": notes, "seconds": 1.5})

    assert [request(duration).notes[0].duration for duration in (0.4, 0.5, 0.54)] == [0.4, 0.5, 0.5]
    with pytest.raises(ValidationError, match="note 1 begins before"):
        request(0.56)


def test_notes_of_several_singers_may_overlap_and_each_has_a_voice() -> None:
    notes = [
        {"onset": 0.0, "duration": 2.0, "pitch": 60, "syllable": "la", "singer": 0},
        {"onset": 0.0, "duration": 0.52, "pitch": 67, "syllable": "lo", "singer": 1},
        {"onset": 0.5, "duration": 1.5, "pitch": 69, "singer": 1},
    ]
    request = VocalRequest.model_validate({"notes": notes, "seconds": 2.0, "voices": ["alto", "tenor"]})
    assert {singer: [note.duration for note in line] for singer, line in request.singers().items()} == {
        0: [2.0],
        1: [0.5, 1.5],
    }
    assert [request.voice_of(singer) for singer in (0, 1)] == ["alto", "tenor"]
    with pytest.raises(ValidationError, match="names 1 voices, but the notes have 2 singers"):
        VocalRequest.model_validate({"notes": notes, "seconds": 2.0, "voices": ["alto"]})


@pytest.mark.parametrize(
    ("parts", "words", "message"),
    [
        ((DRUMS,), "la", "no notes with a pitch"),
        ((BASS,), None, "--lyrics"),
        ((BASS,), "too many syllables", "only 1 notes"),
    ],
)
def test_melodies_that_cannot_be_sung_are_refused(parts: tuple[Part, ...], words: str | None, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        vocal_request(score(*parts), words, Singing())
