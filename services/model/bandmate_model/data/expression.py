"""Rule-based loudness for parts whose training data had none: metrical accents, the arch of a phrase, balance of parts.

Scores converted from notation carry one velocity throughout, so there is nothing to learn from them. Drums are the
exception: drummers were recorded, and their velocities come from the network.
"""

import math

import numpy as np
from bandmate_music.theory import metrical_grid
from bandmate_music.theory.metre import Metre
from bandmate_shared.contracts.composition import PartSpec

from bandmate_model.data.tokens import GRID_PER_TICK, velocity_value

BASE = {"melody": 90, "harmony": 66, "bass": 78, "drums": 80}
PHRASE_BARS = 4
_ACCENTS = ((metrical_grid.DOWNBEAT, 10), (metrical_grid.STRONG_BEAT, 5), (metrical_grid.BEAT, 2))
_WEAK = -4


def velocity(
    part: PartSpec,
    *,
    tick: int,
    bar_ticks: int,
    metre: tuple[int, int],
    end: int,
    drum_token: int,
    lowest_of_chord: bool,
    generator: np.random.Generator,
) -> int:
    """MIDI velocity of a note, 1-127. Ticks are the model's; one random number is used per note."""
    jitter = int(generator.integers(-3, 4))
    if drum_token:
        return int(np.clip(velocity_value(drum_token) + 2 * jitter, 1, 127))
    phrase = tick % (PHRASE_BARS * bar_ticks) / (PHRASE_BARS * bar_ticks)
    arch = 7 * math.sin(math.pi * phrase) - 3
    closing = -8 * max(0.0, 1 - (end - tick) / (2 * bar_ticks))
    inner = 0 if lowest_of_chord or part.role == "melody" else -5
    loud = BASE[part.role] + _accent(tick % bar_ticks, metre) + arch + closing + inner + jitter
    return int(np.clip(round(loud), 1, 127))


def _accent(position: int, metre: tuple[int, int]) -> int:
    """What the metrical strength of a tick in the bar adds to the velocity."""
    strength = metrical_grid.strength(position * GRID_PER_TICK, Metre(*metre))
    return next((accent for min_strength, accent in _ACCENTS if strength >= min_strength), _WEAK)
