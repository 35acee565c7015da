"""Each measure on pieces for which its value is known."""

import random

import pytest
from bandmate_bench.form import arrangement, harmony, melody, performance, repetition
from bandmate_bench.form.piece import GRID, PlannedChord

from tests.unit.bench.form.pieces import BAR, chord, line, piece

C_MAJOR, F_MAJOR, G7 = (48, 60, 64, 67), (53, 60, 65, 69), (43, 59, 62, 65, 67)
CLUSTER = (48, 50, 52)


def test_clean_chords_are_triads_and_sevenths_and_passing_notes_do_not_count() -> None:
    clean = [*chord(0, C_MAJOR), *chord(1, G7), *chord(2, F_MAJOR)]
    assert harmony.clean_chord_beats(piece(3, band=clean)) == 1.0
    assert harmony.clean_chord_beats(piece(3, band=clean, tune=[(0, 6, 74)])) == 1.0
    assert harmony.clean_chord_beats(piece(4, band=[*clean, *chord(3, CLUSTER)])) == 0.75
    assert harmony.clean_chord_beats(piece(3, band=[(0, BAR, 48)])) is None


def test_bass_is_root_unless_inverted() -> None:
    assert harmony.bass_is_root(piece(2, band=[*chord(0, C_MAJOR), *chord(1, F_MAJOR)])) == 1.0
    assert harmony.bass_is_root(piece(2, band=[*chord(0, C_MAJOR), *chord(1, (57, 60, 65, 69))])) == 0.5
    planned = (PlannedChord(0, BAR, 0, frozenset({0, 4, 7})), PlannedChord(BAR, 2 * BAR, 9, frozenset({9, 0, 4})))
    both = piece(2, band=[*chord(0, C_MAJOR), *chord(1, F_MAJOR)], chords=planned)
    assert harmony.bass_is_planned_root(both) == 0.5


def test_the_lowest_part_is_in_the_chord_or_beside_it() -> None:
    bass = [*line([48, 50]), *chord(0, (43,), beats=1, beat=2)]
    upper = [hit for beat in range(3) for hit in chord(0, (60, 64, 67), beats=1, beat=beat)]
    assert harmony.bass_in_chord(piece(1, bass, upper)) == pytest.approx(2 / 3)


def test_key_of_windows_and_of_the_piece() -> None:
    cadence = [C_MAJOR, F_MAJOR, G7, C_MAJOR]
    home = [hit for bar in range(8) for hit in chord(bar, cadence[bar % 4])]
    away = [(onset + 8 * BAR, length, pitch + 6) for onset, length, pitch in home[: len(home) // 2]]
    song = piece(12, band=home + away, planned_key=(0, "major"))
    assert harmony.heard_key(song) == (0, "major")
    assert harmony.windows_in_home_key(song) == pytest.approx(2 / 3)
    assert harmony.key_as_planned(song) == 1.0
    assert harmony.key_as_planned(piece(8, band=home, planned_key=(7, "major"))) == 0.0


def test_strong_beats_are_the_first_and_third_of_four() -> None:
    tune = line([60, 61, 62, 61])  # On the strong beats C, which is in the chord, and D, which is not.
    song = piece(1, tune, chord(0, C_MAJOR), chords=(PlannedChord(0, BAR, 0, frozenset({0, 4, 7})),))
    assert harmony.strong_beats_in_heard_chord(song) == 0.5
    assert harmony.strong_beats_in_planned_chord(song) == 0.5


def test_a_returning_section_is_found_in_spite_of_small_variation() -> None:
    dice = random.Random(1)
    verse = [(bar * BAR + beat * 12, 12, 60 + dice.randrange(20)) for bar in range(8) for beat in range(8)]
    returned = [(onset + 12 * BAR, length, pitch) for onset, length, pitch in verse]
    returned[3] = (*returned[3][:2], 30)  # One note of the first bar.
    bridge = [(bar * BAR + beat * 12, 12, 80 + dice.randrange(20)) for bar in range(8, 12) for beat in range(8)]
    song = piece(20, band=verse + bridge + returned)
    assert repetition.longest_return(song) == 7.0  # 7 of 9 are less than four fifths.
    assert repetition.bars_heard_before(song) == pytest.approx(7 / 20)
    assert repetition.longest_return(piece(12, band=verse + bridge)) == 0.0


def test_an_ostinato_returns_for_half_the_piece() -> None:
    song = piece(8, band=[hit for bar in range(8) for hit in chord(bar, C_MAJOR)])
    assert repetition.longest_return(song) == 4.0
    assert repetition.bars_heard_before(song) == pytest.approx(7 / 8)


def test_intervals_range_and_place_of_the_highest_note() -> None:
    pitches = [60, 62, 64, 64, 71, 60] + [60] * 26
    song = piece(8, line(pitches))
    assert melody.steps(song) == pytest.approx(2 / 31)
    assert melody.leaps(song) == pytest.approx(2 / 31)
    assert melody.pitch_range(song) == 11.0
    assert melody.place_of_highest(song) == pytest.approx(4 / 32)
    assert melody.steps(piece(2, line([60, 62, 64]))) is None


def test_intervals_over_a_rest_do_not_count() -> None:
    first, second = line([60] * 16), line([70] * 16, start=6 * BAR)
    assert melody.leaps(piece(10, first + second)) == 0.0


def test_rhythm_entropy_and_bars_heard_before() -> None:
    even = piece(8, line([60 + number % 7 for number in range(32)]))
    assert melody.onset_entropy(even) == 0.0
    assert melody.rhythms_heard_before(even) == pytest.approx(7 / 8)
    assert melody.bars_heard_before(even) == pytest.approx(1 / 8)  # 32 notes of a cycle of 7 bars' length: the eighth.
    planned = piece(8, line([60 + number % 7 for number in range(32)]), sections=[("verse", 0, 4), ("verse", 4, 4)])
    assert melody.rhythms_heard_before(planned) == pytest.approx(3 / 4)
    assert melody.rhythms_heard_before_with_returns(planned) == pytest.approx(7 / 8)


def test_line_up_changes_where_a_part_enters() -> None:
    tune = [hit for bar in range(4, 16) for hit in line([60, 62], start=bar * BAR)]
    band = [hit for bar in range(16) for hit in chord(bar, C_MAJOR)]
    assert arrangement.line_up_changes(piece(16, tune, band)) == pytest.approx(1 / 3)
    assert arrangement.line_up_changes(piece(4, tune, band)) is None


def _groove(bars: int, fill_bars: set[int], crash_bars: set[int], kick: int = 36) -> list[tuple[int, int, int]]:
    hits = []
    for bar in range(bars):
        hits += [(bar * BAR + beat * GRID, 6, kick if beat % 2 == 0 else 38) for beat in range(4)]
        if bar in fill_bars:
            hits += [(bar * BAR + 2 * GRID + step * 6, 6, 45) for step in range(1, 8)]
        if bar in crash_bars:
            hits.append((bar * BAR, 6, 49))
    return hits


def test_fills_and_crashes_at_phrases_are_told_from_others() -> None:
    song = piece(16, drums=_groove(16, {3, 7, 15}, {0, 8}), sections=[("verse", 0, 8), ("chorus", 8, 8)])
    assert arrangement.fills(song) == (3, 4, 0, 11)
    assert arrangement.crashes(song) == (2, 2, 0, 62)
    assert arrangement.fills(piece(4, line([60]))) is None


def test_fourth_bars_are_those_of_the_section() -> None:
    sections = [("intro", 0, 2), ("verse", 2, 8)]
    assert arrangement.fills(piece(10, drums=_groove(10, {5, 9}, set()), sections=sections)) == (2, 2, 0, 7)


def test_drums_without_a_kick_are_found() -> None:
    assert arrangement.lacks_kick(piece(8, drums=_groove(8, set(), set()))) == 0.0
    assert arrangement.lacks_kick(piece(8, drums=_groove(8, set(), set(), kick=42))) == 1.0
    assert arrangement.lacks_kick(piece(8, line([60]))) is None


def test_loudness_of_blocks_and_of_choruses() -> None:
    soft, loud = piece(4, band=chord(0, C_MAJOR), velocity=60), piece(8, band=chord(5, C_MAJOR), velocity=90)
    song = piece(8, sections=[("verse", 0, 4), ("chorus", 4, 4)])
    song = type(song)(**{**_fields(song), "notes": soft.notes + loud.notes})
    assert performance.loudness_range(song) == 30.0
    assert performance.chorus_louder(song) == 30.0
    assert performance.chorus_louder(piece(8, band=chord(0, C_MAJOR))) is None


def test_drums_off_the_grid() -> None:
    song = piece(1, drum_offsets=(0.0, 0.001, 0.012, -0.02))
    assert performance.off_grid_drums(song) == 0.5
    assert performance.drum_offset_spread(song) == pytest.approx(11.62, abs=0.1)
    assert performance.off_grid_drums(piece(1)) is None


def _fields(song: object) -> dict[str, object]:
    return {name: getattr(song, name) for name in song.__dataclass_fields__}  # type: ignore[attr-defined]
