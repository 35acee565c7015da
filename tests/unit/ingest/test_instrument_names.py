"""What a part's name says of its instrument where its program says nothing."""

import pytest
from bandmate_ingest.cleaning.instruments import instruments_of
from bandmate_music.score import Notes, Part

from tests.unit.ingest.conftest import RULES, accepted_row, cleaned
from tests.unit.music.hostile import midi, track
from tests.unit.music.test_midi_state import KIT, named, notes

DRUMS = Part("Drums", 0, Notes(), is_drum=True)
LEAD = Part("Lead", 80, Notes())


@pytest.mark.parametrize(
    ("name", "instrument", "program"),
    [
        ("Bass", "bass", 33),
        ("BASS 1", "bass", 33),
        ("E-Bass", "bass", 33),
        ("Electric Bass", "bass", 33),
        ("Bass Guitar", "bass", 33),
        ("Bassgitarre", "bass", 33),
        ("Bajo", "bass", 33),
        ("Slap Bass", "bass", 36),
        ("Synth Bass", "bass", 38),
        ("Acoustic Bass", "bass", 32),
        ("5-string bass", "bass", 33),
        ("Double Bass", "strings", 43),
        ("Contrebasse", "strings", 43),
        ("Bassoon", "reed", 70),
        ("Bass Clarinet", "reed", 71),
        ("Ténor", "voice", 52),
        ("Tenor", "voice", 52),
        ("Vocals", "voice", 52),
    ],
)
def test_names_beside_drums(name: str, instrument: str, program: int) -> None:
    assert instruments_of([Part(name, 0, Notes()), DRUMS, LEAD])[0] == (instrument, program)


def test_the_bass_of_a_choir_is_a_singer_and_that_of_a_band_with_a_singer_is_not() -> None:
    choir = [Part(name, 0, Notes()) for name in ("Soprano", "Alto", "Tenor", "Bass")]
    assert [instrument for instrument, _ in instruments_of(choir)] == ["voice"] * 4
    assert [instrument for instrument, _ in instruments_of([*choir, DRUMS])] == ["voice"] * 4 + ["drums"]
    band = [Part(name, program, Notes()) for name, program in (("Vocals", 0), ("Bass", 0), ("Guitar", 27))]
    assert [instrument for instrument, _ in instruments_of(band)] == ["voice", "bass", "guitar"]


def test_the_bass_line_beside_drums_has_the_role_and_the_drums_off_channel_10_too() -> None:
    bass = named("Bass", notes((36, 43, 41, 36), length=1920))
    lead = named("Lead", b"\x00\xc2\x50" + notes((72, 74, 76, 77) * 4, 2, length=480))
    row = cleaned(midi(named("Drums", notes(KIT * 8, 3)), bass, lead))
    accepted_row(row)
    assert row.parts["role"].to_pylist() == ["drums", "bass", "melody"]
    assert row.parts["instrument"].to_pylist() == ["drums", "bass", "synth-lead"]


def test_the_report_names_repairs_and_strict_cleaning_rejects_them() -> None:
    broken = midi(track(b"\x00\x90\x3c\xc8\x60\x80\x3c\x40" + notes(tuple(range(60, 76)), length=480)))
    row = accepted_row(cleaned(broken))
    assert row["notices"] == ["data-bytes: data bytes over 127 are taken without their top bit: 1"]
    strict = type(RULES)(strict=True)
    (refused,) = cleaned(broken, rules=strict).files.to_pylist()
    assert refused["reason"] == "unreadable"
    assert "strict reading repairs nothing" in refused["detail"]
