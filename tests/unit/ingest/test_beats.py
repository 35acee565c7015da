"""Performances off any grid: their beat is followed, and what has none is told from it."""

import numpy as np
import pytest
from bandmate_ingest.cleaning.beats import TICKS, track_beats
from bandmate_ingest.cleaning.columns import flatten
from bandmate_music.score import Notes, Part, Score

from tests.unit.ingest.conftest import RULES, accepted_row, cleaned, rows, steps


def recording(seed: int, bars: int = 32) -> tuple[Score, np.ndarray]:
    """A piano piece in 4/4 played with rubato and loose fingers at a click of 120, and its onsets in quarters."""
    chance = np.random.default_rng(seed)
    written = []
    for bar in range(bars):
        for beat in range(4):
            quarter = bar * 4 + beat
            written += [(quarter, 1.0, 48 + 5 * (bar % 3) if beat == 0 else 60 + 2 * beat)]
            written += [(quarter, 0.5, 72 + int(chance.integers(0, 8)))]
            if chance.random() < 0.6:
                written.append((quarter + 0.5, 0.5, 72 + int(chance.integers(0, 8))))
    grid = np.arange(0, bars * 4 + 2, 0.25)
    tempo = 92 * np.exp(0.1 * np.sin(grid / 3.1) + 0.05 * np.sin(grid / 0.9 + seed))
    seconds = np.concatenate([[0.0], np.cumsum(0.25 * 60 / tempo)])[:-1]
    quarters = np.array([onset for onset, _, _ in written])
    starts = np.interp(quarters, grid, seconds) + chance.normal(0, 0.012, len(written))
    ends = np.interp(quarters + [length for _, length, _ in written], grid, seconds)
    ticks = np.rint((starts - starts.min()) * 960).astype(int)
    lengths = np.maximum(np.rint((ends - starts) * 960).astype(int), 40)
    table = [
        (t, d, pitch, int(chance.integers(50, 100)))
        for t, d, (_, _, pitch) in zip(ticks, lengths, written, strict=True)
    ]
    return Score((Part("Piano", 0, Notes.from_rows([tuple(map(int, row)) for row in table])),)), quarters


@pytest.mark.parametrize("seed", [1, 2])
def test_a_recording_with_rubato_is_counted_in_its_own_beats(seed: int) -> None:
    score, quarters = recording(seed)
    batch = cleaned(score)
    row = accepted_row(batch)
    assert steps(row)["beats-tracked"] == 1
    assert row["tempo"] == pytest.approx(92, rel=0.08)
    onsets = np.sort([each[2] for each in rows(batch)]) / 24
    shift = round(float(onsets[0] - quarters.min()))
    right = np.isin(np.rint(onsets * 2), np.rint((np.sort(quarters) + shift) * 2))
    assert right.mean() > 0.9


def test_the_beat_holds_the_order_and_the_lengths_of_the_notes() -> None:
    score, _ = recording(3)
    notes = score.parts[0].notes
    _, columns = flatten(score)
    tracked = track_beats(columns, notes.onset / 960, (notes.onset + notes.duration) / 960, RULES)
    assert tracked is not None
    assert bool((np.diff(tracked.notes.onset) >= 0).all())
    assert int(tracked.notes.duration.min()) >= 1
    assert np.median(tracked.notes.duration) in range(TICKS // 4, TICKS * 2)


def test_notes_at_random_have_no_beat_and_free_time_takes_them() -> None:
    chance = np.random.default_rng(7)
    table = [(int(t), 200, int(chance.integers(50, 80)), 80) for t in np.sort(chance.integers(0, 480 * 240, 400))]
    score = Score((Part("Piano", 0, Notes.from_rows(table)),))
    (row,) = cleaned(score).files.to_pylist()
    assert (row["accepted"], row["reason"]) == (False, "off-grid")
    assert "--free" in row["detail"]
    free = cleaned(score, rules=type(RULES)(free=True))
    assert steps(accepted_row(free))["free-time"] == 1
    gaps = np.diff(np.sort([each[2] for each in rows(free)]))
    assert np.abs(gaps - np.diff(np.sort([row[0] for row in table])) / 20).max() <= 1
