"""Instruments and notes by name."""

import pytest
from bandmate_music.general_midi import PROGRAM_NAMES
from bandmate_music.instruments import parse_instrument, playing_range
from bandmate_music.theory.note_names import note_name, parse_note


@pytest.mark.parametrize("program", range(128))
def test_general_midi_knows_its_own_names(program: int) -> None:
    for spelling in (PROGRAM_NAMES[program], PROGRAM_NAMES[program].upper(), PROGRAM_NAMES[program].replace("-", " ")):
        instrument = parse_instrument(spelling)
        assert instrument.program == program, spelling
    low, high = playing_range(program)
    assert 0 <= low < high <= 127


@pytest.mark.parametrize(
    ("name", "program"),
    [
        ("piano", 0),
        ("Guitar", 25),
        ("electric guitar", 27),
        ("bass", 33),
        ("double bass", 32),
        ("sax", 65),
        ("violins", 48),
        ("cellos", 42),
        ("strings", 48),
        ("voice", 52),
        ("organ", 16),
        ("flutes", 73),
    ],
)
def test_everyday_names(name: str, program: int) -> None:
    assert parse_instrument(name).program == program


def test_drums_are_no_program() -> None:
    assert parse_instrument("Drum kit").is_drum
    assert not parse_instrument("Steel Drums").is_drum


@pytest.mark.parametrize(
    ("name", "near"), [("vioin", "Violin"), ("guitr", "guitar"), ("bass tuba", "Tuba"), ("saxx", "sax")]
)
def test_an_unknown_one_gets_near_matches(name: str, near: str) -> None:
    with pytest.raises(ValueError, match=near):
        parse_instrument(name)


def test_one_that_is_near_nothing_gets_an_example() -> None:
    with pytest.raises(ValueError, match="General MIDI"):
        parse_instrument("qqqqqq")


@pytest.mark.parametrize(
    ("name", "pitch"), [("C4", 60), ("c4", 60), ("A0", 21), ("F#3", 54), ("Bb-1", 10), ("G9", 127), ("64", 64)]
)
def test_notes_by_name(name: str, pitch: int) -> None:
    assert parse_note(name) == pitch
    assert parse_note(note_name(pitch)) == pitch


@pytest.mark.parametrize("name", ["H4", "C", "C10", "Ab9", "128", "", "4C"])
def test_text_that_is_no_note_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="note"):
        parse_note(name)
