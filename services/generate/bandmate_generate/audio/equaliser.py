"""Equalisers as curves of gain in dB over frequency, and the minimum-phase filters that have them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from bandmate_music.audio import SAMPLE_RATE
from numpy.typing import NDArray

Curve = NDArray[np.float64]
Samples = NDArray[np.float32]

_TAPS = 8192
_FLOOR_DB = -80.0


@dataclass(frozen=True, slots=True)
class Bell:
    """A rise or a dip around `hertz`, `octaves` wide where half of its gain is left."""

    hertz: float
    gain_db: float
    octaves: float = 1.4

    def curve(self, hertz: Curve) -> Curve:
        away = np.log2(hertz / self.hertz) / (self.octaves / 2.0)
        return np.asarray(self.gain_db * 2.0 ** -(away**2))


@dataclass(frozen=True, slots=True)
class Shelf:
    """A gain above `hertz`, half of it there."""

    hertz: float
    gain_db: float

    def curve(self, hertz: Curve) -> Curve:
        return np.asarray(self.gain_db / (1.0 + (self.hertz / hertz) ** 2))


@dataclass(frozen=True, slots=True)
class Cut:
    """Takes away what is below `low` and above `high` Hz, by 12 dB an octave each."""

    low: float | None = None
    high: float | None = None

    def curve(self, hertz: Curve) -> Curve:
        total = np.zeros_like(hertz)
        if self.low is not None:
            total -= 10.0 * np.log10(1.0 + (self.low / hertz) ** 4)
        if self.high is not None:
            total -= 10.0 * np.log10(1.0 + (hertz / self.high) ** 4)
        return np.maximum(total, _FLOOR_DB)


Equaliser = Sequence[Bell | Shelf | Cut]


def frequencies(size: int) -> Curve:
    """The frequencies of the bins of a real transform of `size` samples; the lowest is 1 Hz, so that it has octaves."""
    return np.asarray(np.maximum(1.0, np.fft.rfftfreq(size, 1.0 / SAMPLE_RATE)))


def gain_curve(equaliser: Equaliser, hertz: Curve) -> Curve:
    """The gain in dB at each frequency."""
    total = np.zeros_like(hertz)
    for band in equaliser:
        total += band.curve(hertz)
    return total


def minimum_phase(gain_db: Curve) -> Samples:
    """The impulse response with these gains at `frequencies(2 * (len(gain_db) - 1))`, which begins at once."""
    size = 2 * (len(gain_db) - 1)
    cepstrum = np.fft.irfft(gain_db * (np.log(10.0) / 20.0), size)
    folded = np.zeros(size)
    folded[0], folded[size // 2] = cepstrum[0], cepstrum[size // 2]
    folded[1 : size // 2] = 2.0 * cepstrum[1 : size // 2]
    impulse = np.fft.irfft(np.exp(np.fft.rfft(folded)), size)[:_TAPS]
    impulse[_TAPS // 2 :] *= np.linspace(1.0, 0.0, len(impulse) - _TAPS // 2)
    return impulse.astype(np.float32)
