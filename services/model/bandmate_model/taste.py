"""Soft musical leanings added to the network's logits while composing: never rules, always tendencies.

A small network trained for an hour knows most of this, not all of it. Each leaning is a number in natural log units
(1.0 makes a value e times less likely); `Taste(...)` with zeros leaves the network alone (`taste: off` in config.json).
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bandmate_model.tokens import (
    DRUM_PITCH,
    DURATION_SIZE,
    DURATIONS,
    MAX_BAR_TICKS,
    PITCH_SIZE,
    TIME_BAR,
    TIME_POSITION,
    TIME_SAME,
    TIME_SIZE,
)

Array = NDArray[np.float32]

MAJOR = frozenset({0, 2, 4, 5, 7, 9, 11})
MINOR = frozenset({0, 2, 3, 5, 7, 8, 9, 10, 11})
"""Natural minor with the raised sixth and seventh of the melodic form."""

_CLASSES = (np.arange(PITCH_SIZE) - 1) % 12
_PITCHED = (np.arange(PITCH_SIZE) > 0) & (np.arange(PITCH_SIZE) < DRUM_PITCH)
_TICKS = np.array([0, *DURATIONS])


@dataclass(frozen=True, slots=True)
class Taste:
    """How strongly each leaning counts."""

    chromatic: float = 1.5
    """Against pitches outside the scale."""
    leap: float = 0.25
    """Against each semitone of a melodic leap beyond a fifth."""
    wide_leap: float = 2.5
    """Against leaps of more than an octave, in a melody."""
    repeat: float = 1.0
    """Against a fourth, fifth… note on the same pitch in a melody."""
    register: float = 0.35
    """Against each semitone beyond a sixth from the middle of a melody's range so far used."""
    recall: float = 1.5
    """In a melody of given rhythm: towards the pitch of four bars ago in the first half of a four-bar phrase, and of
    eight bars ago but for the close of an eight-bar period."""
    phrase_end: float = 1.2
    """Towards the tonic triad where a melody's phrase ends."""
    cadence: float = 3.0
    """Towards the tonic triad in the last bar, doubled for notes that last to the end; the bass and the last note of
    a melody towards the tonic."""
    close: float = 3.0
    """In the last bar: against new notes after its beginning, towards notes that last to the end."""
    thick: float = 0.8
    """Against a fifth, sixth… note that a part strikes at once, each."""
    silence: float = 2.5
    """Towards parts that have rested, for each whole bar."""
    entry: float = 4.0
    """In the first bar: towards the accompanying parts that have not been heard yet. What has begun goes on."""
    together: float = 5.0
    """In the last bar: towards all parts striking on its first beat."""
    monotony: float = 3.0
    """After this many bars in a row much like the one before, the network is not shown what to copy (0: never)."""
    change: float = 2.5
    """Then, against beginning the bar with the pitch class with which the part began the last."""

    @staticmethod
    def from_config(values: dict[str, Any]) -> "Taste":
        known = {field.name for field in fields(Taste)}
        return Taste(**{name: float(value) for name, value in values.items() if name in known})

    @staticmethod
    def off() -> "Taste":
        return Taste(**{field.name: 0.0 for field in fields(Taste)})


class PitchLeanings:
    """Biases on pitch tokens for one piece in one mode."""

    def __init__(self, taste: Taste, mode: str) -> None:
        self._taste = taste
        scale = MAJOR if mode == "major" else MINOR
        third = 4 if mode == "major" else 3
        off_scale = _PITCHED & ~np.isin(_CLASSES, list(scale))
        self._scale = np.where(off_scale, -taste.chromatic, 0.0).astype(np.float32)
        self._triad = (_PITCHED & np.isin(_CLASSES, [0, third, 7])).astype(np.float32)
        self._tonic = (_PITCHED & (_CLASSES == 0)).astype(np.float32)

    def harmony(self, *, last_bar: bool, to_the_end: bool, is_bass: bool) -> Array:
        """For parts that are not the melody."""
        if not last_bar:
            return self._scale
        bias = self._scale + self._taste.cadence * (2 if to_the_end else 1) * self._triad
        return bias + self._taste.cadence * self._tonic if is_bass else bias

    def elsewhere(self, pitch: int) -> Array:
        """Against the class of this pitch token."""
        return np.where(_PITCHED & ((pitch - 1) % 12 == _CLASSES), -self._taste.change, 0.0).astype(np.float32)

    def melody(
        self, history: list[int], *, recalled: list[int], phrase_end: bool, last_note: bool, last_bar: bool
    ) -> Array:
        """`history`: the melody's pitch tokens so far. `recalled`: those that stood here before and may come back."""
        taste = self._taste
        bias = self._scale.copy()
        if history:
            last = history[-1]
            distance = np.abs(np.arange(PITCH_SIZE) - last)
            bias -= taste.leap * np.maximum(distance - 7, 0)
            bias -= taste.wide_leap * (distance > 12)
            run = next((k for k, pitch in enumerate(reversed(history)) if pitch != last), len(history))
            if run >= 3:
                bias[last] -= taste.repeat * (run - 2)
            recent = history[-32:]
            middle = (max(recent) + min(recent)) / 2
            bias -= taste.register * np.maximum(np.abs(np.arange(PITCH_SIZE) - middle) - 9, 0)
        for pitch in recalled:
            bias[pitch] += taste.recall
        if last_note:
            bias += taste.cadence * (self._triad + self._tonic)
        elif phrase_end or last_bar:
            bias += taste.phrase_end * self._triad
        return bias


def opening_time_bias(taste: Taste) -> Array:
    """While accompanying parts are missing in the first bar: rather at the same place, and not yet the next bar."""
    bias = np.zeros(TIME_SIZE, dtype=np.float32)
    bias[TIME_SAME] = taste.entry / 2
    bias[TIME_BAR] = -taste.entry
    return bias


def closing_time_bias(taste: Taste, *, missing: bool, due: int) -> Array:
    """In the last bar: all strike together at first (`missing`: some have not yet), then rather no new note. `due`, the
    position of the next note of a fixed rhythm, is not held back."""
    bias = np.zeros(TIME_SIZE, dtype=np.float32)
    bias[TIME_POSITION + 1 :] = -taste.close
    if 0 <= due < MAX_BAR_TICKS:
        bias[TIME_POSITION + due] = 0.0
    bias[TIME_BAR] = -taste.together if missing else taste.close / 2
    bias[TIME_SAME] = taste.together if missing else 0.0
    return bias


def closing_duration_bias(taste: Taste, *, left: int, in_last_bar: int) -> Array:
    """`left` ticks from the end of the piece, of which the last bar has `in_last_bar`: in that bar towards notes that
    last to the end, before it against notes that hold over into it."""
    bias = np.zeros(DURATION_SIZE, dtype=np.float32)
    before = left - in_last_bar
    if before > 0:
        bias[before < _TICKS] = -taste.close
    else:
        bias[(left * 0.6 <= _TICKS) & (left >= _TICKS)] = taste.close
    return bias
