"""Metre, upbeat, key, tempo, instruments and roles."""

from dataclasses import replace

import numpy as np
import pytest
from bandmate_ingest.cleaning.tempo import countable, main_tempo
from bandmate_music.score import KeyChange, MetreChange, Notes, Part, Score, TempoChange
from bandmate_music.theory.keys import Key
from bandmate_music.theory.metre import Metre
from hypothesis import given
from hypothesis import strategies as st

from tests.support.tunes import tune
from tests.unit.ingest.conftest import accepted_row, cleaned, moved, rows, steps


def waltz(bars: int = 24) -> Score:
    """Bass on one, chords on two and three."""
    melody = [
        (bar * 1440 + beat * 480, 480, 72 + (bar * 5 + beat * 3) % 8, 80) for bar in range(bars) for beat in (0, 1, 2)
    ]
    bass = [(bar * 1440, 960, 40 + bar % 5, 90) for bar in range(bars)]
    chords = [
        (bar * 1440 + beat * 480, 240, 60 + third, 60) for bar in range(bars) for beat in (1, 2) for third in (0, 4)
    ]
    parts = (
        Part("", 73, Notes.from_rows(melody)),
        Part("", 0, Notes.from_rows(chords)),
        Part("", 32, Notes.from_rows(bass)),
    )
    return Score(parts, tempi=(TempoChange(0, 150.0),))


def test_an_unstated_metre_is_heard() -> None:
    row = accepted_row(cleaned(waltz()))
    assert (row["numerator"], row["denominator"]) == (3, 4)
    assert steps(row)["metre-estimated"] == 1
    silent = replace(tune(4, bars=24), metres=())
    row = accepted_row(cleaned(silent))
    assert (row["numerator"], row["denominator"]) == (4, 4)


def test_bars_cover_the_piece_without_gaps(chorales: dict[str, Score]) -> None:
    for score in list(chorales.values())[:20]:
        batch = cleaned(score)
        onset, length = (batch.measures[name].to_numpy() for name in ("onset", "length"))
        assert onset[0] == 0
        assert (onset[1:] == onset[:-1] + length[:-1]).all()
        assert onset[-1] + length[-1] >= max(row[2] for row in rows(batch))


def test_an_upbeat_is_given_its_place_in_the_bar(chorales: dict[str, Score]) -> None:
    """The chorales state their upbeats; a conversion that forgets them shifts every barline by one beat.

    In chorales accents are weak: about half of the upbeats are found, but almost no wrong ones.
    """
    common = Metre(4, 4)
    placed = missed = wrong = 0
    for score in chorales.values():
        if len(score.metres) != 2 or (score.metres[0].metre, score.metres[1].metre) != (Metre(1, 4), common):
            continue
        stated, forgotten = cleaned(score), cleaned(replace(score, metres=(MetreChange(0, common),)))
        assert min(row[2] for row in rows(stated)) == 72
        start = min(row[2] for row in rows(forgotten))
        placed, missed, wrong = placed + (start == 72), missed + (start == 0), wrong + (start not in (0, 72))
    assert placed >= 0.4 * (placed + missed)
    assert placed + missed >= 30
    assert wrong <= 3


def test_barlines_that_are_right_are_left_alone(chorales: dict[str, Score]) -> None:
    moved_bars = [
        steps(accepted_row(cleaned(score))).get("upbeat", 0) for score in chorales.values() if len(score.metres) == 1
    ]
    assert sum(moved_bars) <= 0.1 * len(moved_bars)


def test_leading_silence_is_dropped_in_whole_bars() -> None:
    score = tune(6)
    batch = cleaned(moved(score, ticks=3 * 4 * 480))
    assert rows(batch) == rows(cleaned(score))
    assert steps(accepted_row(batch))["leading-silence"] == 1


def test_a_change_of_metre_within_a_bar_cuts_it_short() -> None:
    score = replace(tune(1), metres=(MetreChange(0, Metre(4, 4)), MetreChange(4 * 1920 + 960, Metre(3, 4))))
    batch = cleaned(score)
    assert batch.measures["length"].to_pylist()[:7] == [96, 96, 96, 96, 48, 72, 72]


@pytest.mark.parametrize("semitones", [-5, 0, 3])
def test_the_key_moves_with_the_music(chorales: dict[str, Score], semitones: int) -> None:
    for score in list(chorales.values())[:12]:
        unstated = replace(score, keys=())
        row, moved_row = accepted_row(cleaned(unstated)), accepted_row(cleaned(moved(unstated, semitones=semitones)))
        assert moved_row["tonic"] == (int(str(row["tonic"])) + semitones) % 12
        assert moved_row["mode"] == row["mode"]


def test_the_key_agrees_with_the_signature_of_chorales(chorales: dict[str, Score]) -> None:
    """Without being told the signature. Modal chorales have one that no major or minor key has, so not all can."""
    agreed = []
    for score in chorales.values():
        row = accepted_row(cleaned(replace(score, keys=())))
        agreed.append(Key(int(str(row["tonic"])), row["mode"]).fifths == score.keys[0].key.fifths)  # type: ignore[arg-type]
    assert np.mean(agreed) >= 0.75


def test_a_stated_signature_decides_between_near_keys() -> None:
    scale = [0, 2, 4, 5, 7, 9, 7, 5, 4, 2, 0, 0]
    notes = Notes.from_rows([(480 * i, 480, 60 + step, 80) for i, step in enumerate(scale * 2)])
    for fifths_key in (Key(0, "major"), Key(5, "major")):
        row = accepted_row(cleaned(Score((Part("", 0, notes),), keys=(KeyChange(0, fifths_key),))))
        assert row["tonic"] in (0, 5)


@given(st.floats(0.01, 50_000))
def test_every_tempo_becomes_countable(tempo: float) -> None:
    countable_tempo, halvings = countable(tempo)
    assert 20 <= countable_tempo <= 300
    assert countable_tempo * 2.0**halvings == pytest.approx(tempo)


def test_the_main_tempo_is_the_one_most_is_played_at() -> None:
    changes = [TempoChange(0, 60.0), TempoChange(480, 100.0), TempoChange(48_000, 40.0)]
    assert main_tempo(changes, 50_000) == (100.0, True)
    assert main_tempo([TempoChange(0, 60_000_000.0)], 100) == (120.0, False)


def test_a_hasty_tempo_is_counted_in_halves() -> None:
    score = replace(tune(3), tempi=(TempoChange(0, 400.0),))
    batch = cleaned(score)
    row = accepted_row(batch)
    assert row["tempo"] == 200.0
    assert (row["numerator"], row["denominator"]) == (4, 8)
    assert row["seconds"] == pytest.approx(16 * 4 * 60 / 400, rel=0.01)


@pytest.mark.parametrize(
    ("name", "program", "drum", "instrument", "mapped"),
    [
        ("Singstimme\nVoice", 68, False, "voice", 52),
        ("Soprano", 0, False, "voice", 52),
        ("Tenor Sax", 66, False, "reed", 66),
        ("Bass", 33, False, "bass", 33),
        ("Violino I", 0, False, "strings", 40),
        ("Violoncello", 0, False, "strings", 42),
        ("Pianoforte", 0, False, "piano", 0),
        ("", 30, False, "guitar", 30),
        ("Kit", 0, True, "drums", 0),
        ("Choir", 53, False, "voice", 53),
    ],
)
def test_instruments_are_known_by_program_and_name(
    name: str, program: int, drum: bool, instrument: str, mapped: int
) -> None:
    score = tune(1)
    batch = cleaned(score.with_parts([Part(name, program, score.parts[0].notes, drum)]))
    assert batch.parts["instrument"].to_pylist() == [instrument]
    assert batch.parts["program"].to_pylist() == [mapped]


def test_the_parts_of_a_chorale_have_their_roles(chorale: Score) -> None:
    assert cleaned(chorale).parts["role"].to_pylist() == ["melody", "harmony", "harmony", "bass"]


def test_a_song_is_a_melody_and_its_accompaniment() -> None:
    chords = Notes.from_rows([(480 * i, 480, pitch, 60) for i in range(64) for pitch in (48, 64, 79, 84)])
    score = tune(1).with_parts([Part("Piano", 0, chords), Part("Voice", 68, tune(1).parts[0].notes)])
    assert cleaned(score).parts["role"].to_pylist() == ["harmony", "melody"]
