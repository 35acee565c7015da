"""The chord of each half bar, read from the notes: what the CHORD tokens of training pieces say."""

import numpy as np
from numpy.typing import NDArray

from bandmate_model.cells.vocabulary import QUALITIES, QUALITY_STEPS
from bandmate_model.tokens import DURATIONS, SLOT_SIZE, is_drum_slot

NO_CHORD = -1
_FOREIGN = 0.7
"""What sounding time outside the chord costs beside time inside."""
_MISSING = 0.12
"""What a chord tone that does not sound costs, as a share of all sounding time: plain triads before sevenths."""
_ROOT = 0.25
"""What the lowest sounding pitch class counts more, as the root."""
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


def half_bar_chords(
    notes: NDArray[np.integer], starts: NDArray[np.integer], lengths: NDArray[np.integer]
) -> NDArray[np.int16]:
    """(bars, 2): the value of vocabulary.CHORD that fits each half of each bar best; NO_CHORD where nothing sounds.

    `notes`: rows of pieces.Cells.notes.
    """
    bars = len(lengths)
    pitched = notes[~_DRUM[notes[:, 1]]].astype(np.int64)
    weights, lowest = _sounding(pitched, starts.astype(np.int64), lengths.astype(np.int64))
    total = weights.sum(axis=1, keepdims=True)
    inside = weights @ TEMPLATES.T.astype(float)
    missing = (weights <= 0.02 * total).astype(float) @ TEMPLATES.T.astype(float)
    score = inside - _FOREIGN * (total - inside) - _MISSING * total * missing
    score += _ROOT * total * (lowest[:, None] % 12 == _ROOTS[None, :])
    best = np.where(total[:, 0] > 0, score.argmax(axis=1), NO_CHORD)
    return best.reshape(bars, 2).astype(np.int16)


def _sounding(
    notes: NDArray[np.int64], starts: NDArray[np.int64], lengths: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Sounding ticks of each pitch class (halves, 12), and the lowest pitch, in each half bar."""
    bars = len(lengths)
    edges = np.stack([starts, starts + lengths // 2], axis=1).ravel()
    ends = np.append(edges[1:], starts[-1] + lengths[-1]) if bars else edges
    lowest = np.full(2 * bars, 1 << 10)
    onset = starts[notes[:, 0]] + notes[:, 2] if len(notes) else np.zeros(0, np.int64)
    end = onset + _TICKS[notes[:, 3]]
    first = np.searchsorted(edges, onset, side="right") - 1
    last = np.searchsorted(edges, end, side="left")
    spans = last - first
    note = np.repeat(np.arange(len(notes)), spans)
    half = np.repeat(first, spans) + np.arange(len(note)) - np.repeat(np.cumsum(spans) - spans, spans)
    ticks = np.minimum(end[note], ends[half]) - np.maximum(onset[note], edges[half])
    counted = np.bincount(half * 12 + notes[note, 4] % 12, ticks, minlength=24 * bars)
    weights = counted.astype(np.float64).reshape(2 * bars, 12)
    long_enough = ticks * 4 >= ends[half] - edges[half]
    np.minimum.at(lowest, half[long_enough], notes[note, 4][long_enough])
    return weights, lowest
