"""The key of a piece: pitch-class profiles, with the stated signature as evidence.

Each of the 24 keys has a profile of how much each degree sounds (Temperley's revision of Krumhansl and Kessler's,
in: What's Key for Key?, Music Perception 1999); the key whose profile correlates best with the durations wins.
"""

from dataclasses import dataclass

import numpy as np
from bandmate_shared.music.keys import Key

from bandmate_ingest.columns import Bools, Columns, Floats
from bandmate_ingest.rules import GRID

_MAJOR = np.array([5.0, 2.0, 3.5, 2.0, 4.5, 4.0, 2.0, 4.5, 2.0, 3.5, 1.5, 4.0])
_MINOR = np.array([5.0, 2.0, 3.5, 4.5, 2.0, 4.0, 2.0, 4.5, 3.5, 2.0, 1.5, 4.0])
_STATED = 0.12
"""Correlation that a stated signature is worth; notation programs write C major where nobody said anything."""
_STATED_C = 0.03
_LAST_BASS = 0.06
"""What the lowest note of the last chord is worth as a hint at the tonic: pieces end on it more often than not."""


def _profiles() -> Floats:
    rows = [np.roll(profile, tonic) for profile in (_MAJOR, _MINOR) for tonic in range(12)]
    table = np.array(rows)
    table -= table.mean(axis=1, keepdims=True)
    result: Floats = table / np.linalg.norm(table, axis=1, keepdims=True)
    return result


_PROFILES = _profiles()
_KEYS = [Key(tonic, mode) for mode in ("major", "minor") for tonic in range(12)]
_TONICS = np.array([key.tonic for key in _KEYS])
_FIFTHS = np.array([key.fifths for key in _KEYS])


@dataclass(frozen=True, slots=True)
class FoundKey:
    """A key and the lead of its correlation over the best key with another signature or tonic, 0..1."""

    key: Key
    confidence: float


def find_key(notes: Columns, is_drum: Bools, stated: Key | None) -> FoundKey:
    """The key of the pitched notes; C major with confidence 0 when there are none."""
    if is_drum.any():
        notes = notes.select(~is_drum[notes.part])
    if not len(notes):
        return FoundKey(Key(0, "major"), 0.0)
    pitch, duration, end = notes.pitch, notes.duration, notes.ends
    weights = np.bincount(pitch % 12, weights=np.minimum(duration, 4 * GRID), minlength=12)
    centred = weights - weights.mean()
    norm = float(np.linalg.norm(centred))
    if norm == 0:
        return FoundKey(Key(0, "major"), 0.0)
    scores = _PROFILES @ (centred / norm)
    closing = end >= end.max() - GRID // 2
    final = int(pitch[closing].min()) % 12
    scores = scores + _LAST_BASS * (final == _TONICS)
    if stated is not None:
        worth = _STATED_C if stated.fifths == 0 else _STATED
        scores = scores + worth * (stated.fifths == _FIFTHS)
        if stated.mode == "minor":
            scores = scores + worth * np.array([key == stated for key in _KEYS])
    order = np.argsort(-scores, kind="stable")
    best, second = float(scores[order[0]]), float(scores[order[1]])
    return FoundKey(_KEYS[order[0]], float(np.clip((best - second) / 0.3, 0.0, 1.0)))
