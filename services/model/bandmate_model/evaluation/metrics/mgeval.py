"""The nine features by which mgeval compares sets of music (Yang and Lerch, "On the evaluation of generative models in
music", Neural Computing and Applications, 2020).

The paper describes a single melody. Here, for music in parts: notes follow each other within their part; the sums go
over all parts. Time is counted in quarter notes. Drums have no pitch and are left out of the five features of pitch,
unless `drums_as_pitches` (music for drums alone): then the drum's number stands for it. Drums have no length either: a
stroke counts as lasting until the part's next one."""

import numpy as np
from numpy.typing import NDArray

from bandmate_model.data.excerpt import TICKS, Excerpt, Ints

Floats = NDArray[np.float64]

FEATURES = (
    "total_used_pitch",
    "total_used_note",
    "pitch_class_histogram",
    "pitch_class_transition_matrix",
    "pitch_range",
    "average_pitch_shift",
    "average_inter_onset_interval",
    "note_length_histogram",
    "note_length_transition_matrix",
)
NOTE_LENGTHS = np.array([96, 48, 24, 12, 6, 72, 36, 18, 9, 32, 16, 8])
"""In ticks: whole to sixteenth, the dotted ones from half to thirty-second, the triplets from half to eighth."""
_NEAR = 1
"""Ticks between a note's end and the next one's start within which one follows the other (0.05 s in mgeval)."""


def describe(music: Excerpt, *, drums_as_pitches: bool = False) -> dict[str, Floats]:
    """Each feature as a vector; matrices row by row. Without notes the features are zeros."""
    pitched = np.ones(len(music), np.bool_) if drums_as_pitches else music.pitched
    lengths = np.where(music.is_drum, _until_next(music), music.duration)
    order = np.lexsort((music.pitch, music.onset, music.part))
    part, onset, pitch = music.part[order], music.onset[order], music.pitch[order]
    ends, pitched_in_order = onset + lengths[order], pitched[order]
    kinds = np.abs(lengths[order][:, None] - NOTE_LENGTHS[None, :]).argmin(axis=1)
    count = len(music)

    tune = pitch[pitched_in_order]
    tune_part = part[pitched_in_order]
    steps = np.abs(np.diff(tune))[np.diff(tune_part) == 0]
    histogram = np.bincount(tune % 12, weights=lengths[order][pitched_in_order], minlength=12)
    follows = np.diff(part) == 0
    return {
        "total_used_pitch": _scalar(len(np.unique(tune))),
        "total_used_note": _scalar(count),
        "pitch_class_histogram": histogram / max(1.0, float(histogram.sum())),
        "pitch_class_transition_matrix": _pitch_transitions(
            tune_part, onset[pitched_in_order], ends[pitched_in_order], tune
        ),
        "pitch_range": _scalar(np.ptp(tune) if len(tune) else 0),
        "average_pitch_shift": _scalar(steps.mean() if len(steps) else 0),
        "average_inter_onset_interval": _scalar(np.ptp(onset) / (count - 1) / TICKS if count > 1 else 0),
        "note_length_histogram": np.bincount(kinds, minlength=12) / max(1, count),
        "note_length_transition_matrix": np.bincount((kinds[:-1] * 12 + kinds[1:])[follows], minlength=144).astype(
            np.float64
        ),
    }


def describe_set(pieces: list[Excerpt], *, drums_as_pitches: bool = False) -> dict[str, Floats]:
    """Each feature as a matrix, one row per piece."""
    described = [describe(piece, drums_as_pitches=drums_as_pitches) for piece in pieces]
    return {name: np.stack([features[name] for features in described]) for name in FEATURES}


def _pitch_transitions(part: Ints, onset: Ints, ends: Ints, pitch: Ints) -> Floats:
    """How often a note of one pitch class is followed by one of another: it begins where the other ends."""
    counts = np.zeros(144)
    for number in np.unique(part):
        in_part = part == number
        starts, stops, classes = onset[in_part], ends[in_part], pitch[in_part] % 12
        first = np.searchsorted(starts, stops - _NEAR, side="left")
        last = np.searchsorted(starts, stops + _NEAR, side="right")
        spans = last - first
        source = np.repeat(classes, spans)
        offsets = np.arange(len(source)) - np.repeat(np.cumsum(spans) - spans, spans)
        target = classes[np.repeat(first, spans) + offsets]
        counts += np.bincount(source * 12 + target, minlength=144)
    return counts


def _until_next(music: Excerpt) -> Ints:
    """Ticks from each note to the part's next onset; to the end of the music for the last ones."""
    result = music.ticks - music.onset
    for number in np.unique(music.part[music.is_drum]):
        part_notes = np.flatnonzero(music.part == number)
        onsets = np.unique(music.onset[part_notes])
        following = np.append(onsets[1:], music.ticks)
        result[part_notes] = following[np.searchsorted(onsets, music.onset[part_notes])] - music.onset[part_notes]
    return result


def _scalar(value: float | np.integer | np.floating) -> Floats:
    return np.array([float(value)])
