"""Track the fundamental of speech, without octave jumps.

After Boersma (1993): candidates are the peaks of each frame's autocorrelation divided by that of its window, and the
path through them that is strongest and jumps least is found by dynamic programming. It runs twice: the first pass
finds the speaker's register, the second searches only there (De Looze & Hirst 2008).
"""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter
from scipy.signal import butter, sosfiltfilt

from bandmate_vocal.speech.base import FloatArray

STEP = 0.005
"""Seconds between points of a contour."""
_LOWEST, _HIGHEST = 55.0, 600.0
_BELOW, _ABOVE = 0.6, 1.9
"""The second pass searches from so far below to so far above the first pass's median."""
_PERIODS = 3.0
_LOW_PASS = 2500.0
_CANDIDATES = 6
_BLOCK = 512
"""Frames looked at together: bounds the memory, whatever the recording's length."""
_VOICED = 0.45
"""Strength from which a frame may count as voiced."""
_SILENT = 0.02
"""Share of the recording's loudness below which a frame counts as silent."""
_OCTAVE_COST, _JUMP_COST, _VOICING_COST = 0.02, 0.6, 0.14
"""Per octave a candidate lies low; per octave between neighbours; for each change between voiced and not."""


def fundamental(pcm: FloatArray, rate: int) -> NDArray[np.float64]:
    """Hz at every STEP seconds, positive everywhere: what is not voiced gets a line between its voiced neighbours.

    A recording with nothing voiced gets a constant in the middle of the human range.
    """
    rough = _track(pcm, rate, _LOWEST, _HIGHEST)
    if np.isnan(rough).all():
        return np.full(len(rough), float(np.sqrt(_LOWEST * _HIGHEST)))
    middle = float(np.nanmedian(rough))
    fine = _track(pcm, rate, max(_LOWEST, _BELOW * middle), min(_HIGHEST, _ABOVE * middle))
    voiced = np.flatnonzero(~np.isnan(fine))
    if not len(voiced):
        return np.full(len(fine), middle)
    line = np.interp(np.arange(len(fine)), voiced, np.log2(fine[voiced]))
    smooth: NDArray[np.float64] = np.exp2(median_filter(line, 5, mode="nearest"))
    return smooth


def _track(pcm: FloatArray, rate: int, lowest: float, highest: float) -> NDArray[np.float64]:
    """Hz every STEP seconds, nan where not voiced."""
    lags, strengths = _candidates(pcm, rate, lowest, highest)
    hertz = np.where(strengths > 0, rate / np.maximum(lags, 1e-9), 0.0)
    path = _best_path(hertz, strengths, lowest)
    chosen = hertz[np.arange(len(hertz)), np.maximum(path, 0)]
    return np.where(path >= 0, chosen, np.nan)


def _candidates(
    pcm: FloatArray, rate: int, lowest: float, highest: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lags in samples and strengths, [frames, _CANDIDATES]; strength 0: no candidate."""
    window = int(_PERIODS * rate / lowest)
    shape = np.hanning(window)
    starts = np.round(np.arange(int(len(pcm) / rate / STEP) + 1) * STEP * rate).astype(np.int64)
    padded = np.pad(pcm.astype(np.float64), (window // 2, window))
    padded = sosfiltfilt(butter(3, min(_LOW_PASS, 0.45 * rate), fs=rate, output="sos"), padded)
    blocks = [starts[first : first + _BLOCK] for first in range(0, len(starts), _BLOCK)]
    peaks = [_peaks(padded[block[:, None] + np.arange(window)], shape, rate, lowest, highest) for block in blocks]
    lags, heights, power = (np.concatenate(parts) for parts in zip(*peaks, strict=True))
    loud = np.sqrt(power)
    audible = loud > _SILENT * float(loud.max(initial=1e-9))
    return lags, heights * audible[:, None]


def _peaks(
    frames: NDArray[np.float64], shape: NDArray[np.float64], rate: int, lowest: float, highest: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """For each frame the highest peaks of its autocorrelation, as lags and heights, and its power."""
    window = len(shape)
    frames = (frames - frames.mean(axis=1, keepdims=True)) * shape
    size = 1 << (2 * window - 1).bit_length()
    longest, shortest = int(rate / lowest) + 1, max(2, int(rate / highest))
    autocorrelation = np.fft.irfft(np.abs(np.fft.rfft(shape, size)) ** 2)[: longest + 2]
    correlation = np.fft.irfft(np.abs(np.fft.rfft(frames, size, axis=1)) ** 2, axis=1)[:, : longest + 2]
    normal = correlation / np.maximum(correlation[:, :1], 1e-12) / (autocorrelation / autocorrelation[0])
    before, current, after = (normal[:, shortest + step : longest + 1 + step] for step in (-1, 0, 1))
    peaks = (current > before) & (current >= after)
    bend = before - 2.0 * current + after
    shift = np.where(peaks, 0.5 * (before - after) / np.where(np.abs(bend) > 1e-12, bend, 1.0), 0.0)
    lag = np.arange(shortest, longest + 1) + np.clip(shift, -1.0, 1.0)
    height = current - 0.25 * (before - after) * shift - _OCTAVE_COST * np.log2(np.maximum(lag, 1.0) * lowest / rate)
    height = np.where(peaks, np.clip(height, 0.0, None), 0.0)
    order = np.argsort(-height, axis=1, kind="stable")[:, :_CANDIDATES]
    power = correlation[:, 0] / np.sum(shape**2)
    return np.take_along_axis(lag, order, axis=1), np.take_along_axis(height, order, axis=1), power


def _best_path(hertz: NDArray[np.float64], strengths: NDArray[np.float64], lowest: float) -> NDArray[np.int64]:
    """For each frame the candidate to take, -1: not voiced (Viterbi)."""
    frames, width = hertz.shape
    pitch = np.log2(np.maximum(hertz, lowest / 4))
    # The last column stands for "not voiced".
    score = np.concatenate([np.where(strengths > 0, strengths, -10.0), np.full((frames, 1), _VOICED)], axis=1)
    total = score[0].copy()
    back = np.zeros((frames, width + 1), dtype=np.int64)
    for frame in range(1, frames):
        cost = np.full((width + 1, width + 1), _VOICING_COST)
        cost[:width, :width] = _JUMP_COST * np.abs(pitch[frame - 1][:, None] - pitch[frame][None, :])
        cost[width, width] = 0.0
        choices = total[:, None] - cost
        back[frame] = np.argmax(choices, axis=0)
        total = choices[back[frame], np.arange(width + 1)] + score[frame]
    path = np.zeros(frames, dtype=np.int64)
    path[-1] = int(np.argmax(total))
    for frame in range(frames - 1, 0, -1):
        path[frame - 1] = back[frame, path[frame]]
    return np.where(path == width, -1, path)
