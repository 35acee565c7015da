"""From the five spectra of hibari's network to samples: pulses, noise and a free-phase branch.

The package's own synthesis tells voiced from unvoiced by a fundamental near zero, so that at each edge between the two
the pulses sweep through wrong pitches for a half frame. Here the fundamental goes on, and the voice fades in and out.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bandmate_vocal.speech.base import Curve, FloatArray
from bandmate_vocal.speech.neural.network import Mask

_HIGHEST = 11000.0
"""Hz: harmonics above are left out, below the half of the sample rate."""
_FADE = 0.008
"""Seconds in which a voice comes and goes."""
_MAX_LOG = 7.0
"""Largest magnitude that a branch may have, as a natural logarithm."""


def synthesise(
    spectra: tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray],
    pitch: Curve,
    voiced: Mask,
    seed: int,
    dsp: Any,
) -> FloatArray:
    """Samples for spectra [bins, half frames]: log harmonic, its phase, log noise, log free, its phase.

    `pitch` in Hz and `voiced` have a value each half frame; `dsp` is the package's module of transforms.
    """
    harmonic, turn, noise, free, phase = spectra
    source = pulses(pitch, voiced, dsp.HOP, dsp.SR)
    total = dsp.stft(source, harmonic.shape[1])
    total *= _complex(_magnitude(harmonic), np.float32(np.pi) * np.tanh(turn))
    random = np.random.default_rng(seed)
    white = random.standard_normal((noise.shape[0], 2 * noise.shape[1]), dtype=np.float32).view(np.complex64)
    total += white * _magnitude(noise)
    total += _complex(_magnitude(free), phase)
    samples: FloatArray = dsp.ola(total)
    return samples


def pulses(pitch: Curve, voiced: Mask, hop: int, rate: int) -> FloatArray:
    """A train of band-limited pulses, all harmonics below _HIGHEST at amplitude 1, where there is a voice."""
    centres = (np.arange(len(pitch)) + 0.5) * hop
    at = np.arange(len(pitch) * hop)
    hertz = np.interp(at, centres, pitch)
    turns = np.cumsum(hertz) / rate
    half = np.pi * (turns - np.floor(turns))
    harmonics = np.floor(_HIGHEST / hertz)
    bottom = np.sin(half)
    near = np.abs(bottom) < 1e-3  # at a pulse: the limit of sin((2n + 1) x) / sin(x)
    ratio = np.sin((2.0 * harmonics + 1.0) * half) / np.where(near, 1.0, bottom)
    train = 0.5 * (np.where(near, 2.0 * harmonics + 1.0, ratio) - 1.0)
    width = round(_FADE * rate)
    gate = np.convolve(np.repeat(voiced.astype(np.float64), hop), np.hanning(width) / np.hanning(width).sum(), "same")
    return (train * gate).astype(np.float32)


def _magnitude(levels: FloatArray) -> FloatArray:
    return np.exp(np.minimum(levels, _MAX_LOG), dtype=np.float32)


def _complex(magnitude: FloatArray, angle: FloatArray) -> NDArray[np.complex64]:
    turned: NDArray[np.complex64] = np.empty(magnitude.shape, np.complex64)
    turned.real = magnitude * np.cos(angle)
    turned.imag = magnitude * np.sin(angle)
    return turned
