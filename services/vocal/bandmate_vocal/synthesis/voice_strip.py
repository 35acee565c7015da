"""The voice's channel strip in the mix: soft sounds come up beside loud ones, and a lift where consonants lie.

The dry voice of `vocals.wav` is meant to be heard alone; under a band its consonants are lost first.
"""

import numpy as np
from bandmate_music.audio import SAMPLE_RATE
from bandmate_music.audio.compressor import HOP, Curve, apply_gain, levels_of
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, uniform_filter1d
from scipy.signal import sosfilt

from bandmate_vocal.synthesis.filters import bell, high_shelf

_WARMTH, _CONSONANTS, _AIR = (250.0, -3.0, 1.0), (3900.0, 4.0, 0.6), (7800.0, -8.0)
"""Bells (Hz, dB, quality) and a shelf (Hz, dB). The stem has less around 4 kHz than the voices of songs, and more at
250 Hz and above 8 kHz, where hisses bring a mix over the average balance of popular music."""
_SHARE, _FREE_DB, _MAX_LIFT_DB = 0.5, 6.0, 5.0
"""What is softer than the loud sounds around it, by more than the second, is lifted by that share, at most so far."""
_REACH_DB, _SILENCE_DB = 35.0, -45.0
"""What lies further below them is silence or breath, and where they are softer than the second nobody sings."""
_FAST, _SLOW, _AROUND = (max(1, round(seconds * SAMPLE_RATE / HOP)) for seconds in (0.017, 0.05, 0.5))


def strip(voice: NDArray[np.float32]) -> NDArray[np.float32]:
    """The voice as it goes into the mix: mono [samples], of the same length."""
    lifted = voice.copy()
    apply_gain(lifted[:, None], _lift(levels_of(voice)))
    sections = np.vstack([bell(*_WARMTH), bell(*_CONSONANTS), high_shelf(*_AIR)])
    equalised: NDArray[np.float32] = sosfilt(sections.astype(np.float32), lifted)
    return equalised


def _lift(levels: Curve) -> Curve:
    """The gain in dB for each hop."""
    power = 10.0 ** (levels / 10.0)
    fast = 10.0 * np.log10(uniform_filter1d(power, _FAST))
    loud = 10.0 * np.log10(maximum_filter1d(uniform_filter1d(power, _SLOW), _AROUND))
    below = loud - fast
    sings = (below < _REACH_DB) & (loud > _SILENCE_DB)
    gain = np.where(sings, np.clip(_SHARE * (below - _FREE_DB), 0.0, _MAX_LIFT_DB), 0.0)
    return np.asarray(uniform_filter1d(gain, _FAST))
