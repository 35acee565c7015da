"""Second-order filter sections of an equaliser: bell and high shelf (R. Bristow-Johnson, Audio EQ Cookbook).

Each is an array [1, 6] for `scipy.signal.sosfilt`, at SAMPLE_RATE.
"""

import numpy as np
from bandmate_music.audio import SAMPLE_RATE
from numpy.typing import NDArray

Section = NDArray[np.float64]


def bell(centre: float, gain_db: float, quality: float) -> Section:
    """A peak or dip of `gain_db` around `centre` in Hz, the narrower the higher its quality."""
    amplitude = 10.0 ** (gain_db / 40.0)
    omega = 2.0 * np.pi * centre / SAMPLE_RATE
    alpha = np.sin(omega) / (2.0 * quality)
    above = np.array([1.0 + alpha * amplitude, -2.0 * np.cos(omega), 1.0 - alpha * amplitude])
    below = np.array([1.0 + alpha / amplitude, -2.0 * np.cos(omega), 1.0 - alpha / amplitude])
    return _section(above, below)


def high_shelf(middle: float, gain_db: float) -> Section:
    """`gain_db` well above `middle` in Hz, half of it there; as steep as a shelf is without a bump (slope 1)."""
    amplitude = 10.0 ** (gain_db / 40.0)
    omega = 2.0 * np.pi * middle / SAMPLE_RATE
    cosine, twice = np.cos(omega), np.sqrt(2.0 * amplitude) * np.sin(omega)
    plus, minus = amplitude + 1.0, amplitude - 1.0
    above = amplitude * np.array(
        [plus + minus * cosine + twice, -2 * (minus + plus * cosine), plus + minus * cosine - twice]
    )
    below = np.array([plus - minus * cosine + twice, 2 * (minus - plus * cosine), plus - minus * cosine - twice])
    return _section(above, below)


def _section(above: NDArray[np.float64], below: NDArray[np.float64]) -> Section:
    section: Section = np.concatenate([above, below])[None, :] / below[0]
    return section
