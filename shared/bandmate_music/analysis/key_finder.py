"""Estimates the key of a piece: pitch-class profiles, the last bass note, and a stated key signature as evidence.

Each of the 24 keys has a profile of how much each degree sounds (Albrecht & Shanahan, The use of large corpora to train
a new type of key-finding algorithm, Music Perception 2013). The key whose profile correlates best with the summed
durations wins. Profile and weights were chosen by measurement: docs/benchmarks/keys.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bandmate_music.score import Score
from bandmate_music.theory.keys import Key

Floats = NDArray[np.float64]
Integers = NDArray[np.integer[Any]]

MAJOR = (0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081)
MINOR = (0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052)
FINAL_BASS = 0.1
"""Correlation that ending on the tonic in the bass is worth: it tells a key from its relative."""
_MAX_QUARTERS = 4.0
"""Longer notes count no more than this, so that a pedal note does not decide the key."""
_CLOSING_QUARTERS = 0.25
_STATED, _STATED_C = 0.12, 0.03
"""Correlation that a stated signature is worth; notation programs write C major where no key was stated."""

KEYS = tuple(Key(tonic, "major") for tonic in range(12)) + tuple(Key(tonic, "minor") for tonic in range(12))
_TONICS = np.array([key.tonic for key in KEYS])
_FIFTHS = np.array([key.fifths for key in KEYS])


@dataclass(frozen=True, slots=True)
class FoundKey:
    """A key, and the lead of its score over the second best one as a confidence from 0 to 1."""

    key: Key
    confidence: float


def estimate_key(score: Score) -> Key | None:
    """The likeliest key of a score's pitched notes, whatever key it states; None without any."""
    parts = [part.notes for part in score.parts if not part.is_drum]
    if not any(len(notes) for notes in parts):
        return None
    onset, duration, pitch = (
        np.concatenate([getattr(notes, column) for notes in parts]) for column in ("onset", "duration", "pitch")
    )
    return find_key(onset, duration, pitch, score.ticks_per_quarter).key


def find_key(
    onset: Integers, duration: Integers, pitch: Integers, ticks_per_quarter: int, stated: Key | None = None
) -> FoundKey:
    """The likeliest key of pitched notes, with its confidence; C major with confidence 0 without any.

    Columns have an entry for each note, times in ticks. `stated` is a key signature that counts as evidence.
    """
    if not len(pitch):
        return FoundKey(KEYS[0], 0.0)
    weights = pitch_class_weights(duration, pitch, ticks_per_quarter)
    scores = key_scores(weights, closing_bass(onset, duration, pitch, ticks_per_quarter), stated)
    first, second = np.argsort(-scores, kind="stable")[:2]
    lead = float(scores[first] - scores[second])
    return FoundKey(KEYS[int(first)], min(lead / 0.3, 1.0))


def pitch_class_weights(duration: Integers, pitch: Integers, ticks_per_quarter: int) -> Floats:
    """Quarter notes that each of the 12 pitch classes sounds."""
    quarters = np.minimum(duration / ticks_per_quarter, _MAX_QUARTERS)
    weights: Floats = np.bincount(pitch % 12, weights=quarters, minlength=12).astype(np.float64)
    return weights


def closing_bass(onset: Integers, duration: Integers, pitch: Integers, ticks_per_quarter: int) -> int:
    """Pitch class of the lowest of the notes that end the piece."""
    ends = onset + duration
    return int(pitch[ends >= ends.max() - ticks_per_quarter * _CLOSING_QUARTERS].min()) % 12


def key_scores(
    weights: Floats,
    bass: int,
    stated: Key | None = None,
    *,
    major: Sequence[float] = MAJOR,
    minor: Sequence[float] = MINOR,
    final_bass: float = FINAL_BASS,
) -> Floats:
    """A score for each of KEYS: the correlation of weights and profile, and what other evidence adds."""
    centred = weights - weights.mean()
    norm = float(np.linalg.norm(centred))
    scores: Floats = _profiles(tuple(major), tuple(minor)) @ (centred / norm if norm > 0 else centred)
    scores = scores + final_bass * (bass == _TONICS)
    if stated is not None:
        worth = _STATED_C if stated.fifths == 0 else _STATED
        scores = scores + worth * (stated.fifths == _FIFTHS)
        if stated.mode == "minor":
            scores = scores + worth * np.array([key == stated for key in KEYS])
    return scores


@cache
def _profiles(major: tuple[float, ...], minor: tuple[float, ...]) -> Floats:
    """The profile of each of KEYS, with mean 0 and norm 1."""
    table = np.array([np.roll(profile, tonic) for profile in (major, minor) for tonic in range(12)])
    table -= table.mean(axis=1, keepdims=True)
    result: Floats = table / np.linalg.norm(table, axis=1, keepdims=True)
    return result
