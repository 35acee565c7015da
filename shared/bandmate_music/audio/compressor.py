"""Gain that follows the level: compression, and one sound that makes room for another.

Levels and gains are in dB, one for each HOP samples; gains are interpolated between.
"""

import numpy as np
from numpy.typing import NDArray

from bandmate_music.audio import SAMPLE_RATE
from bandmate_music.audio.loudness import Sound

HOP = 256
SILENCE_DB = -100.0

Curve = NDArray[np.float64]


def levels_of(sound: NDArray[np.float32]) -> Curve:
    """The level of each hop of [samples] or [samples, channels], in dB of full scale (mean square)."""
    count = -(-len(sound) // HOP)
    channels = sound.reshape(len(sound), -1)
    power = np.zeros(count)
    for channel in range(channels.shape[1]):
        squares = np.zeros(count * HOP, dtype=np.float32)
        np.square(channels[:, channel], out=squares[: len(sound)])
        power += squares.reshape(count, HOP).mean(axis=1, dtype=np.float64)
    return np.asarray(10.0 * np.log10(np.maximum(power / channels.shape[1], 10.0 ** (SILENCE_DB / 10.0))))


def loud_level(levels: Curve) -> float:
    """The level that a sound exceeds in a tenth of the time in which it is not silent."""
    sounding = levels[levels > max(SILENCE_DB, float(levels.max(initial=SILENCE_DB)) - 50.0)]
    return float(np.percentile(sounding, 90)) if len(sounding) else SILENCE_DB


def compression(levels: Curve, threshold: float, ratio: float, attack: float, release: float) -> Curve:
    """The gain, at most 0 dB, of a compressor with a soft knee of 6 dB; times in seconds."""
    over = levels - threshold
    knee = np.clip(over + 3.0, 0.0, 6.0) ** 2 / 12.0
    excess = np.where(over > 3.0, over, knee)
    return followed((1.0 / ratio - 1.0) * excess, attack, release)


def followed(target: Curve, attack: float, release: float) -> Curve:
    """A curve that follows `target`, falling with the time constant `attack` and rising with `release`, in seconds."""
    falling, rising = (1.0 - float(np.exp(-HOP / SAMPLE_RATE / seconds)) for seconds in (attack, release))
    value = 0.0
    curve = []
    for wanted in target.tolist():
        value += (falling if wanted < value else rising) * (wanted - value)
        curve.append(value)
    return np.array(curve)


def apply_gain(sound: Sound, gain_db: Curve) -> None:
    """Multiply [samples, channels] by a curve of gains, in place."""
    gains = (10.0 ** (gain_db / 20.0)).astype(np.float32)
    steps = np.diff(gains, append=gains[-1:])
    ramp = np.arange(HOP, dtype=np.float32) / np.float32(HOP)
    factor = (gains[:, None] + steps[:, None] * ramp).reshape(-1)[: len(sound)]
    for channel in range(sound.shape[1]):
        sound[:, channel] *= factor
