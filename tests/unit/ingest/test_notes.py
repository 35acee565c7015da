"""Lost note-offs, notes that hang, and notes that cannot be played."""

from dataclasses import replace

import numpy as np
from bandmate_ingest.cleaning.columns import Columns
from bandmate_ingest.cleaning.rules import CleaningRules
from bandmate_ingest.cleaning.stuck import pair_anew, shorten_stuck
from bandmate_music.score import Notes, Part, Score
from hypothesis import given
from hypothesis import strategies as st

from tests.support.tunes import tune
from tests.unit.ingest.conftest import accepted_row, cleaned, rows, steps

note = st.tuples(st.integers(0, 2), st.integers(0, 40), st.integers(0, 60), st.integers(60, 63), st.integers(1, 127))


def columns(table: list[tuple[int, int, int, int, int]]) -> Columns:
    part, onset, duration, pitch, velocity = np.array(table, dtype=np.int64).reshape(-1, 5).T
    return Columns(part, onset, duration, pitch, velocity)


@given(st.lists(note, min_size=1, max_size=60))
def test_pairing_leaves_no_key_sounding_twice_and_loses_no_onset(table: list[tuple[int, int, int, int, int]]) -> None:
    before = columns(table)
    after, changed = pair_anew(before)
    strikes = {(part, onset, pitch) for part, onset, _, pitch, _ in table}
    assert sorted(strikes) == sorted(zip(after.part.tolist(), after.onset.tolist(), after.pitch.tolist(), strict=True))
    assert (after.duration >= 1).all()
    for key in {(part, pitch) for part, _, _, pitch, _ in table}:
        same_pitch = (after.part == key[0]) & (after.pitch == key[1])
        order = np.argsort(after.onset[same_pitch])
        assert (after.ends[same_pitch][order][:-1] <= after.onset[same_pitch][order][1:]).all()
    paired_again, nothing = pair_anew(after)
    assert nothing == 0
    assert (paired_again.sorted().duration == after.sorted().duration).all()
    assert (changed == 0) == (sorted(table_rows(before)) == sorted(table_rows(after)))


def table_rows(notes: Columns) -> list[tuple[int, ...]]:
    table_columns = (notes.part, notes.onset, np.maximum(notes.duration, 1), notes.pitch)
    return list(zip(*(column.tolist() for column in table_columns), strict=True))


def test_one_lost_note_off_spoils_one_note_only() -> None:
    """Paired first in, first out, every note after the lost note-off would end with the next one's note-off."""
    played = [(0, 0, 480, 60, 80), (0, 960, 480, 60, 80), (0, 2400, 480, 60, 80), (0, 9600, 480, 60, 80)]
    misread = [(0, 0, 1440, 60, 80), (0, 960, 1920, 60, 80), (0, 2400, 7680, 60, 80)]
    after, changed = pair_anew(columns([*misread, (0, 9600, 480, 60, 80)]))
    assert changed == 3
    assert after.duration.tolist() == [960] + [row[2] for row in played[1:]]


def test_a_note_held_a_little_into_the_next_takes_nothing_from_it() -> None:
    after, _ = pair_anew(columns([(0, 0, 481, 60, 80), (0, 480, 240, 60, 80)]), overlap=30)
    assert after.duration.tolist() == [480, 240]


def test_a_hanging_note_is_cut_to_what_is_usual() -> None:
    score = tune(5)
    melody = score.parts[0]
    duration, pitch = melody.notes.duration.copy(), melody.notes.pitch.copy()
    duration[3], pitch[3] = 480 * 60, 100
    hanging = replace(melody, notes=replace(melody.notes, duration=duration, pitch=pitch))
    batch = cleaned(score.with_parts([hanging, score.parts[1]]))
    assert steps(accepted_row(batch)) == {"stuck-notes": 1}
    assert max(row[3] for row in rows(batch) if row[1] == 0) <= 48


def test_a_pedal_point_stays() -> None:
    """A long note among other long notes is not cut."""
    notes = columns([(0, 0, 480 * 32, 40, 80), (0, 480 * 32, 480 * 32, 41, 80), (0, 480 * 64, 480 * 32, 43, 80)])
    assert shorten_stuck(notes, 480, CleaningRules())[1] == 0


def test_empty_parts_are_counted_and_left_out() -> None:
    score = tune(2)
    batch = cleaned(score.with_parts([*score.parts, Part("Nobody", 0, Notes())]))
    assert batch.parts.num_rows == 2
    assert steps(accepted_row(batch))["empty-tracks"] == 1


def test_pieces_that_are_too_short_are_named() -> None:
    score = tune(2, bars=1)
    short = cleaned(score, Score((Part("One", 0, Notes.from_rows([(0, 480, 60, 80)])),)))
    assert [row["reason"] for row in short.files.to_pylist()] == ["too-short", "too-short"]
