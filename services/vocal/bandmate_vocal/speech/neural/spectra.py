"""Shape the five spectra of a source-filter network into a singing voice.

The network was trained on speech. Given a fundamental above some 280 Hz its vowels fall apart, and its free-phase
branch carries harmonics of the fundamental it was *given*. So it is given a lower one, compressed towards the range it
knows; the pulses of its harmonic branch run at the melody's own, so that harmonics stand where they should; and the
free-phase branch, which would betray the other pitch, is turned down: in steady vowels and sonorants almost off, at
their edges and in other consonants (where it carries transients, and with them the words) the more the higher the note.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from bandmate_vocal.speech.base import Curve
from bandmate_vocal.speech.neural.network import Frames, Timbre

Spectrum = NDArray[np.float32]
"""Natural logarithm of magnitude, [bins, half frames]."""
_TRANSIENT = ((180.0, 1.0), (350.0, 0.3), (500.0, 0.12), (700.0, 0.05))
"""Gain of the free-phase branch in obstruents and at the edges of vowels and sonorants, by the sung pitch in Hz."""
_STEADY, _STEADY_FROM, _STEADY_TO = 0.01, 200.0, 350.0
"""Its gain where vowels and sonorants are steady, reached between these pitches."""
_SILENT_GAIN = 1e-4
_POP_HZ, _POP_LEVEL = 600.0, 0.5
"""The most that the free-phase branch has below this frequency in voiceless sounds, as a natural logarithm.

There the last and first pulse of the network's own voice may stand, louder than a vowel: a pop at the microphone.
"""
_BROAD_HZ = 500.0
"""Width over which the free-phase branch's harmonics are smoothed away to find its formants."""
_DECIBEL = float(np.log(10.0) / 20.0)
_RING_HZ, _RING_WIDTH = 3000.0, 500.0
_TILT_FROM, _TILT_OCTAVES = 1000.0, 3.5


def given_pitch(pitch: Curve, timbre: Timbre) -> Curve:
    """The fundamental that the network is given for a sung one."""
    compressed = timbre.comfort * (pitch / timbre.comfort) ** timbre.slope
    given: Curve = np.maximum(np.where(pitch > timbre.comfort, compressed, pitch), timbre.lowest)
    return given


def shape_harmonic(levels: Spectrum, frequencies: Curve, timbre: Timbre) -> Spectrum:
    """The harmonic branch with the singer's formants, tilt and ring."""
    gain = harmonic_gain(frequencies, timbre)
    return move_formants(levels, timbre.formants) + (_DECIBEL * gain).astype(np.float32)[:, None]


def harmonic_gain(frequencies: Curve, timbre: Timbre) -> Curve:
    """What a singer's tilt and ring add at each frequency, in dB."""
    tilt = np.clip(np.log2(np.maximum(frequencies, 1.0) / _TILT_FROM), 0.0, _TILT_OCTAVES)
    gain: Curve = timbre.ring * np.exp(-(((frequencies - _RING_HZ) / _RING_WIDTH) ** 2)) - timbre.tilt * tilt
    return gain


def shape_noise(levels: Spectrum, frames: Frames, timbre: Timbre) -> Spectrum:
    """The noise branch with the singer's formants, and breath in the voice."""
    breath = (_DECIBEL * timbre.breath * frames.voiced).astype(np.float32)
    return move_formants(levels, timbre.formants) + breath


def shape_free(levels: Spectrum, frequencies: Curve, frames: Frames, timbre: Timbre) -> Spectrum:
    """The free-phase branch: its formants moved (its harmonics stay where they are), and turned down."""
    shaped = levels
    if timbre.formants != 1.0:
        width = max(3, round(_BROAD_HZ / (frequencies[1] - frequencies[0])))
        broad = uniform_filter1d(levels, width, axis=0, mode="nearest")
        shaped = levels + move_formants(broad, timbre.formants) - broad
    shaped = shaped + np.log(free_gain(frames, timbre)).astype(np.float32)
    low, voiceless = np.flatnonzero(frequencies < _POP_HZ), np.flatnonzero(~frames.voiced)
    shaped[np.ix_(low, voiceless)] = np.minimum(shaped[np.ix_(low, voiceless)], _POP_LEVEL)
    return shaped


def free_gain(frames: Frames, timbre: Timbre) -> Curve:
    """Gain of the free-phase branch at each half frame; unvoiced sounds keep all of it.

    A pitch below what the network was given, or formants that are moved, count like a high pitch.
    """
    given = given_pitch(frames.pitch, timbre)
    below = _STEADY_FROM * (given / frames.pitch) ** 1.5 * (given > frames.pitch)
    strain = np.maximum(frames.pitch, below)
    if timbre.formants != 1.0:
        strain = np.maximum(strain, _STEADY_TO)
    at, gains = (np.log(column) for column in zip(*_TRANSIENT, strict=True))
    transient = np.exp(np.interp(np.log(strain), at, gains))
    high = np.clip((strain - _STEADY_FROM) / (_STEADY_TO - _STEADY_FROM), 0.0, 1.0)
    held = np.minimum(1.0 - (1.0 - _STEADY) * high, transient)
    blended = transient ** (1.0 - frames.steady) * held**frames.steady
    gain: Curve = np.where(frames.voiced, np.maximum(blended, _SILENT_GAIN), 1.0)
    return gain


def move_formants(levels: Spectrum, scale: float) -> Spectrum:
    """The spectra stretched along frequency."""
    if scale == 1.0:
        return levels
    place = np.clip(np.arange(len(levels)) / scale, 0, len(levels) - 1.001)
    low = place.astype(np.int64)
    part = (place - low).astype(np.float32)[:, None]
    moved: Spectrum = levels[low] * (1 - part) + levels[low + 1] * part
    return moved
