"""The key that a listener hears: the best of 24 profiles (Krumhansl & Kessler 1982), and the closing bass note."""

import numpy as np
from bandmate_shared.music.keys import Key
from bandmate_shared.music.score import Score

_MAJOR = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
_MINOR = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])
_FINAL = 0.15
"""Correlation that ending on the tonic in the bass is worth: it tells a key from its relative."""
_LONGEST_QUARTERS = 4.0


def estimate_key(score: Score) -> Key | None:
    """The key of the pitched notes; None without any."""
    weights = np.zeros(12)
    closing: list[tuple[int, int]] = []
    for part in score.parts:
        if part.is_drum or not len(part.notes):
            continue
        quarters = np.minimum(part.notes.duration / score.ticks_per_quarter, _LONGEST_QUARTERS)
        weights += np.bincount(part.notes.pitch % 12, weights=quarters, minlength=12)
        ends = part.notes.onset + part.notes.duration
        last = ends >= ends.max() - score.ticks_per_quarter // 4
        closing.append((-int(ends.max()), int(part.notes.pitch[last].min())))
    if not weights.any():
        return None
    final = min(closing)[1] % 12
    best: tuple[float, Key] | None = None
    for mode, profile in (("major", _MAJOR), ("minor", _MINOR)):
        for tonic in range(12):
            fit = float(np.corrcoef(weights, np.roll(profile, tonic))[0, 1]) + (_FINAL if tonic == final else 0.0)
            if best is None or fit > best[0]:
                best = (fit, Key(tonic, "major" if mode == "major" else "minor"))
    return best[1] if best else None
