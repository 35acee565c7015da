"""The master: a mix brought to a target loudness below a true-peak ceiling, the same for every song we deliver."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bandmate_shared.audio import SAMPLE_RATE
from bandmate_shared.audio.loudness import SILENCE_LUFS, Sound, integrated_lufs, peak_envelope

TARGET_LUFS = -14.0
CEILING_DBTP = -1.0
_MARGIN_DB = 0.15
"""Kept below the ceiling: other meters oversample otherwise, and 16-bit samples round."""
_CEILING = 10.0 ** ((CEILING_DBTP - _MARGIN_DB) / 20.0)
_MOST_LIMITING_DB = 9.0
"""Beyond this the limiter would be heard more than the band: rather stay below the target."""
_CLOSE_ENOUGH_LU = 0.05
_LOOKAHEAD_SECONDS = 0.004
_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Mastered:
    """The sound, and the gain it took before the limiter: stems scaled by it add up to the sound between peaks."""

    sound: Sound
    gain: float


def master(sound: Sound) -> Mastered:
    """Bring [samples, channels] to TARGET_LUFS, at most CEILING_DBTP. Silence stays silence.

    Loudness and limiting depend on each other, so both are repeated a few times.
    """
    loudness = integrated_lufs(sound)
    if loudness <= SILENCE_LUFS:
        return Mastered(sound.copy(), 1.0)
    peaks = peak_envelope(sound)
    highest = float(peaks.max())
    most = _CEILING / highest * 10 ** (_MOST_LIMITING_DB / 20)
    gain = min(10.0 ** ((TARGET_LUFS - loudness) / 20.0), most)
    for _ in range(_ROUNDS):
        if gain * highest <= _CEILING:
            return Mastered(sound * np.float32(gain), gain)
        limited = sound * (np.float32(gain) * _reduction(peaks * np.float32(gain)))[:, None]
        missing = TARGET_LUFS - integrated_lufs(limited)
        if abs(missing) <= _CLOSE_ENOUGH_LU or gain >= most:
            break
        gain = min(gain * 10.0 ** (missing / 20.0), most)
    return Mastered(limited, gain)


def _reduction(peaks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Look ahead and turn down before a peak comes; both channels alike, so that the picture does not move."""
    from scipy.ndimage import minimum_filter1d, uniform_filter1d

    needed = np.minimum(1.0, _CEILING / np.maximum(peaks, 1e-9)).astype(np.float32)
    width = 2 * int(_LOOKAHEAD_SECONDS * SAMPLE_RATE) + 1
    # The minimum over twice the window that smooths it is nowhere above what is needed once it is smoothed.
    lowest = minimum_filter1d(needed, 2 * width + 1, mode="nearest")
    smooth: NDArray[np.float32] = uniform_filter1d(lowest, width, mode="nearest")
    return smooth
