"""What is played with a sung score: its other parts, at the singing's pitch and tempo."""

import pytest
from bandmate_local.accompaniment import all_parts, other_parts
from bandmate_music.limits import Limits
from bandmate_music.midi.read import read_midi
from bandmate_music.score import Lyric, Notes, Part, Score, TempoChange
from bandmate_shared.singing.melody import Singing

QUARTER = 480
VOICE = Part("Voice", 52, Notes.from_rows([(0, QUARTER, 62, 80)]), lyrics=(Lyric(0, "la"),))
BASS = Part("Bass", 32, Notes.from_rows([(0, QUARTER, 38, 80)]))
FLUTE = Part("Flute", 73, Notes.from_rows([(0, QUARTER, 120, 80)]))
DRUMS = Part("Drums", 0, Notes.from_rows([(0, QUARTER, 36, 80)]), is_drum=True)


def played(midi: bytes | None) -> dict[str, list[int]]:
    assert midi is not None
    return {part.name: part.notes.pitch.tolist() for part in read_midi(midi, Limits()).parts}


def score(*parts: Part) -> Score:
    return Score(parts, tempi=(TempoChange(0, 100.0),))


def test_the_other_parts_move_with_the_voice_but_drums_do_not() -> None:
    midi = other_parts(score(VOICE, BASS, FLUTE, DRUMS), False, Singing(transpose=9, tempo=80.0))
    assert played(midi) == {"Bass": [47], "Flute": [117], "Drums": [36]}
    assert midi is not None
    assert read_midi(midi, Limits()).tempi[0].tempo == pytest.approx(80.0, abs=0.01)


def test_of_given_words_the_melody_is_left_out() -> None:
    tune = Part("Tune", 40, VOICE.notes)
    assert played(other_parts(score(BASS, tune), True, Singing())) == {"Bass": [38]}


def test_a_voice_alone_has_no_accompaniment_but_its_own_tune() -> None:
    assert other_parts(score(VOICE), False, Singing()) is None
    assert played(all_parts(score(VOICE), Singing())) == {"Voice": [62]}
