"""The voice's channel strip in the mix: soft sounds come up beside loud ones, an equaliser evens its low register and
lifts consonants.

The dry voice of `vocals.wav` is meant to be heard alone; under a band its consonants are lost first, and the notes
that a melody stays on pile up.
"""

import numpy as np
from bandmate_music.audio import SAMPLE_RATE
from bandmate_music.audio.balance import average_balance
from bandmate_music.audio.compressor import HOP, Curve, apply_gain, levels_of
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, uniform_filter1d
from scipy.signal import sosfilt

from bandmate_vocal.synthesis.bands import CENTRES, parted, powers
from bandmate_vocal.synthesis.filters import bell, high_shelf

_CONSONANTS, _AIR = (3900.0, 4.0, 0.6), (9500.0, -9.0)
"""A bell (Hz, dB, quality) and a shelf (Hz, dB). The stem has less around 4 kHz than the voices of songs, and more
above 9 kHz, where hisses bring a mix over the average balance of popular music."""
_EVENED_HZ, _MAX_CUT_DB = 1100.0, 4.0
"""Thirds of an octave below the first are cut where the voice lies over that balance, by at most the second."""
_REFERENCE_HZ = (300.0, 4000.0)
_SHARE, _FREE_DB, _MAX_LIFT_DB = 0.5, 6.0, 5.0
"""What is softer than the loud sounds around it, by more than the second, is lifted by that share, at most so far."""
_REACH_DB, _SILENCE_DB = 35.0, -45.0
"""What lies further below them is silence or breath, and where they are softer than the second nobody sings."""
_FAST, _SLOW, _AROUND = (max(1, round(seconds * SAMPLE_RATE / HOP)) for seconds in (0.017, 0.05, 0.5))


def strip(voice: NDArray[np.float32]) -> NDArray[np.float32]:
    """The voice as it goes into the mix: mono [samples], of the same length."""
    lifted = voice.copy()
    apply_gain(lifted[:, None], _lift(levels_of(voice)))
    sections = np.vstack([bell(*_CONSONANTS), high_shelf(*_AIR)])
    equalised: NDArray[np.float32] = sosfilt(sections.astype(np.float32), lifted)
    levels = powers(equalised)
    return (
        parted(equalised, np.broadcast_to(_cuts(levels.mean(axis=0)), levels.shape))[0] if levels.any() else equalised
    )


def _cuts(power: NDArray[np.float64]) -> NDArray[np.float64]:
    """The gains in dB of the bands, from the mean power in each."""
    over = 10.0 * np.log10(np.maximum(power / CENTRES, 1e-12)) - average_balance(CENTRES)
    over -= np.mean(over[(_REFERENCE_HZ[0] <= CENTRES) & (_REFERENCE_HZ[1] >= CENTRES)])
    return np.where(CENTRES < _EVENED_HZ, -np.clip(over, 0.0, _MAX_CUT_DB), 0.0)


def _lift(levels: Curve) -> Curve:
    """The gain in dB for each hop."""
    power = 10.0 ** (levels / 10.0)
    fast = 10.0 * np.log10(uniform_filter1d(power, _FAST))
    loud = 10.0 * np.log10(maximum_filter1d(uniform_filter1d(power, _SLOW), _AROUND))
    below = loud - fast
    sings = (below < _REACH_DB) & (loud > _SILENCE_DB)
    gain = np.where(sings, np.clip(_SHARE * (below - _FREE_DB), 0.0, _MAX_LIFT_DB), 0.0)
    return np.asarray(uniform_filter1d(gain, _FAST))
