"""Estimate the chord of each bar: the triad that best covers the sounding notes, the bass counting double."""

import numpy as np
from bandmate_music.analysis.bars import bars_of
from bandmate_music.score import Score
from bandmate_music.theory.bars import Bars
from bandmate_music.theory.keys import Key

_SHAPES = (("", (0, 4, 7)), ("m", (0, 3, 7)), ("dim", (0, 3, 6)))
_SHARP_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_FLAT_NAMES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
_OUTSIDE_COST = 0.6
"""Weight of sounding time outside the chord against time inside."""


def chords_of(score: Score, bars: int, key: Key) -> list[str]:
    """A chord symbol a bar ('D', 'Bm', 'C#dim'), spelt as the key suggests; '-' for a bar without pitched notes."""
    frame = Bars(tuple(bars_of(score, bars)))
    names = _FLAT_NAMES if key.fifths < 0 else _SHARP_NAMES
    weights = np.zeros((bars, 12))
    lowest: list[int | None] = [None] * bars
    for part in score.parts:
        if part.is_drum:
            continue
        notes = part.notes
        for onset, duration, pitch in zip(
            notes.onset.tolist(), notes.duration.tolist(), notes.pitch.tolist(), strict=True
        ):
            for bar in range(frame.at(onset), min(bars, frame.at(onset + duration - 1) + 1)):
                inside = min(onset + duration, frame[bar].end) - max(onset, frame[bar].onset)
                weights[bar, pitch % 12] += inside
                current = lowest[bar]
                lowest[bar] = pitch if current is None else min(current, pitch)
    return [_chord(weights[bar], lowest[bar], names) for bar in range(bars)]


def _chord(
    weights: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]", lowest: int | None, names: tuple[str, ...]
) -> str:
    if lowest is None:
        return "-"
    weighted = weights.copy()
    weighted[lowest % 12] *= 2
    best: tuple[float, str] | None = None
    for suffix, shape in _SHAPES:
        for root in range(12):
            inside = sum(weighted[(root + step) % 12] for step in shape)
            fit = inside - _OUTSIDE_COST * (weighted.sum() - inside) + 0.1 * weighted[root]
            if best is None or fit > best[0] + 1e-9:
                best = (fit, names[root] + suffix)
    assert best is not None, "the shapes are never empty"
    return best[1]
