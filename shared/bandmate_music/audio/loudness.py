"""Loudness and true peak after ITU-R BS.1770-4.

All sound is [samples, channels] at SAMPLE_RATE. `scipy` imports its parts when they are first used: services that make
no sound do without them.
"""

from functools import cache

import numpy as np
import scipy
from numpy.typing import NDArray

from bandmate_music.audio import SAMPLE_RATE
from bandmate_music.audio.parallel import over_cores

Sound = NDArray[np.float32]

SILENCE_LUFS = -70.0
"""The standard's absolute gate: what is softer counts as silence."""
_HOP = SAMPLE_RATE // 10
_HOPS_PER_BLOCK = 4
_RELATIVE_GATE_LU = -10.0
_OFFSET = -0.691

_PEAK_BLOCK, _PEAK_OVERLAP, _PEAK_BLOCKS_AT_ONCE = 64, 12, 4096
_HIGHEST_RISE = 1.5
"""How far music rises between samples, at most, as a factor on those around: 3.5 dB."""


def integrated_lufs(sound: Sound) -> float:
    """Gated loudness; SILENCE_LUFS for silence. What is shorter than one block of 400 ms is measured as one."""
    return lufs_of(hop_energies(k_weighted_power(sound)))


def k_weighted_power(sound: Sound) -> NDArray[np.float32]:
    """The square of the K-weighted signal, summed over the channels: [samples]."""

    def filtered(channel: int) -> NDArray[np.float32]:
        weighted: NDArray[np.float32] = scipy.signal.sosfilt(k_weighting(), np.ascontiguousarray(sound[:, channel]))
        weighted *= weighted
        return weighted

    channels = over_cores(filtered, range(sound.shape[1]))
    total = channels[0]
    for channel in channels[1:]:
        total += channel
    return total


def hop_energies(power: NDArray[np.float32]) -> NDArray[np.float64]:
    """The mean of each 100 ms; what is shorter than a block of 400 ms is filled with silence."""
    hops = len(power) // _HOP
    if hops < _HOPS_PER_BLOCK:
        power = np.pad(power, (0, _HOPS_PER_BLOCK * _HOP - len(power)))
        hops = _HOPS_PER_BLOCK
    return np.asarray(power[: hops * _HOP].reshape(hops, _HOP).mean(axis=1, dtype=np.float64))


def lufs_of(hops: NDArray[np.float64]) -> float:
    """The gated loudness of the energies of 100 ms each, in LUFS; SILENCE_LUFS for silence."""
    cumulative = np.concatenate([[0.0], np.cumsum(hops)])
    blocks = (cumulative[_HOPS_PER_BLOCK:] - cumulative[:-_HOPS_PER_BLOCK]) / _HOPS_PER_BLOCK
    loud = blocks[blocks > _power(SILENCE_LUFS)]
    if not len(loud):
        return SILENCE_LUFS
    loud = loud[loud > float(loud.mean()) * 10.0 ** (_RELATIVE_GATE_LU / 10.0)]
    return max(SILENCE_LUFS, _OFFSET + 10.0 * float(np.log10(loud.mean())))


def true_peak_dbtp(sound: Sound) -> float:
    """The highest value between samples, oversampled four times, in dB of full scale; -120 for silence."""
    highest = float(np.abs(sound).max(initial=0.0))
    return float(20.0 * np.log10(max(1e-6, float(peak_envelope(sound, highest).max(initial=0.0)))))


def peak_envelope(sound: Sound, above: float = 0.0) -> NDArray[np.float32]:
    """For each sample, the highest value of any channel from it to the next, oversampled four times.

    Where no peak can reach `above`, the values of the samples themselves.
    """
    count = -(-len(sound) // _PEAK_BLOCK)
    padded = np.zeros((count * _PEAK_BLOCK + 2 * _PEAK_OVERLAP, sound.shape[1]), dtype=np.float32)
    padded[_PEAK_OVERLAP : _PEAK_OVERLAP + len(sound)] = sound
    channels = [np.ascontiguousarray(padded[:, channel]) for channel in range(sound.shape[1])]
    highest = np.abs(channels[0])
    for channel in channels[1:]:
        np.maximum(highest, np.abs(channel), out=highest)
    blocks = highest[_PEAK_OVERLAP : _PEAK_OVERLAP + count * _PEAK_BLOCK].reshape(count, _PEAK_BLOCK)
    high = np.flatnonzero(blocks.max(axis=1, initial=0.0) * _HIGHEST_RISE >= above)
    pieces = [high[start : start + _PEAK_BLOCKS_AT_ONCE] for start in range(0, len(high), _PEAK_BLOCKS_AT_ONCE)]

    def fill(piece: NDArray[np.intp]) -> None:
        for channel in channels:
            blocks[piece] = np.maximum(blocks[piece], _oversampled_blocks(channel, piece))

    over_cores(fill, pieces)
    return blocks.reshape(-1)[: len(sound)]


def _oversampled_blocks(padded: NDArray[np.float32], blocks: NDArray[np.intp]) -> NDArray[np.float32]:
    """[blocks, _PEAK_BLOCK]: the highest magnitude from each sample to the next; `padded` has the overlap around."""
    windows = np.lib.stride_tricks.sliding_window_view(padded, _PEAK_BLOCK + 2 * _PEAK_OVERLAP)
    fine = np.abs(scipy.signal.resample_poly(windows[blocks * _PEAK_BLOCK], 4, 1, axis=1))
    kept = fine[:, 4 * _PEAK_OVERLAP : 4 * (_PEAK_OVERLAP + _PEAK_BLOCK)]
    highest: NDArray[np.float32] = np.maximum(
        np.maximum(kept[:, 0::4], kept[:, 1::4]), np.maximum(kept[:, 2::4], kept[:, 3::4])
    )
    return highest


@cache
def k_weighting() -> NDArray[np.float32]:
    """The standard's two filters at SAMPLE_RATE, as second-order sections.

    The standard gives coefficients for 48 kHz; these are the analogue filters that they come from.
    """
    return np.array([_high_shelf(1681.974450955533, 3.999843853973347, 0.7071752369554196),
                     _high_pass(38.13547087602444, 0.5003270373238773)], dtype=np.float32)  # fmt: skip


def _high_shelf(hertz: float, gain_db: float, quality: float) -> list[float]:
    tangent = float(np.tan(np.pi * hertz / SAMPLE_RATE))
    high, middle = 10.0 ** (gain_db / 20.0), 10.0 ** (gain_db / 20.0 * 0.4996667741545416)
    a0 = 1.0 + tangent / quality + tangent**2
    return [
        (high + middle * tangent / quality + tangent**2) / a0,
        2.0 * (tangent**2 - high) / a0,
        (high - middle * tangent / quality + tangent**2) / a0,
        1.0,
        2.0 * (tangent**2 - 1.0) / a0,
        (1.0 - tangent / quality + tangent**2) / a0,
    ]


def _high_pass(hertz: float, quality: float) -> list[float]:
    tangent = float(np.tan(np.pi * hertz / SAMPLE_RATE))
    a0 = 1.0 + tangent / quality + tangent**2
    return [1.0, -2.0, 1.0, 1.0, 2.0 * (tangent**2 - 1.0) / a0, (1.0 - tangent / quality + tangent**2) / a0]


def _power(lufs: float) -> float:
    return float(10.0 ** ((lufs - _OFFSET) / 10.0))
