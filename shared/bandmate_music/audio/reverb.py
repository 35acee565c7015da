"""Convolution reverb by overlap-add."""

import numpy as np
from numpy.typing import NDArray

_FFT_SIZE = 1 << 17


class Reverb:
    """A room given by its stereo impulse response, [samples, 2], of fewer than 2**17 samples."""

    def __init__(self, impulse: NDArray[np.float32]) -> None:
        self._block = _FFT_SIZE - len(impulse) + 1
        self._spectra = [np.fft.rfft(impulse[:, side], _FFT_SIZE).astype(np.complex64) for side in range(2)]

    def apply(self, mono: NDArray[np.float32]) -> NDArray[np.float32]:
        """The reverberation alone, [samples, 2] and as long as the sound; its tail beyond that is cut off."""
        wet = np.zeros((len(mono) + _FFT_SIZE, 2), dtype=np.float32)
        for start in range(0, len(mono), self._block):
            spectrum = np.fft.rfft(mono[start : start + self._block], _FFT_SIZE)
            for side in range(2):
                wet[start : start + _FFT_SIZE, side] += np.fft.irfft(spectrum * self._spectra[side], _FFT_SIZE)
        return wet[: len(mono)]
