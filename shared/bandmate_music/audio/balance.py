"""The average long-term spectrum of popular music, which mixes with drums and a bass are brought to.

After Elowsson and Friberg (AES 2017), in the form of the quadratic fit that describes it: a slope of -2.35 dB an octave
at 200 Hz that steepens by 1.318 dB an octave each octave, on average -4.5 dB an octave between 100 Hz and 4 kHz.
"""

import numpy as np
from numpy.typing import NDArray

_SLOPE_AT_200_HZ, _STEEPENING = -2.35, -1.318


def average_balance(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    """The level per Hz at each frequency, in dB over that at 200 Hz."""
    octaves = np.log2(hertz / 200.0)
    return np.asarray(_SLOPE_AT_200_HZ * octaves + 0.5 * _STEEPENING * octaves**2)
