"""Loudness after ITU-R BS.1770-4: measured, and brought to a target below a true-peak ceiling."""

import numpy as np
from numpy.typing import NDArray

from bandmate_vocal.psola import SAMPLE_RATE

TARGET_LUFS = -14.0
CEILING_DBTP = -1.0
_MARGIN_DB = 0.15
"""Kept below the ceiling: other meters oversample otherwise, and 16-bit samples round."""
_CEILING = 10.0 ** ((CEILING_DBTP - _MARGIN_DB) / 20.0)
_SILENCE_LUFS = -70.0
_BLOCK = 1 << 18
_OVERLAP = 64
_LOOKAHEAD = 0.004
_ROUNDS = 4


def integrated_lufs(stereo: NDArray[np.float32]) -> float:
    """Gated loudness of [samples, channels]; -70 for silence."""
    import pyloudnorm

    least = int(0.4 * SAMPLE_RATE) + 1
    if len(stereo) < least:
        stereo = np.pad(stereo, ((0, least - len(stereo)), (0, 0)))
    if not np.any(np.abs(stereo) > 1e-5):
        return _SILENCE_LUFS
    return max(_SILENCE_LUFS, float(pyloudnorm.Meter(SAMPLE_RATE).integrated_loudness(stereo)))


def true_peak_dbtp(stereo: NDArray[np.float32]) -> float:
    """The highest value between samples, oversampled four times, in dB of full scale; -120 for silence."""
    return float(20.0 * np.log10(max(1e-6, float(_peaks(stereo).max(initial=0.0)))))


def master(stereo: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bring a mix to TARGET_LUFS, at most CEILING_DBTP. Silence stays silence.

    Loudness and limiting depend on each other, so both are repeated a few times.
    """
    loudness = integrated_lufs(stereo)
    if loudness <= _SILENCE_LUFS:
        return stereo
    gain_db = TARGET_LUFS - loudness
    loud = stereo * np.float32(10.0 ** (gain_db / 20.0))
    peaks = _peaks(loud)
    if float(peaks.max()) <= _CEILING:
        return loud
    for _ in range(_ROUNDS):
        limited = _limit(loud, peaks)
        missing = np.float32(10.0 ** ((TARGET_LUFS - integrated_lufs(limited)) / 20.0))
        if abs(missing - 1.0) < 0.005:
            break
        loud, peaks = loud * missing, peaks * missing
    return limited


def _limit(stereo: NDArray[np.float32], peaks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Look ahead and turn down before a peak comes; both channels alike, so that the picture does not move."""
    from scipy.ndimage import minimum_filter1d, uniform_filter1d

    needed = np.minimum(1.0, _CEILING / np.maximum(peaks, 1e-9)).astype(np.float32)
    width = 2 * int(_LOOKAHEAD * SAMPLE_RATE) + 1
    # The minimum over twice the window that smooths it is nowhere above what is needed once it is smoothed.
    gain = uniform_filter1d(minimum_filter1d(needed, 2 * width + 1, mode="nearest"), width, mode="nearest")
    limited: NDArray[np.float32] = stereo * gain[:, None]
    return limited


def _peaks(stereo: NDArray[np.float32]) -> NDArray[np.float32]:
    """For each sample, the highest value of any channel from it to the next, oversampled four times, in blocks."""
    from scipy.signal import resample_poly

    highest = np.zeros(len(stereo), dtype=np.float32)
    for start in range(0, len(stereo), _BLOCK):
        begin, end = max(0, start - _OVERLAP), min(len(stereo), start + _BLOCK + _OVERLAP)
        stop = min(len(stereo), start + _BLOCK)
        for channel in range(stereo.shape[1]):
            fine = np.abs(resample_poly(np.ascontiguousarray(stereo[begin:end, channel]), 4, 1))
            for phase in range(4):
                between = fine[phase + 4 * (start - begin) : phase + 4 * (stop - begin) : 4]
                np.maximum(highest[start:stop], between, out=highest[start:stop])
    return highest
