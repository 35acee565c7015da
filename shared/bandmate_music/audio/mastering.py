"""Mastering: brings a mix to a target loudness below a true-peak ceiling with a look-ahead limiter."""

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from bandmate_music.audio import SAMPLE_RATE
from bandmate_music.audio.loudness import (
    SILENCE_LUFS,
    Sound,
    hop_energies,
    integrated_lufs,
    k_weighted_power,
    lufs_of,
    peak_envelope,
    true_peak_dbtp,
)

TARGET_LUFS = -14.0
CEILING_DBTP = -1.0
_MARGIN_DB = 0.15
"""Kept below the ceiling: other meters oversample otherwise, and 16-bit samples round."""
_CEILING = 10.0 ** ((CEILING_DBTP - _MARGIN_DB) / 20.0)
_MAX_CREST_DB, _MAX_LOWERING_DB = 13.0, 4.0
"""The ceiling comes down, by at most so much, to where peaks lie this far above the average: music that is mastered for
its loudness alone is too spiky at TARGET_LUFS to be played loudly on small speakers."""
_MAX_LIMITING_DB = 9.0
"""Maximum limiting: beyond it the limiter would be audible, so the mix stays below the target."""
_CLOSE_ENOUGH_LU = 0.03
_LOOKAHEAD_SECONDS = 0.004
_ROUNDS = 6
_GROUP = 15
"""Samples that the limiter looks at together: a third of a millisecond."""
_HEADROOM = 1.25
"""How much more than its first guess the gain may come to, as a factor, before peaks are estimated by samples."""


@dataclass(frozen=True, slots=True)
class Mastered:
    """The sound, and the gain it took before the limiter: stems scaled by it add up to the sound between peaks.

    Loudness in LUFS and true peak in dBTP are those of the sound.
    """

    sound: Sound
    gain: float
    integrated_lufs: float
    true_peak_dbtp: float


def master(sound: Sound) -> Mastered:
    """Bring [samples, channels] to TARGET_LUFS, at most CEILING_DBTP. Silence stays silence.

    Loudness and limiting depend on each other, so the gain is found in a few rounds. They take the limiter's gain,
    which is slow beside the weighting filter, into account behind that filter, so that the sound is filtered once.
    """
    power = k_weighted_power(sound)
    loudness = lufs_of(hop_energies(power))
    if loudness <= SILENCE_LUFS:
        return Mastered(sound.copy(), 1.0, SILENCE_LUFS, true_peak_dbtp(sound))
    gain = 10.0 ** ((TARGET_LUFS - loudness) / 20.0)
    ceiling = _ceiling(gain * float(np.sqrt(np.vdot(sound, sound) / sound.size)))
    peaks = peak_envelope(sound, min(ceiling / gain / _HEADROOM, float(np.abs(sound).max())))
    group_peaks, group_powers = _groups(peaks).max(axis=1), _groups(power).mean(axis=1)
    highest = float(peaks.max())
    max_gain = _CEILING / highest * 10 ** (_MAX_LIMITING_DB / 20)
    gain = min(gain, max_gain)
    curve = np.full(len(group_peaks), gain, dtype=np.float32)
    for _ in range(_ROUNDS):
        curve = np.float32(gain) * _reduction(group_peaks * np.float32(gain), ceiling)
        missing = TARGET_LUFS - lufs_of(hop_energies(np.repeat(group_powers * curve * curve, _GROUP)[: len(sound)]))
        if abs(missing) <= _CLOSE_ENOUGH_LU or (gain >= max_gain and missing > 0):
            break
        gain = min(gain * 10.0 ** (missing / 20.0), max_gain)
    limited = sound * _between(curve)[: len(sound), None]
    return Mastered(limited, gain, integrated_lufs(limited), true_peak_dbtp(limited))


def _groups(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """[groups, _GROUP], the last one filled with zeros."""
    count = -(-len(values) // _GROUP)
    filled = np.zeros(count * _GROUP, dtype=np.float32)
    filled[: len(values)] = values
    return filled.reshape(count, _GROUP)


def _between(curve: NDArray[np.float32]) -> NDArray[np.float32]:
    """A value for each sample from one for each group: a line from each group's first sample to the next one's."""
    steps = np.diff(curve, append=curve[-1:])
    ramp = np.arange(_GROUP, dtype=np.float32) / np.float32(_GROUP)
    return (curve[:, None] + steps[:, None] * ramp).reshape(-1)


def _ceiling(average: float) -> float:
    """Where the limiter begins, for a sound of this root mean square."""
    lowered = max(average * 10.0 ** (_MAX_CREST_DB / 20.0), _CEILING * 10.0 ** (-_MAX_LOWERING_DB / 20.0))
    return float(min(_CEILING, lowered))


def _reduction(peaks: NDArray[np.float32], ceiling: float) -> NDArray[np.float32]:
    """For each group, look ahead and turn down before a peak comes; both channels alike, so that the picture stays."""
    needed = np.minimum(1.0, ceiling / np.maximum(peaks, 1e-9)).astype(np.float32)
    width = 2 * int(_LOOKAHEAD_SECONDS * SAMPLE_RATE / _GROUP) + 1
    # The minimum over more than twice the window that smooths it is nowhere, and in no group beside it, above what is
    # needed once it is smoothed.
    lowest = scipy.ndimage.minimum_filter1d(needed, 2 * width + 3, mode="nearest")
    smooth: NDArray[np.float32] = scipy.ndimage.uniform_filter1d(lowest, width, mode="nearest")
    return smooth
