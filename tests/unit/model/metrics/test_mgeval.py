"""mgeval's nine features, each derived again here by counting note by note."""

import itertools

import numpy as np
import pytest
from bandmate_model.data.excerpt import Excerpt, excerpt, windows
from bandmate_model.evaluation.metrics import mgeval
from hypothesis import given, settings
from hypothesis import strategies as st

LENGTHS = [96, 48, 24, 12, 6, 72, 36, 18, 9, 32, 16, 8]
NOTES = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 767), st.integers(1, 120), st.integers(30, 90)),
    min_size=1,
    max_size=40,
    unique_by=lambda row: (row[0], row[1], row[3]),
)


def naive(music: Excerpt) -> dict[str, np.ndarray]:
    """Slow and plain, for music without drums."""
    notes = sorted(
        zip(music.part.tolist(), music.onset.tolist(), music.pitch.tolist(), music.duration.tolist(), strict=True)
    )
    classes, transitions, kinds = np.zeros(12), np.zeros((12, 12)), np.zeros(12)
    lengths, shifts = np.zeros((12, 12)), []
    for part, onset, pitch, duration in notes:
        classes[pitch % 12] += duration
        kinds[min(range(12), key=lambda kind, d=duration: abs(LENGTHS[kind] - d))] += 1
        for other_part, other_onset, other_pitch, _ in notes:
            if other_part == part and abs(onset + duration - other_onset) <= 1:
                transitions[pitch % 12, other_pitch % 12] += 1
    for (part, _, pitch, duration), (next_part, _, next_pitch, next_duration) in itertools.pairwise(notes):
        if part == next_part:
            shifts.append(abs(pitch - next_pitch))
            length_class, next_class = (
                min(range(12), key=lambda kind, d=d: abs(LENGTHS[kind] - d)) for d in (duration, next_duration)
            )
            lengths[length_class, next_class] += 1
    onsets = sorted(note[1] for note in notes)
    gaps = [(b - a) / 24 for a, b in itertools.pairwise(onsets)]
    pitches = [note[2] for note in notes]
    return {
        "total_used_pitch": np.array([len(set(pitches))]),
        "total_used_note": np.array([len(notes)]),
        "pitch_class_histogram": classes / classes.sum(),
        "pitch_class_transition_matrix": transitions.ravel(),
        "pitch_range": np.array([max(pitches) - min(pitches)]),
        "average_pitch_shift": np.array([np.mean(shifts) if shifts else 0]),
        "average_inter_onset_interval": np.array([np.mean(gaps) if gaps else 0]),
        "note_length_histogram": kinds / len(notes),
        "note_length_transition_matrix": lengths.ravel(),
    }


@settings(max_examples=60, deadline=None)
@given(NOTES)
def test_every_feature_is_what_counting_gives(rows: list[tuple[int, int, int, int]]) -> None:
    music = excerpt(rows, [], 96, 8)
    features, expected = mgeval.describe(music), naive(music)
    assert tuple(features) == mgeval.FEATURES
    for name in mgeval.FEATURES:
        np.testing.assert_allclose(features[name], expected[name], atol=1e-9, err_msg=name)


def test_drums_have_no_pitch_and_ring_until_the_next_stroke() -> None:
    melody = [(0, tick, 24, 60 + tick // 96) for tick in range(0, 384, 96)]
    beat = [(1, tick, 1, 36 if tick % 48 == 0 else 42) for tick in range(0, 384, 24)]
    features = mgeval.describe(excerpt(melody + beat, [1], 96, 4))
    assert features["total_used_pitch"] == 4
    assert features["total_used_note"] == 20
    assert features["note_length_histogram"][LENGTHS.index(24)] == 1, "strokes a quarter apart count as quarters"
    alone = mgeval.describe(excerpt(beat, [1], 96, 4), drums_as_pitches=True)
    assert alone["total_used_pitch"] == 2
    assert alone["pitch_class_transition_matrix"].reshape(12, 12)[36 % 12, 42 % 12] == 8


def test_notes_are_cut_off_where_the_bars_end() -> None:
    music = excerpt([(0, 90, 500, 60), (0, 200, 10, 62), (0, 10, 5, 64)], [], 96, 1, first_tick=96)
    assert (music.onset.tolist(), music.pitch.tolist()) == ([], [])
    music = excerpt([(0, 100, 500, 60)], [], 96, 1, first_tick=96)
    assert (music.onset.tolist(), music.duration.tolist()) == ([4], [92])


@pytest.mark.parametrize(("bars", "expected"), [([96] * 5, [0, 1, 2]), ([96, 96, 72, 96, 96, 96], [3]), ([96], [])])
def test_windows_lie_in_one_metre(bars: list[int], expected: list[int]) -> None:
    assert windows([(length, length // 24, 4) for length in bars], 3) == expected
