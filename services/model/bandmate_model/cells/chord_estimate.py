"""Estimate the chord of each half bar from the notes, for the CHORD tokens of training pieces.

Compared with the chord symbols of eight hymns (`docs/benchmarks/chords.md`).
"""

import numpy as np
from numpy.typing import NDArray

from bandmate_model.cells.vocabulary import QUALITIES, QUALITY_STEPS
from bandmate_model.data.tokens import DURATIONS, SLOT_SIZE, is_drum_slot

NO_CHORD = -1
_OUTSIDE_COST = 0.7
"""Cost of sounding time outside the chord, relative to time inside."""
_MISSING_COST = 0.12
"""Cost of a chord tone that does not sound, as a share of all sounding time; prefers triads to sevenths."""
_ROOT = 0.25
"""Bonus of chords whose root is the lowest sounding pitch class."""
_QUALITY_COST = {"dim": 0.1, "aug": 0.2, "7": 0.25, "maj7": 0.35, "m7": 0.3, "m7b5": 0.3, "dim7": 0.35, "sus4": 0.3}
"""Cost of a quality, as a share of all sounding time: a passing note makes no seventh, a suspension no sus4."""
_FIRST_QUARTER = 3.0
"""Weight of the first half of a half bar: where the chord changes inside, the label names the chord it begins with and
no mixture of both."""
_HEARD = 0.02
"""A pitch class sounds if it has this share of the sounding time."""
_MIN_CLASSES = 2
"""A lone pitch class is no chord."""
_DIATONIC = 1e-2
"""Cost of a chord tone outside the scale, as a share of all sounding time: it only decides between equals, such as the
major and the minor chord of a bare fifth."""
_SCALES = np.isin(np.arange(12), [0, 2, 4, 5, 7, 9, 11]), np.isin(np.arange(12), [0, 2, 3, 5, 7, 8, 10])
_NO_PITCH = 1 << 10
_TICKS = np.array([0, *DURATIONS])
_DRUM = np.array([slot > 0 and is_drum_slot(slot) for slot in range(SLOT_SIZE)])


def _templates() -> NDArray[np.bool_]:
    inside = np.zeros((12 * len(QUALITIES), 12), bool)
    for root in range(12):
        for quality, steps in enumerate(QUALITY_STEPS):
            inside[root * len(QUALITIES) + quality, [(root + step) % 12 for step in steps]] = True
    return inside


TEMPLATES = _templates()
"""(chords, 12): the pitch classes of each value of vocabulary.CHORD."""
_ROOTS = np.arange(len(TEMPLATES)) // len(QUALITIES)
_COSTS = np.tile([_QUALITY_COST.get(quality, 0.0) for quality in QUALITIES], 12)


def half_bar_chords(
    notes: NDArray[np.integer], starts: NDArray[np.integer], lengths: NDArray[np.integer], *, mode: int = 0
) -> NDArray[np.int16]:
    """(bars, 2): the value of vocabulary.CHORD that fits each half of each bar best; NO_CHORD where fewer than two
    pitch classes sound.

    `notes`: those rows of pieces.Cells.notes that tell the harmony; `mode`: 0 major, 1 minor.
    """
    bars = len(lengths)
    pitched = notes[~_DRUM[notes[:, 1]]].astype(np.int64)
    quarter_weights, quarter_lowest = _sounding(pitched, starts.astype(np.int64), lengths.astype(np.int64))
    weights = _FIRST_QUARTER * quarter_weights[:, 0] + quarter_weights[:, 1]
    lowest = np.where(quarter_lowest[:, 0] < _NO_PITCH, quarter_lowest[:, 0], quarter_lowest[:, 1])
    total = weights.sum(axis=1, keepdims=True)
    templates = TEMPLATES.T.astype(float)
    heard = weights > _HEARD * total
    inside = weights @ templates
    score = inside - _OUTSIDE_COST * (total - inside) - _MISSING_COST * total * ((~heard).astype(float) @ templates)
    score += _ROOT * total * (lowest[:, None] % 12 == _ROOTS[None, :])
    score -= total * (_COSTS + _DIATONIC * TEMPLATES[:, ~_SCALES[mode]].sum(axis=1))
    best = np.where(heard.sum(axis=1) >= _MIN_CLASSES, score.argmax(axis=1), NO_CHORD)
    return best.reshape(bars, 2).astype(np.int16)


def _sounding(
    notes: NDArray[np.int64], starts: NDArray[np.int64], lengths: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Sounding ticks of each pitch class (half bars, 2, 12), and the lowest pitch (half bars, 2), in each half of each
    half bar."""
    bars = len(lengths)
    half = lengths // 2
    edges = np.stack([starts, starts + half // 2, starts + half, starts + half + (lengths - half) // 2], axis=1).ravel()
    ends = np.append(edges[1:], starts[-1] + lengths[-1]) if bars else edges
    lowest = np.full(4 * bars, _NO_PITCH)
    onset = starts[notes[:, 0]] + notes[:, 2] if len(notes) else np.zeros(0, np.int64)
    end = onset + _TICKS[notes[:, 3]]
    first = np.searchsorted(edges, onset, side="right") - 1
    last = np.searchsorted(edges, end, side="left")
    spans = last - first
    note = np.repeat(np.arange(len(notes)), spans)
    cell = np.repeat(first, spans) + np.arange(len(note)) - np.repeat(np.cumsum(spans) - spans, spans)
    ticks = np.minimum(end[note], ends[cell]) - np.maximum(onset[note], edges[cell])
    counted = np.bincount(cell * 12 + notes[note, 4] % 12, ticks, minlength=48 * bars)
    weights = counted.astype(np.float64).reshape(2 * bars, 2, 12)
    long_enough = ticks * 4 >= ends[cell] - edges[cell]
    np.minimum.at(lowest, cell[long_enough], notes[note, 4][long_enough])
    return weights, lowest.reshape(2 * bars, 2)
