"""Sound in thirds of an octave over time: the power in each, and gains for each, by a short-time Fourier transform.

Frames of FRAME samples, one every STEP; sine windows before and after, which add up to one. In blocks, so that
a long song takes little memory.
"""

from collections.abc import Iterator

import numpy as np
from bandmate_music.audio import SAMPLE_RATE
from numpy.typing import NDArray

FRAME, STEP = 2048, 512
FRAMES_PER_SECOND = SAMPLE_RATE / STEP
_EDGES = 150.0 * 2.0 ** (np.arange(18) / 3.0)
CENTRES = np.sqrt(_EDGES[:-1] * _EDGES[1:])
"""The middles of the bands in Hz, 168 to 6,800: where words are understood."""
_LOWEST_HZ, _BELOW_HZ = 90.0, 180.0
"""Gains of the lowest band fade out from the second to the first: what lies lower is left as it is."""
_BLOCK = 1024

Samples = NDArray[np.float32]
Bands = NDArray[np.float64]
"""[frames, bands]"""

_HERTZ = np.maximum(np.fft.rfftfreq(FRAME, 1.0 / SAMPLE_RATE), 20.0)
_WINDOW = np.sin(np.pi * np.arange(FRAME) / FRAME).astype(np.float32)


def powers(sound: Samples) -> Bands:
    """The power of mono [samples] in each band."""
    edges = np.round(_EDGES / (SAMPLE_RATE / FRAME)).astype(int)
    rows = []
    for _, spectra in _blocks(sound):
        cumulative = np.cumsum(np.square(np.abs(spectra)), axis=1, dtype=np.float64)
        rows.append(cumulative[:, edges[1:] - 1] - cumulative[:, edges[:-1] - 1])
    return np.concatenate(rows)


def parted(sound: Samples, gains_db: Bands) -> tuple[Samples, Samples]:
    """Mono [samples] with the gains of each band, at most 0 dB; and what they took away, in power."""
    padded = np.zeros((2, len(sound) + 3 * FRAME), dtype=np.float32)
    for first, spectra in _blocks(sound):
        kept = _factors(gains_db[first : first + len(spectra)])
        for row, factors in enumerate((kept, np.sqrt(np.maximum(0.0, 1.0 - kept * kept)))):
            frames = np.fft.irfft(spectra * factors, FRAME, axis=1).astype(np.float32) * _WINDOW
            for quarter in range(FRAME // STEP):
                piece = frames[:, quarter * STEP : (quarter + 1) * STEP].reshape(-1)
                start = (first + quarter) * STEP
                padded[row, start : start + len(piece)] += piece
    padded *= np.float32(2.0 * STEP / FRAME)
    begin = FRAME - STEP
    return padded[0, begin : begin + len(sound)].copy(), padded[1, begin : begin + len(sound)].copy()


def _blocks(sound: Samples) -> Iterator[tuple[int, NDArray[np.complex64]]]:
    """The spectra of up to _BLOCK frames, and the number of the first."""
    count = -(-(len(sound) + FRAME - STEP) // STEP)
    padded = np.zeros((count - 1) * STEP + FRAME, dtype=np.float32)
    padded[FRAME - STEP : FRAME - STEP + len(sound)] = sound
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::STEP]
    for first in range(0, count, _BLOCK):
        yield first, np.fft.rfft(frames[first : first + _BLOCK] * _WINDOW, axis=1).astype(np.complex64)


def _factors(gains_db: Bands) -> NDArray[np.float32]:
    """A factor for each bin of each frame: gains between the middles of bands by a line over octaves."""
    place = np.interp(np.log2(_HERTZ), np.log2(CENTRES), np.arange(len(CENTRES)))
    below = np.minimum(place.astype(int), len(CENTRES) - 2)
    share = place - below
    fade = np.clip(np.log2(_HERTZ / _LOWEST_HZ) / np.log2(_BELOW_HZ / _LOWEST_HZ), 0.0, 1.0)
    gains = (gains_db[:, below] * (1.0 - share) + gains_db[:, below + 1] * share) * fade
    return np.asarray(10.0 ** (gains / 20.0), dtype=np.float32)
