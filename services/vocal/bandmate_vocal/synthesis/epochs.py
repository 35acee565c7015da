"""Find the pitch marks of a recording whose fundamental is known, constant or as a contour.

Marks need no peak picking: the recording is turned back by the phase that its fundamental should have, what remains of
the fundamental is filtered out around 0 Hz, and a mark stands wherever the phase passes a fixed angle, chosen once so
that marks lie on the energy peaks of the periods. With a constant fundamental there can be no octave errors; with a
contour there are as many as `contour` makes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import fft, ifft, next_fast_len
from scipy.ndimage import uniform_filter1d

from bandmate_vocal.speech.base import FloatArray, Speech
from bandmate_vocal.synthesis.contour import STEP, fundamental

_VOICED = 0.55
"""Correlation of one period with the next from which a sound counts as voiced (1: perfectly periodic)."""
_QUIET = 1e-3
_BANDWIDTH = 0.22
"""Width (standard deviation) of the band around the fundamental, as a share of it."""


@dataclass(frozen=True, slots=True)
class Recording:
    """Speech with its pitch marks (seconds, ascending), and for each sample voicing and fundamental in Hz."""

    pcm: FloatArray
    sample_rate: int
    pitch: NDArray[np.float64]
    marks: NDArray[np.float64]
    voiced: NDArray[np.bool_]


def mark_epochs(speech: Speech) -> Recording:
    """Find the pitch marks and the voiced samples of a recording."""
    pcm, rate = speech.pcm, speech.sample_rate
    pitch = _pitch(speech)
    phase = _fundamental_phase(pcm, rate, pitch)
    cycle = np.mod(phase / (2 * np.pi), 1.0)
    voiced = _is_voiced(pcm, rate, pitch)
    bins = np.minimum((cycle[voiced] * 32).astype(np.int64), 31)
    energy = np.bincount(bins, weights=pcm[voiced].astype(np.float64) ** 2, minlength=32)
    smooth = sum(np.roll(energy, shift) for shift in (-2, -1, 0, 1, 2))
    turns = phase / (2 * np.pi) - (int(np.argmax(smooth)) + 0.5) / 32
    periods = np.floor(turns)
    crossings = np.flatnonzero(np.diff(periods) > 0)
    step = turns[crossings + 1] - turns[crossings]
    marks = (crossings + np.clip((periods[crossings + 1] - turns[crossings]) / step, 0.0, 1.0)) / rate
    return Recording(pcm, rate, pitch, marks, voiced)


def _pitch(speech: Speech) -> NDArray[np.float64]:
    if speech.pitch is not None:
        return np.full(len(speech.pcm), speech.pitch)
    contour = fundamental(speech.pcm, speech.sample_rate)
    times = np.arange(len(speech.pcm)) / speech.sample_rate
    hertz: NDArray[np.float64] = np.interp(times, STEP * np.arange(len(contour)), contour)
    return hertz


def _fundamental_phase(pcm: FloatArray, rate: int, pitch: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unwrapped phase of the fundamental, by demodulation: what is left beside the expected phase varies slowly."""
    expected = 2 * np.pi * np.cumsum(pitch) / rate
    length = next_fast_len(len(pcm) + rate // 10)
    frequencies = np.fft.fftfreq(length, 1.0 / rate)
    band = np.exp(-0.5 * (frequencies / (_BANDWIDTH * float(np.median(pitch)))) ** 2)
    base = ifft(fft(pcm * np.exp(-1j * expected), length) * band)[: len(pcm)]
    phase: NDArray[np.float64] = expected + np.unwrap(np.angle(base))
    return phase


def _is_voiced(pcm: FloatArray, rate: int, pitch: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Normalised correlation with the signal one period later, over two and a half periods."""
    lag = np.round(rate / pitch).astype(np.int64)
    window = max(3, round(2.5 * float(np.median(lag))))
    signal = pcm.astype(np.float64)
    indices = np.arange(len(signal))
    later = np.where(indices + lag < len(signal), signal[np.minimum(indices + lag, len(signal) - 1)], 0.0)
    product = uniform_filter1d(signal * later, window, mode="constant")
    power = uniform_filter1d(signal**2, window, mode="constant")
    power_later = uniform_filter1d(later**2, window, mode="constant")
    correlation = product / np.sqrt(np.maximum(power * power_later, 1e-12))
    earlier = indices - lag // 2
    centred = np.where(earlier >= 0, correlation[np.maximum(earlier, 0)], 0.0)
    voiced: NDArray[np.bool_] = (centred > _VOICED) & (power > _QUIET**2)
    return voiced
