"""Pitch marks of a recording spoken at a constant, known fundamental.

Because the engine holds the pitch, marks need no peak picking and cannot make octave errors: the fundamental is
filtered out, and a mark stands wherever its phase passes a fixed angle, chosen once so that marks lie on the
energy peaks of the periods.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bandmate_vocal.speech import FloatArray, Speech

_VOICED = 0.55
"""Correlation of one period with the next from which a sound counts as voiced (1: perfectly periodic)."""
_QUIET = 1e-3


@dataclass(frozen=True, slots=True)
class Recording:
    """Speech with its pitch marks (seconds, ascending) and voicing (one flag a sample)."""

    pcm: FloatArray
    sample_rate: int
    pitch: float
    marks: NDArray[np.float64]
    voiced: NDArray[np.bool_]


def mark_epochs(speech: Speech) -> Recording:
    """Find the pitch marks and the voiced samples of a monotone recording."""
    pcm, rate, pitch = speech.pcm, speech.sample_rate, speech.pitch
    phase = _fundamental_phase(pcm, rate, pitch)
    cycle = np.mod(phase / (2 * np.pi), 1.0)
    voiced = _is_voiced(pcm, rate, pitch)
    bins = np.minimum((cycle[voiced] * 32).astype(np.int64), 31)
    energy = np.bincount(bins, weights=pcm[voiced].astype(np.float64) ** 2, minlength=32)
    smooth = sum(np.roll(energy, shift) for shift in (-2, -1, 0, 1, 2))
    turns = phase / (2 * np.pi) - (int(np.argmax(smooth)) + 0.5) / 32
    whole = np.floor(turns)
    at = np.flatnonzero(np.diff(whole) > 0)
    step = turns[at + 1] - turns[at]
    marks = (at + np.clip((whole[at + 1] - turns[at]) / step, 0.0, 1.0)) / rate
    return Recording(pcm, rate, pitch, marks, voiced)


def _fundamental_phase(pcm: FloatArray, rate: int, pitch: float) -> NDArray[np.float64]:
    """Unwrapped phase of the analytic signal in a band around the fundamental."""
    from scipy.fft import fft, ifft, next_fast_len

    length = next_fast_len(len(pcm) + rate // 10)
    frequencies = np.fft.fftfreq(length, 1.0 / rate)
    band = np.exp(-0.5 * ((frequencies - pitch) / (0.22 * pitch)) ** 2)
    analytic = ifft(fft(pcm, length) * band.astype(np.float32))[: len(pcm)]
    phase: NDArray[np.float64] = np.unwrap(np.angle(analytic).astype(np.float64))
    return phase


def _is_voiced(pcm: FloatArray, rate: int, pitch: float) -> NDArray[np.bool_]:
    """Normalised correlation with the signal one period later, over two and a half periods."""
    from scipy.ndimage import uniform_filter1d

    lag = round(rate / pitch)
    window = max(3, round(2.5 * lag))
    signal = pcm.astype(np.float64)
    later = np.concatenate([signal[lag:], np.zeros(lag)])
    product = uniform_filter1d(signal * later, window, mode="constant")
    power = uniform_filter1d(signal**2, window, mode="constant")
    power_later = uniform_filter1d(later**2, window, mode="constant")
    correlation = product / np.sqrt(np.maximum(power * power_later, 1e-12))
    shift = lag // 2
    centred = np.concatenate([np.zeros(shift), correlation[: len(correlation) - shift]])
    voiced: NDArray[np.bool_] = (centred > _VOICED) & (power > _QUIET**2)
    return voiced
