"""Loudness and true peak after ITU-R BS.1770-4, by pyloudnorm and scipy.

All sound is [samples, channels] at SAMPLE_RATE.

Both libraries are imported when first used: services that make no sound do without them.
"""

import numpy as np
from numpy.typing import NDArray

from bandmate_shared.audio import SAMPLE_RATE

Sound = NDArray[np.float32]

SILENCE_LUFS = -70.0
"""The standard's absolute gate: what is softer counts as silence."""
_BLOCK = 1 << 18
_OVERLAP = 64


def integrated_lufs(sound: Sound) -> float:
    """Gated loudness; SILENCE_LUFS for silence. What is shorter than one block of 400 ms is measured as one."""
    import pyloudnorm

    least = int(0.4 * SAMPLE_RATE) + 1
    if len(sound) < least:
        sound = np.pad(sound, ((0, least - len(sound)), (0, 0)))
    if not np.any(np.abs(sound) > 1e-5):
        return SILENCE_LUFS
    return max(SILENCE_LUFS, float(pyloudnorm.Meter(SAMPLE_RATE).integrated_loudness(sound)))


def true_peak_dbtp(sound: Sound) -> float:
    """The highest value between samples, oversampled four times, in dB of full scale; -120 for silence."""
    return float(20.0 * np.log10(max(1e-6, float(peak_envelope(sound).max(initial=0.0)))))


def peak_envelope(sound: Sound) -> NDArray[np.float32]:
    """For each sample, the highest value of any channel from it to the next, oversampled four times, in blocks."""
    from scipy.signal import resample_poly

    highest = np.zeros(len(sound), dtype=np.float32)
    for start in range(0, len(sound), _BLOCK):
        begin, end = max(0, start - _OVERLAP), min(len(sound), start + _BLOCK + _OVERLAP)
        stop = min(len(sound), start + _BLOCK)
        for channel in range(sound.shape[1]):
            fine = np.abs(resample_poly(np.ascontiguousarray(sound[begin:end, channel]), 4, 1))
            for phase in range(4):
                between = fine[phase + 4 * (start - begin) : phase + 4 * (stop - begin) : 4]
                np.maximum(highest[start:stop], between, out=highest[start:stop])
    return highest
