"""A melody with words becomes notes to sing: one voice, a syllable a note, what cannot be sung refused."""

import pytest
from bandmate_local.melody import vocal_request
from bandmate_shared.errors import InvalidRequest
from bandmate_shared.music.score import Lyric, Notes, Part, Score, TempoChange

QUARTER = 480
TUNE = [(0, QUARTER, 62, 80), (QUARTER, QUARTER, 64, 80), (2 * QUARTER, 2 * QUARTER, 66, 80)]
BASS = Part("Bass", 32, Notes.from_rows([(0, 4 * QUARTER, 38, 80)]))
DRUMS = Part("Drums", 0, Notes.from_rows([(0, QUARTER, 90, 80)]), is_drum=True)


def score(*parts: Part) -> Score:
    return Score(parts=parts, tempi=(TempoChange(0, 120.0),))


def test_the_scores_own_lyrics_are_sung_where_they_stand() -> None:
    sung = Part("Voice", 52, Notes.from_rows(TUNE), lyrics=(Lyric(0, "morn", False), Lyric(QUARTER, "ing")))
    request = vocal_request(score(BASS, DRUMS, sung), None, "anna")
    assert [(note.syllable, note.word_end) for note in request.notes] == [
        ("morn", False), ("ing", True), (None, True)
    ]  # fmt: skip
    assert [(note.onset, note.duration, note.pitch) for note in request.notes] == [
        (0.0, 0.5, 62), (0.5, 0.5, 64), (1.0, 1.0, 66)
    ]  # fmt: skip
    assert request.voice == "anna"
    assert request.seconds == pytest.approx(2.5)


def test_given_words_go_on_the_highest_part_a_syllable_a_note() -> None:
    request = vocal_request(score(BASS, DRUMS, Part("Fiddle", 40, Notes.from_rows(TUNE))), "Morning sun", None)
    assert [note.syllable for note in request.notes] == ["Mor", "ning", "sun"]
    assert [note.word_end for note in request.notes] == [False, True, True]


def test_of_a_chord_the_top_is_sung_and_an_overlap_is_cut() -> None:
    chord = [(0, 3 * QUARTER, 60, 80), (0, 3 * QUARTER, 67, 80), (QUARTER, QUARTER, 65, 80)]
    request = vocal_request(score(Part("Piano", 0, Notes.from_rows(chord))), "la la", None)
    assert [(note.onset, note.duration, note.pitch) for note in request.notes] == [(0.0, 0.5, 67), (0.5, 0.5, 65)]


@pytest.mark.parametrize(
    ("parts", "words", "message"),
    [
        ((DRUMS,), "la", "no notes with a pitch"),
        ((BASS,), None, "--lyrics"),
        ((BASS,), "too many syllables", "only 1 notes"),
    ],
)
def test_what_cannot_be_sung_is_refused(parts: tuple[Part, ...], words: str | None, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        vocal_request(score(*parts), words, None)
