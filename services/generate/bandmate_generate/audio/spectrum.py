"""The long-term spectrum of parts and mixes, their loudness after an equaliser, and how a mix comes to its balance."""

from functools import cache

import numpy as np
import scipy
from bandmate_music.audio import SAMPLE_RATE
from bandmate_music.audio.balance import average_balance
from bandmate_music.audio.loudness import k_weighting, lufs_of
from numpy.typing import NDArray

from bandmate_generate.audio.equaliser import Curve, frequencies

FRAME = 8192
_MAX_FRAMES = 400
_BANDS = 20.0 * 2.0 ** (np.arange(61) / 6.0)
"""The middles of the bands that are compared, in Hz: six an octave, each a third of an octave wide."""
_RANGE_HZ = (55.0, 11_000.0)
_ROUNDS = 4

FrameSpectra = NDArray[np.float32]
"""[frames, FRAME // 2 + 1]: the power of each frame of a sound, summed over its channels."""


def frame_spectra(sound: NDArray[np.float32]) -> FrameSpectra:
    """The power spectra of a sound [samples, 2], in frames without overlap: all of them, or _MAX_FRAMES throughout."""
    count = max(1, len(sound) // FRAME)
    step = -(-count // _MAX_FRAMES)
    starts = np.arange(0, count, step)
    total = np.zeros((len(starts), FRAME // 2 + 1), dtype=np.float32)
    for channel in range(sound.shape[1]):
        whole = np.zeros(max(len(sound), FRAME), dtype=np.float32)
        whole[: len(sound)] = sound[:, channel]
        spectra = scipy.fft.rfft(whole[: count * FRAME].reshape(count, FRAME)[starts], axis=1)
        total += np.square(spectra.real) + np.square(spectra.imag)
    return total


def loudness_after(spectra: FrameSpectra, gain_db: Curve) -> float:
    """The gated loudness in LUFS of a sound once equalised by a gain in dB for each bin.

    To some 0.3 LU; to 0.8 where short notes stand alone.
    """
    weights = 10.0 ** ((gain_db + _k_weighting_db()) / 10.0)
    weights[1:-1] *= 2.0
    energies = spectra.astype(np.float64) @ weights / FRAME**2
    return lufs_of(np.repeat(energies, 2))  # Two hops of the meter, near enough.


def balance_correction(spectrum: Curve, limit_db: float, share: float) -> Curve:
    """The gain in dB for each bin that brings `share` of a mix's deviation to the average balance.

    `spectrum` is the mean power of the mix for each bin; the gain lies within `limit_db`, smooth over a third of an
    octave, and leaves what is below and above the range of the published average as its edges are.
    """
    levels = band_levels(spectrum)
    inside = np.clip(_BANDS, *_RANGE_HZ) == _BANDS
    missing = average_balance(_BANDS) - levels
    missing -= np.mean(missing[inside])
    for _ in range(3):  # The limits take from one side more than from the other.
        missing -= np.mean(np.clip(missing[inside], -limit_db, limit_db))
    wanted = np.clip(share * missing, -limit_db, limit_db)
    gain_db = np.zeros(np.count_nonzero(inside))
    for _ in range(_ROUNDS):  # A smooth curve falls short of narrow gaps, which the next round adds.
        reached = band_levels(spectrum * 10.0 ** (_over_bins(gain_db, inside) / 10.0)) - levels
        padded = np.pad((wanted - reached)[inside], 1, mode="edge")
        gain_db += 0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:]
        gain_db = np.clip(gain_db, -limit_db, limit_db)
    return _over_bins(gain_db, inside)


def _over_bins(gain_db: Curve, inside: NDArray[np.bool_]) -> Curve:
    """The gains of the bands for each bin, beyond them as at their edges."""
    return np.interp(np.log2(frequencies(FRAME)), np.log2(_BANDS[inside]), gain_db)


def band_levels(spectrum: Curve) -> Curve:
    """The level of each of the bands, in dB per Hz, of a power spectrum with FRAME // 2 + 1 bins."""
    cumulative = np.concatenate([[0.0], np.cumsum(spectrum, dtype=np.float64)])
    hertz_per_bin = SAMPLE_RATE / FRAME
    lows, highs = (_BANDS * 2.0**step / hertz_per_bin + 0.5 for step in (-1 / 6, 1 / 6))
    places = np.arange(len(cumulative))
    power = np.interp(highs, places, cumulative) - np.interp(lows, places, cumulative)
    return np.asarray(10.0 * np.log10(np.maximum(power / (highs - lows), 1e-20)))


@cache
def _k_weighting_db() -> Curve:
    """The gain of the K-weighting of BS.1770 for each bin."""
    response = scipy.signal.sosfreqz(k_weighting().astype(np.float64), frequencies(FRAME), fs=SAMPLE_RATE)[1]
    return np.asarray(20.0 * np.log10(np.maximum(np.abs(response), 1e-6)))
