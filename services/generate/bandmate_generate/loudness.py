"""Loudness and true peak after ITU-R BS.1770-4, in numpy alone.

The weighting filters are applied as their frequency response, which differs from the recursion by less than 0.01 LU.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

Audio = NDArray[np.float32]

SILENCE_LUFS = -70.0
_BLOCK_SECONDS, _STEP_SECONDS = 0.4, 0.1
_OVERSAMPLING = 4
_TAPS = 12
"""Filter taps a phase."""
_STRETCH = 8192
_BLOCK_SIZE = 1 << 16


def integrated_lufs(sound: Audio, rate: int) -> float:
    """Gated loudness in LUFS of [samples, channels]; SILENCE_LUFS for silence and for less than one block."""
    block, step = round(_BLOCK_SECONDS * rate), round(_STEP_SECONDS * rate)
    if len(sound) < block:
        return SILENCE_LUFS
    power = np.zeros(len(sound))
    for channel in range(sound.shape[1]):
        power += np.square(_weighted(sound[:, channel], rate), dtype=np.float64)
    sums = np.concatenate([[0.0], np.cumsum(power)])
    starts = np.arange(0, len(sound) - block + 1, step)
    means = (sums[starts + block] - sums[starts]) / block
    loud = means[means > 10 ** ((SILENCE_LUFS + 0.691) / 10)]
    if not len(loud):
        return SILENCE_LUFS
    loud = loud[loud > loud.mean() * 10 ** (-10 / 10)]
    return float(-0.691 + 10 * np.log10(loud.mean()))


def playing_lufs(sound: Audio, rate: int) -> float:
    """Loudness of one part while it plays: cheaper than the gated measure, and blind to how much the part rests."""
    middle = sound[:, 0] + sound[:, 1]
    middle *= np.float32(0.5)
    block = round(_BLOCK_SECONDS * rate)
    levels = np.add.reduceat(np.square(middle), np.arange(0, max(len(middle), 1), block))
    playing = levels > levels.max(initial=0.0) * 10 ** (-30 / 10)
    if not playing.any() or not levels.max() > 0:
        return SILENCE_LUFS
    energy = float(np.square(_weighted(middle, rate)).sum(dtype=np.float64))
    return float(-0.691 + 10 * np.log10(max(2 * energy / (float(playing.sum()) * block), 1e-9)))


def true_peak_dbtp(sound: Audio) -> float:
    """The highest level between the samples too, in dB relative to full scale, at four times the rate."""
    peak = float(peak_envelope(sound, reach=0.5).max(initial=0.0))
    return 20 * float(np.log10(max(peak, 1e-7)))


def peak_envelope(sound: Audio, reach: float = 0.0) -> NDArray[np.float32]:
    """For each sample the largest magnitude, over the channels, of the wave from there to the next sample.

    Stretches whose samples stay below `reach` times the largest are not looked at between the samples: they cannot
    decide anything above that.
    """
    envelope = np.abs(sound[:, 0])
    for channel in range(1, sound.shape[1]):
        np.maximum(envelope, np.abs(sound[:, channel]), out=envelope)
    threshold = reach * float(envelope.max(initial=0.0))
    phases = _phases()
    for start in range(0, len(sound), _STRETCH):
        end = min(start + _STRETCH, len(sound))
        if float(envelope[start:end].max()) < threshold:
            continue
        before, after = max(0, start - _TAPS // 2 + 1), min(len(sound), end + _TAPS // 2)
        padding = (before - start + _TAPS // 2 - 1, end + _TAPS // 2 - after)
        for channel in range(sound.shape[1]):
            piece = np.pad(sound[before:after, channel], padding)
            between = np.abs(np.lib.stride_tricks.sliding_window_view(piece, _TAPS) @ phases)
            for number in range(phases.shape[1]):
                np.maximum(envelope[start:end], between[:, number], out=envelope[start:end])
    return envelope


@cache
def _phases() -> NDArray[np.float32]:
    """[taps, 3] windowed-sinc filters for the quarter points after a sample; each sums to 1.

    They apply to the samples from _TAPS / 2 - 1 before it to _TAPS / 2 after it.
    """
    offsets = np.arange(_TAPS)[:, None] - (_TAPS // 2 - 1) - np.arange(1, _OVERSAMPLING)[None, :] / _OVERSAMPLING
    taps = np.sinc(offsets) * (0.5 + 0.5 * np.cos(np.pi * np.clip(offsets / (_TAPS / 2 + 0.5), -1, 1)))
    result: NDArray[np.float32] = (taps / taps.sum(axis=0)).astype(np.float32)
    return result


def _weighted(channel: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """The channel through the K weighting: a high shelf for the head, a high pass for the ear's low end.

    Block by block; each block starts early by what the filters remember, and that much of it is dropped (overlap-save).
    """
    memory = rate // 6
    response = _response(_BLOCK_SIZE, rate)
    result = np.empty(len(channel), dtype=np.float32)
    padded = np.concatenate([np.zeros(memory, dtype=np.float32), channel])
    for start in range(0, len(channel), _BLOCK_SIZE - memory):
        spectrum = np.fft.rfft(padded[start : start + _BLOCK_SIZE], _BLOCK_SIZE)
        block = np.fft.irfft(spectrum * response, _BLOCK_SIZE)[memory:]
        count = min(len(block), len(channel) - start)
        result[start : start + count] = block[:count]
    return result


@cache
def _response(size: int, rate: int) -> NDArray[np.complex64]:
    """Frequency response of both filters; their analogue parameters as in BS.1770's tables, for any sample rate."""
    z = np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size)
    k = np.tan(np.pi * 1681.974450955533 / rate)
    q, high = 0.7071752369554196, 10 ** (3.999843853973347 / 20)
    middle = high**0.4996667741545416
    shelf = (high + middle * k / q + k * k) + 2 * (k * k - high) * z + (high - middle * k / q + k * k) * z * z
    shelf /= (1 + k / q + k * k) + 2 * (k * k - 1) * z + (1 - k / q + k * k) * z * z
    k, q = np.tan(np.pi * 38.13547087602444 / rate), 0.5003270373238773
    passing = 1 - 2 * z + z * z
    passing /= 1 + 2 * (k * k - 1) / (1 + k / q + k * k) * z + (1 - k / q + k * k) / (1 + k / q + k * k) * z * z
    return np.asarray(shelf * passing, dtype=np.complex64)
