"""Clicks: jumps of the waveform that last under a millisecond and stand far above what is around them."""

import numpy as np
from scipy.ndimage import maximum_filter1d
from scipy.signal import butter, sosfiltfilt

from bandmate_bench.singing.sung import Samples

_HIGH_PASS = 4000.0
_INNER, _OUTER = 0.003, 0.025
"""Seconds on each side: the click itself may last _INNER; it is compared with what follows up to _OUTER.

A voice's own pulses come at least every 18 ms (55 Hz), and a stop's burst lasts longer than 3 ms."""
_RATIO = 5.0
_AUDIBLE = 0.002
"""Of the piece's highest sample: what is smaller is not heard."""


def click_times(voice: Samples, rate: int) -> list[float]:
    """Seconds of the clicks in a mono voice."""
    if not len(voice):
        return []
    inner, outer = int(_INNER * rate), int(_OUTER * rate)
    band = butter(4, min(_HIGH_PASS, 0.4 * rate), "highpass", fs=rate, output="sos")
    high = np.abs(sosfiltfilt(band, np.pad(voice, outer)))[outer:-outer]  # Silence before the beginning, not a mirror.
    span = outer - inner
    highest = maximum_filter1d(high, 2 * (span // 2) + 1)
    shift = inner + span // 2
    before, after = np.zeros_like(high), np.zeros_like(high)
    before[shift:] = highest[:-shift]
    after[:-shift] = highest[shift:]
    floor = _AUDIBLE * float(np.abs(voice).max(initial=0.0))
    peaks = np.flatnonzero((high > _RATIO * np.maximum(before, after)) & (high > floor) & (high > 0))
    times: list[float] = []
    for peak in peaks:
        if not times or peak / rate - times[-1] > _INNER:
            times.append(float(peak / rate))
    return times
