"""Place the voice in a room: a short bright hall, and two faint doubles left and right."""

from functools import cache

import numpy as np
from bandmate_music.audio import SAMPLE_RATE
from bandmate_music.audio.parallel import over_cores
from bandmate_music.audio.reverb import Reverb
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

_SECONDS, _DECAY_SECONDS, _PRE_DELAY = 1.3, 1.1, 0.022
_REVERB_DB, _DOUBLE_DB = -20.0, -22.0
_DOUBLE_DELAYS = (0.017, 0.023)
_DOUBLE_SWAY, _DOUBLE_HZ = 0.0012, (0.7, 0.9)
_SEED = 1
_BLOCK = 1 << 14


def place(voice: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mono [samples] to stereo [samples, 2], of the same length; the dry voice stays in the middle at its level."""
    placed = _hall().apply(voice)
    placed *= np.float32(10.0 ** (_REVERB_DB / 20.0))
    delays_and_rates = zip(_DOUBLE_DELAYS, _DOUBLE_HZ, strict=True)
    doubles = over_cores(lambda delay_and_rate: _double(voice, *delay_and_rate), delays_and_rates)
    for side, double in enumerate(doubles):
        double *= np.float32(10.0 ** (_DOUBLE_DB / 20.0))
        double += voice
        placed[:, side] += double
    return placed


@cache
def _hall() -> Reverb:
    return Reverb(_impulse())


def _impulse() -> NDArray[np.float32]:
    """A stereo impulse response of unit energy a channel: noise that decays by 60 dB, darker than it began."""
    random = np.random.default_rng(_SEED)
    times = np.arange(int(_SECONDS * SAMPLE_RATE)) / SAMPLE_RATE
    noise = random.standard_normal((len(times), 2)) * 10.0 ** (-3.0 * times / _DECAY_SECONDS)[:, None]
    noise *= np.minimum(times / 0.008, 1.0)[:, None]
    noise = sosfilt(butter(2, (250.0, 6500.0), "bandpass", fs=SAMPLE_RATE, output="sos"), noise, axis=0)
    noise /= np.sqrt(np.sum(noise**2, axis=0))
    impulse: NDArray[np.float32] = np.vstack([np.zeros((int(_PRE_DELAY * SAMPLE_RATE), 2)), noise]).astype(np.float32)
    return impulse


def _double(voice: NDArray[np.float32], delay: float, rate: float) -> NDArray[np.float32]:
    """The voice again, a moment later, its delay swaying so that its pitch parts from the first by a few cents."""
    double = np.zeros_like(voice)
    padded = np.concatenate([np.zeros(1, dtype=np.float32), voice])  # Silence before the first sample.
    for start in range(0, len(voice), _BLOCK):  # In pieces that stay in the processor's cache.
        times = np.arange(start, min(start + _BLOCK, len(voice)), dtype=np.float64)
        positions = times - SAMPLE_RATE * (delay + _DOUBLE_SWAY * np.sin(2 * np.pi * rate / SAMPLE_RATE * times))
        whole = np.floor(positions).astype(np.int64)
        before, after = padded[np.maximum(whole + 1, 0)], padded[np.maximum(whole + 2, 0)]
        double[start : start + _BLOCK] = before + (positions - whole).astype(np.float32) * (after - before)
    return double
