"""Loudness by rule for parts whose training data had none: metrical accents, the arch of a phrase, balance of parts.

Scores converted from notation carry one velocity throughout, so there is nothing to learn from them. Drums are the
exception: drummers were recorded, and their velocities come from the network.
"""

import math

import numpy as np
from bandmate_shared.contracts.composition import PartSpec

from bandmate_model.tokens import velocity_value

BASE = {"melody": 90, "harmony": 66, "bass": 78, "drums": 80}
PHRASE_BARS = 4


def accent(position: int, bar_ticks: int, numerator: int, denominator: int) -> int:
    """Stress of a place in the bar: the first beat most, then the middle of an even bar, the beats, the rest."""
    if position == 0:
        return 10
    compound = numerator % 3 == 0 and numerator > 3 and denominator >= 8
    beats = numerator // 3 if compound else numerator
    beat = max(1, bar_ticks // max(1, beats))
    if beats % 2 == 0 and position * 2 == bar_ticks:
        return 5
    return 2 if position % beat == 0 else -4


def velocity(
    part: PartSpec, *, tick: int, bar_ticks: int, metre: tuple[int, int], end: int, drum_token: int,
    lowest_of_chord: bool, generator: np.random.Generator,
) -> int:  # fmt: skip
    """MIDI velocity of a note, 1-127. Ticks are the model's; one random number is used a note."""
    jitter = int(generator.integers(-3, 4))
    if drum_token:
        return int(np.clip(velocity_value(drum_token) + 2 * jitter, 1, 127))
    phrase = tick % (PHRASE_BARS * bar_ticks) / (PHRASE_BARS * bar_ticks)
    arch = 7 * math.sin(math.pi * phrase) - 3
    closing = -8 * max(0.0, 1 - (end - tick) / (2 * bar_ticks))
    inner = 0 if lowest_of_chord or part.role == "melody" else -5
    loud = BASE[part.role] + accent(tick % bar_ticks, bar_ticks, *metre) + arch + closing + inner + jitter
    return int(np.clip(round(loud), 1, 127))
