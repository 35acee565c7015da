"""Metres that a file does not state, or states absurdly, are found from the notes."""

import numpy as np
import pytest
from bandmate_music.analysis.metre_estimate import believable
from bandmate_music.analysis.metre_finder import find_metre, metre_kind
from bandmate_music.midi.write import write_midi
from bandmate_music.score import MetreChange, Notes, Part, Score
from bandmate_music.theory.metre import Metre, parse_metre

from tests.unit.ingest.conftest import accepted_row, cleaned

QUARTER = 480
CHORDS = ((48, 52, 55), (45, 48, 52), (41, 45, 48), (43, 47, 50))


def piece(unit: int, beats: int, bars: int = 24, metre: Metre | None = None) -> Score:
    """Bass on the first beat, chords on the others, and a tune that moves in units, a chord a bar; no drums."""
    bass, chords, tune = [], [], []
    for bar in range(bars):
        start, chord = bar * beats * unit, CHORDS[bar % 4]
        bass.append((start, unit, chord[0] - 12, 90))
        for beat in range(1, beats):
            chords += [(start + beat * unit, unit, pitch, 70) for pitch in chord]
        tune.append((start, 2 * unit if beats > 2 else unit, chord[bar % 3] + 24, 90))
        for beat in range(2, beats):
            tune += [(start + beat * unit, unit // 2, chord[beat % 3] + 24, 90)]
            tune += [(start + beat * unit + unit // 2, unit // 2, chord[0] + 26, 90)]
    lines = (("Tune", 73, tune), ("Piano", 0, chords), ("Bass", 32, bass))
    parts = [Part(name, program, Notes.from_rows(rows)) for name, program, rows in lines]
    return Score(tuple(parts), metres=() if metre is None else (MetreChange(0, metre),))


def rock(metre: Metre | None) -> Score:
    """Kick on one and three, snare on two and four, and a bass a bar."""
    kit = [(beat * QUARTER, 120, 36 if beat % 2 == 0 else 38, 100) for beat in range(96)]
    kit += [(half * QUARTER // 2, 60, 42, 80) for half in range(192)]
    bass = [(bar * 4 * QUARTER, 3 * QUARTER, CHORDS[bar % 4][0] - 12, 90) for bar in range(24)]
    tune = [(q * QUARTER, QUARTER, CHORDS[q // 4 % 4][q % 3] + 24, 90) for q in range(96) if q % 4 != 3]
    drums = Part("Drums", 0, Notes.from_rows(kit), is_drum=True)
    parts = (drums, Part("Bass", 33, Notes.from_rows(bass)), Part("Lead", 80, Notes.from_rows(tune)))
    return Score(parts, metres=() if metre is None else (MetreChange(0, metre),))


@pytest.mark.parametrize("stated", [None, "1/4", "1/8"])
def test_rock_without_a_metre_or_with_one_of_a_beat_is_in_four(stated: str | None) -> None:
    row = accepted_row(cleaned(write_midi(rock(None if stated is None else parse_metre(stated)))))
    assert (row["numerator"], row["denominator"], row["bars"]) == (4, 4, 24)
    assert dict(zip(row["steps"], row["step_counts"], strict=True))["metre-estimated"] == 1  # type: ignore[call-overload]


def test_a_waltz_without_a_metre_is_in_three() -> None:
    row = accepted_row(cleaned(write_midi(piece(QUARTER, 3))))
    assert (row["numerator"], row["denominator"], row["bars"]) == (3, 4, 24)


def test_a_stated_metre_holds_and_so_does_a_short_bar_within_it() -> None:
    row = accepted_row(cleaned(write_midi(piece(QUARTER, 3, metre=Metre(3, 4)))))
    assert "metre-estimated" not in row["steps"]  # type: ignore[operator]
    changes = [(0, Metre(4, 4)), (96, Metre(1, 4)), (120, Metre(4, 4))]
    assert believable(changes, 2000) == changes


@pytest.mark.parametrize(
    ("metre", "is_kept"),
    [("1/4", False), ("1/8", False), ("2/8", False), ("3/8", True), ("2/4", True), ("12/8", True), ("4/2", True)],
)
def test_metres_that_nobody_counts_in(metre: str, is_kept: bool) -> None:
    changes = [(0, parse_metre(metre))]
    assert believable(changes, 2400) == (changes if is_kept else [])


def test_kinds_of_metre() -> None:
    kinds = {name: metre_kind(parse_metre(name)) for name in ("2/4", "4/4", "2/2", "3/4", "3/2", "6/8", "9/8", "5/4")}
    assert list(kinds.values()) == ["duple", "duple", "duple", "triple", "triple", "compound", "compound", "5"]


def test_drums_alone_have_a_metre_too() -> None:
    onset = np.arange(0, 96 * 24, 24)
    pitch = np.where(np.arange(96) % 4 == 0, 36, 42)
    found = find_metre(onset, np.full(96, 6), pitch, np.ones(96, dtype=np.bool_))
    assert metre_kind(found) in ("duple", "triple", "compound")
