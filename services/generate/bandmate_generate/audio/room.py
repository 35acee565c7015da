"""Place a part in the mix: its equaliser, its two sides and the room, in one convolution by overlap-add."""

from functools import cache

import numpy as np
import scipy
from bandmate_music.audio import SAMPLE_RATE
from numpy.typing import NDArray

from bandmate_generate.audio.render import Audio

_ROOM_SECONDS = 1.1
_FFT_SIZE = 1 << 18
_MIN_ROOM = 0.05
"""Less of the room than this is not heard."""


class Placement:
    """An equaliser's impulse response, a gain for each side, and how much of both sides goes into the room."""

    def __init__(self, equaliser: NDArray[np.float32], sides: NDArray[np.float64], room: float) -> None:
        tone = scipy.fft.rfft(equaliser, _FFT_SIZE)
        self._block = _FFT_SIZE - len(equaliser) - len(room_impulse()) + 2
        self._direct = [tone * np.float32(side) for side in sides]
        self._room = (
            [tone * spectrum * np.float32(0.5 * room) for spectrum in _room_spectra()] if room >= _MIN_ROOM else []
        )
        self._sides = [np.float32(side) for side in sides]

    def apply(self, sound: Audio) -> Audio:
        """The placed sound, as long as `sound`; what sounds on after that is cut off."""
        placed = np.zeros((len(sound), 2), dtype=np.float32)
        sent, product = np.empty((2, _FFT_SIZE // 2 + 1), dtype=np.complex64)
        for start in range(0, len(sound), self._block):
            block = sound[start : start + self._block]
            if not block.any():
                continue
            spectra = [scipy.fft.rfft(np.ascontiguousarray(block[:, side]), _FFT_SIZE) for side in range(2)]
            if self._room:
                np.multiply(spectra[0], self._sides[0], out=sent)
                sent += np.multiply(spectra[1], self._sides[1], out=product)
            for side in range(2):
                spectrum = np.multiply(spectra[side], self._direct[side], out=spectra[side])
                if self._room:
                    spectrum += np.multiply(sent, self._room[side], out=product)
                piece = scipy.fft.irfft(spectrum, _FFT_SIZE, overwrite_x=True)
                target = placed[start : start + _FFT_SIZE, side]
                target += piece[: len(target)]
        return placed


@cache
def _room_spectra() -> list[NDArray[np.complex64]]:
    return [scipy.fft.rfft(np.ascontiguousarray(room_impulse()[:, side]), _FFT_SIZE) for side in range(2)]


@cache
def room_impulse() -> Audio:
    """Impulse response of a small hall: noise decaying over a second, high frequencies faster, after 18 ms.

    The two channels are independent noise, for stereo width. Fixed seed, so always the same room.
    """
    count, delay = int(_ROOM_SECONDS * SAMPLE_RATE), int(0.018 * SAMPLE_RATE)
    time = np.arange(count) / SAMPLE_RATE
    noise = np.random.default_rng(1770).standard_normal((count, 2))
    bands = [np.convolve(noise[:, side], np.ones(width) / width, "same") for width in (4, 24) for side in range(2)]
    bright = np.stack(bands[:2], axis=1) * np.exp(-time / 0.09)[:, None]
    dark = np.stack(bands[2:], axis=1) * np.exp(-time / 0.2)[:, None] * 0.9
    tail = 2 * bright + dark
    tail -= np.convolve(tail.mean(axis=1), np.ones(400) / 400, "same")[:, None]  # No rumble.
    tail *= np.minimum(1.0, time / 0.01)[:, None]
    impulse = np.zeros((count + delay, 2), dtype=np.float32)
    impulse[delay:] = tail / _band_gain(tail)
    return impulse


def _band_gain(tail: NDArray[np.float64]) -> float:
    """Root-mean-square gain of an impulse response between 100 and 2000 Hz."""
    power = np.square(np.abs(np.fft.rfft(tail, axis=0))).mean(axis=1)
    hertz = np.fft.rfftfreq(len(tail), 1 / SAMPLE_RATE)
    return float(np.sqrt(power[(hertz > 100) & (hertz < 2000)].mean()))
