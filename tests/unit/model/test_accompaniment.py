"""The chord labels of training pieces come from what accompanies the melody."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bandmate_model.cells.chord_estimate import NO_CHORD, half_bar_chords
from bandmate_model.cells.pieces import cells_of
from bandmate_model.cells.vocabulary import QUALITIES
from bandmate_model.data.accompaniment import harmony_parts
from bandmate_model.data.pieces import PartInfo, Piece
from bandmate_model.data.read_dataset import read_pieces
from bandmate_model.data.tokens import duration_token
from hypothesis import given
from hypothesis import strategies as st

VOICE = PartInfo(0, "Voice", 52, False, "voice")
PIANO = PartInfo(1, "Piano", 0, False, "piano")
BASS = PartInfo(2, "Bass", 33, False, "bass")
DRUMS = PartInfo(3, "Drums", 0, True, "drums")
WHOLE = duration_token(48)
TRIADS = [(48, 52, 55), (53, 57, 60), (55, 59, 62), (57, 60, 64)]
NAMES = [(0, ""), (5, ""), (7, ""), (9, "m")]

Row = tuple[int, int, int, int, int]


def song(melody: list[int], parts: tuple[PartInfo, ...] = (VOICE, PIANO), *, more: tuple[Row, ...] = ()) -> Piece:
    """Four bars: a chord a bar in the piano, a melody in quarters above."""
    rows: list[Row] = [(0, 24 * place, 24, pitch, 80) for place, pitch in enumerate(melody)]
    rows += [(1, 96 * bar + 48 * half, 48, p, 80) for bar, triad in enumerate(TRIADS) for half in (0, 1) for p in triad]
    numbers = {part.part for part in parts}
    kept = sorted(row for row in [*rows, *more] if row[0] in numbers)
    bars = ((96, 4, 4),) * 4
    return Piece("a", "song", "train", 0, "major", 100.0, bars, parts, np.array(kept, np.int32).reshape(-1, 5))


def names(piece: Piece) -> list[tuple[int, str] | None]:
    """The chord of each half bar."""
    values = cells_of(piece).chords.ravel().tolist()
    names = [(value // len(QUALITIES), QUALITIES[value % len(QUALITIES)]) for value in values]
    return [None if value == NO_CHORD else name for value, name in zip(values, names, strict=True)]


@given(st.lists(st.integers(60, 79), min_size=16, max_size=16))
def test_a_melody_does_not_change_the_labels(melody: list[int]) -> None:
    assert names(song(melody)) == [name for name in NAMES for _ in range(2)]


def test_a_lone_melody_has_no_label() -> None:
    assert names(song([60, 64, 67, 72] * 4, (VOICE,))) == [None] * 8
    assert names(song([60, 64, 67, 72] * 4, (VOICE, DRUMS), more=((3, 0, 6, 36, 90),))) == [None] * 8


def test_drums_tell_no_harmony_and_a_bass_does() -> None:
    more = tuple((2, 96 * bar, 96, triad[0] - 12, 80) for bar, triad in enumerate(TRIADS))
    piece = song([72] * 16, (VOICE, PIANO, BASS, DRUMS), more=(*more, (3, 0, 6, 36, 90)))
    assert harmony_parts(piece) == {1, 2}


@pytest.mark.parametrize(("program", "instrument"), [(52, "voice"), (40, "strings"), (0, "piano")])
def test_the_highest_of_four_like_voices_belongs_to_the_harmony(program: int, instrument: str) -> None:
    voices = tuple(PartInfo(number, f"Part {number}", program, False, instrument) for number in range(4))
    rows = [(voice, 24 * k, 24, 72 - 7 * voice, 80) for voice in range(4) for k in range(16)]
    bars = ((96, 4, 4),) * 4
    piece = Piece("a", "chorale", "train", 0, "major", 100.0, bars, voices, np.array(rows, np.int32))
    assert harmony_parts(piece) == {0, 1, 2, 3}


def test_a_singer_among_guitars_is_left_out() -> None:
    guitars = tuple(PartInfo(number, "Guitar", 29, False, "guitar") for number in (1, 2, 3))
    rows = [(0, 24 * k, 24, 72, 80) for k in range(16)]
    rows += [(guitar.part, 24 * k, 24, 40 + 4 * guitar.part, 80) for guitar in guitars for k in range(16)]
    bars = ((96, 4, 4),) * 4
    piece = Piece("a", "rock", "train", 0, "minor", 100.0, bars, (VOICE, *guitars), np.array(rows, np.int32))
    assert harmony_parts(piece) == {1, 2, 3}


def test_a_chord_that_changes_inside_a_half_bar_is_named_by_its_beginning() -> None:
    """C major, then G major on the second beat: C major, and no mixture of both."""
    rows = [(0, 25, 0, 12, pitch) for pitch in (48, 64, 67)] + [(0, 25, 12, 12, pitch) for pitch in (55, 62, 71)]
    chords = half_bar_chords(np.array(rows), np.array([0]), np.array([48]))
    assert divmod(int(chords[0, 0]), len(QUALITIES)) == (0, QUALITIES.index(""))
    assert chords[0, 1] == NO_CHORD


def test_a_passing_note_makes_no_seventh_and_a_held_one_does() -> None:
    """A C major triad with B flat for an eighth at the end of the half bar, and for all of it."""
    triad = [(0, WHOLE, pitch) for pitch in (48, 64, 67)]
    for seventh, quality in (((18, duration_token(6), 70), ""), ((0, WHOLE, 70), "7")):
        rows = [(0, 25, *note) for note in [*triad, seventh]]
        chords = half_bar_chords(np.array(sorted(rows)), np.array([0]), np.array([48]))
        assert divmod(int(chords[0, 0]), len(QUALITIES)) == (0, QUALITIES.index(quality))


@pytest.mark.parametrize(("mode", "quality"), [(0, ""), (1, "m")])
def test_the_mode_decides_about_a_bare_fifth(mode: int, quality: str) -> None:
    """A lone pitch class is no chord."""
    fifth = np.array([(0, 25, 0, WHOLE, 48), (0, 25, 0, WHOLE, 55)])
    label = int(half_bar_chords(fifth, np.array([0]), np.array([48]), mode=mode)[0, 0])
    assert divmod(label, len(QUALITIES)) == (0, QUALITIES.index(quality))
    assert half_bar_chords(fifth[:1], np.array([0]), np.array([48]), mode=mode)[0, 0] == NO_CHORD


def test_the_hands_of_a_keyboard_are_one_part(tmp_path: Path, write_dataset: Any) -> None:
    notes = [(part, 24 * k, 24, pitch, 80) for part, pitch in ((0, 76), (1, 60), (1, 64), (2, 48)) for k in range(16)]
    parts = [
        ("Voice", 52, False, "melody", "voice"),
        ("Piano right", 0, False, "harmony", "piano"),
        ("Piano left", 0, False, "bass", "piano"),
    ]
    folder = write_dataset(tmp_path, [{"name": "a", "bars": [(96, 4, 4)] * 4, "notes": sorted(notes), "parts": parts}])
    piece = next(iter(read_pieces(folder)))
    assert [(part.part, part.name) for part in piece.parts] == [(0, "Voice"), (1, "Piano right")]
    assert sorted(piece.notes[piece.notes[:, 0] == 1][:, 3].tolist()) == [48] * 16 + [60] * 16 + [64] * 16
