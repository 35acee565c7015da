"""Equalise the dry voice: high-pass, presence, edge, de-essing, level."""

import numpy as np
from bandmate_music.audio import SAMPLE_RATE
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d
from scipy.signal import butter, sosfilt

from bandmate_vocal.synthesis.filters import bell

_RUMBLE_HZ = 90.0
_MUD = (320.0, -2.0, 0.9)
_PRESENCE = (2400.0, 1.5, 0.8)
_EDGE = (4200.0, -5.0, 1.1)
"""Peaking filters: centre in Hz, gain in dB, quality. Synthetic speech has 8 dB more than songs around 4 kHz."""
_SIBILANT_HZ, _SIBILANT_LEVEL = 5200.0, 0.02
_SILENT = 1e-6
"""Below this a filter's dying tail is cut: rests are silent, and no arithmetic is spent on denormal numbers."""
_STEM_LEVEL, _STEM_PEAK = 0.1, 0.85


def polish(voice: NDArray[np.float32]) -> NDArray[np.float32]:
    """The voice as a stem: same length, rests silent, root mean square of the sung parts 0.1, peak at most 0.85."""
    stages = [
        butter(2, _RUMBLE_HZ, "highpass", fs=SAMPLE_RATE, output="sos"),
        *(bell(*values) for values in (_MUD, _PRESENCE, _EDGE)),
    ]
    clear = _tame_sibilants(sosfilt(np.vstack(stages).astype(np.float32), voice).astype(np.float32))
    clear[np.abs(clear) < _SILENT] = 0.0
    sung_samples = clear[np.abs(voice) > 1e-4]
    level = float(np.sqrt(np.mean(sung_samples.astype(np.float64) ** 2))) if len(sung_samples) else 0.0
    if level == 0.0:
        return clear
    gain = min(_STEM_LEVEL / level, _STEM_PEAK / float(np.abs(clear).max()))
    return clear * np.float32(gain)


def _tame_sibilants(voice: NDArray[np.float32]) -> NDArray[np.float32]:
    """Hold what lies above 5.2 kHz below a level, 20 ms at a time."""
    high = sosfilt(butter(2, _SIBILANT_HZ, "highpass", fs=SAMPLE_RATE, output="sos").astype(np.float32), voice)
    level = np.sqrt(np.maximum(uniform_filter1d(high**2, int(0.02 * SAMPLE_RATE)), 0.0))
    excess = 1.0 - np.minimum(1.0, _SIBILANT_LEVEL / np.maximum(level, 1e-6)) ** 0.7
    tamed: NDArray[np.float32] = (voice - high * excess).astype(np.float32)
    return tamed
