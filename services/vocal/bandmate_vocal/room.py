"""The room around the voice: a short bright hall and two faint doubles, left and right."""

import numpy as np
from bandmate_shared.audio import SAMPLE_RATE
from numpy.typing import NDArray

_SECONDS, _DECAY_SECONDS, _PRE_DELAY = 1.3, 1.1, 0.022
_REVERB_DB, _DOUBLE_DB = -17.0, -16.0
_DOUBLE_DELAYS = (0.017, 0.023)
_DOUBLE_SWAY, _DOUBLE_HZ = 0.0012, (0.7, 0.9)
_SEED = 1


def place(voice: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mono [samples] to stereo [samples, 2], of the same length; the dry voice stays in the middle at its level."""
    from scipy.signal import oaconvolve

    wet = oaconvolve(voice[:, None], _hall(), axes=0)[: len(voice)]
    doubles = np.stack([_double(voice, *each) for each in zip(_DOUBLE_DELAYS, _DOUBLE_HZ, strict=True)], axis=1)
    placed = voice[:, None] + wet * 10.0 ** (_REVERB_DB / 20.0) + doubles * np.float32(10.0 ** (_DOUBLE_DB / 20.0))
    stereo: NDArray[np.float32] = placed.astype(np.float32)
    return stereo


def _hall() -> NDArray[np.float32]:
    """A stereo impulse response of unit energy a channel: noise that decays by 60 dB, darker than it began."""
    from scipy.signal import butter, sosfilt

    random = np.random.default_rng(_SEED)
    times = np.arange(int(_SECONDS * SAMPLE_RATE)) / SAMPLE_RATE
    noise = random.standard_normal((len(times), 2)) * 10.0 ** (-3.0 * times / _DECAY_SECONDS)[:, None]
    noise *= np.minimum(times / 0.008, 1.0)[:, None]
    noise = sosfilt(butter(2, (250.0, 6500.0), "bandpass", fs=SAMPLE_RATE, output="sos"), noise, axis=0)
    noise /= np.sqrt(np.sum(noise**2, axis=0))
    hall: NDArray[np.float32] = np.vstack([np.zeros((int(_PRE_DELAY * SAMPLE_RATE), 2)), noise]).astype(np.float32)
    return hall


def _double(voice: NDArray[np.float32], delay: float, rate: float) -> NDArray[np.float32]:
    """The voice again, a moment later, its delay swaying so that its pitch parts from the first by a few cents."""
    places = np.arange(len(voice), dtype=np.float64)
    places -= SAMPLE_RATE * (delay + _DOUBLE_SWAY * np.sin(2 * np.pi * rate * places / SAMPLE_RATE))
    double: NDArray[np.float32] = np.interp(places, np.arange(len(voice)), voice, left=0.0).astype(np.float32)
    return double
