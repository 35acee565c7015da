"""muspy's objective metrics (Dong et al., "MusPy: A Toolkit for Symbolic Music Generation", ISMIR 2020).

The definitions are muspy's own, edge cases included: a piece has one beat (bar) more than its last note's end fills,
and a note that ends on a barline touches the bar after it. NaN where muspy gives NaN. One departure: the pitch range
of drums alone is 0, not -127.
"""

import math

import numpy as np
from numpy.typing import NDArray

from bandmate_model.data.excerpt import TICKS, Excerpt, Ints

_MAJOR = np.array([1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 0, 1], dtype=np.float64)
_MINOR = np.array([1, 0, 1, 1, 0, 1, 0, 1, 1, 0, 1, 0], dtype=np.float64)
_SCALES = np.stack([np.roll(scale, root) for scale in (_MAJOR, _MINOR) for root in range(12)])
_DUPLE, _TRIPLE = TICKS // 4, TICKS // 3


def describe(music: Excerpt) -> dict[str, float]:
    """Every metric by its name in muspy."""
    pitches = music.pitch[music.pitched]
    classes = np.bincount(pitches % 12, minlength=12).astype(np.float64)
    sounding = _sounding(music)
    bars = _covered(music, music.bar_ticks)
    beats = _covered(music, TICKS)
    duple, triple = _in_pattern(music, _DUPLE), _in_pattern(music, _TRIPLE)
    in_scale = _SCALES @ classes / classes.sum() if len(pitches) else np.full(24, math.nan)
    root = music.tonic + (12 if music.mode == "minor" else 0)
    return {
        "pitch_range": float(np.ptp(pitches)) if len(pitches) else 0.0,
        "n_pitches_used": float(len(np.unique(pitches))),
        "n_pitch_classes_used": float((classes > 0).sum()),
        "polyphony": _ratio(float(sounding.sum()), int((sounding > 0).sum())),
        "polyphony_rate": _ratio(float((sounding > 2).sum()), len(sounding)),
        "pitch_in_scale_rate": float(in_scale[root]),
        "scale_consistency": float(in_scale.max()),
        "pitch_entropy": _entropy(np.bincount(pitches, minlength=128)),
        "pitch_class_entropy": _entropy(classes),
        "empty_beat_rate": 1 - float(beats.mean()) if len(beats) else math.nan,
        "empty_measure_rate": 1 - float(bars.mean()) if len(bars) else math.nan,
        "drum_in_pattern_rate": duple,
        "drum_pattern_consistency": max(duple, triple) if not math.isnan(duple) else math.nan,
        "groove_consistency": _groove(music),
    }


NAMES = (
    "pitch_range",
    "n_pitches_used",
    "n_pitch_classes_used",
    "polyphony",
    "polyphony_rate",
    "pitch_in_scale_rate",
    "scale_consistency",
    "pitch_entropy",
    "pitch_class_entropy",
    "empty_beat_rate",
    "empty_measure_rate",
    "drum_in_pattern_rate",
    "drum_pattern_consistency",
    "groove_consistency",
)
"""`drum_in_pattern_rate` is the one of duple metre."""


def _sounding(music: Excerpt) -> Ints:
    """How many different pitches sound at each tick up to the end of the last note, drums left out."""
    span = music.end
    pitched = music.pitched
    change = np.zeros((128, span + 1), dtype=np.int64)
    np.add.at(change, (music.pitch[pitched], music.onset[pitched]), 1)
    np.add.at(change, (music.pitch[pitched], (music.onset + music.duration)[pitched]), -1)
    used = np.unique(music.pitch[pitched])
    sounding: Ints = (np.cumsum(change[used], axis=1) > 0).sum(axis=0)[:span]
    return sounding


def _covered(music: Excerpt, unit: int) -> NDArray[np.bool_]:
    """Which of the units of so many ticks a note touches; none at all without notes."""
    if not len(music):
        return np.zeros(0, dtype=np.bool_)
    change = np.zeros(music.end // unit + 2, dtype=np.int64)
    np.add.at(change, music.onset // unit, 1)
    np.add.at(change, (music.onset + music.duration) // unit + 1, -1)
    return np.cumsum(change)[:-1] > 0


def _in_pattern(music: Excerpt, step: int) -> float:
    """Share of the drum strokes that fall on multiples of `step` within their beat."""
    strokes = music.onset[music.is_drum]
    return _ratio(float((strokes % TICKS % step == 0).sum()), len(strokes))


def _groove(music: Excerpt) -> float:
    """1 less the mean Hamming distance of the onset patterns of neighbouring bars."""
    bars = music.end // music.bar_ticks + 1
    if bars < 2:
        return math.nan
    onsets = np.zeros(bars * music.bar_ticks, dtype=np.bool_)
    onsets[music.onset] = True
    grid = onsets.reshape(bars, music.bar_ticks)
    return 1 - float((grid[1:] != grid[:-1]).mean())


def _entropy(counts: NDArray[np.integer] | NDArray[np.floating]) -> float:
    """Shannon entropy in bits; NaN of nothing."""
    total = float(counts.sum())
    if total < 1:
        return math.nan
    share = counts[counts > 0] / total
    return float(-(share * np.log2(share)).sum()) + 0.0


def _ratio(part: float, total: int) -> float:
    return part / total if total else math.nan
