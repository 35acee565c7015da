"""Dynamics of a sung phrase: vowel levelling, compression, a phrase arch, fades, and breath noise."""

from collections.abc import Sequence

import numpy as np
from bandmate_music.audio import SAMPLE_RATE
from bandmate_shared.contracts.vocals import SungNote
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d
from scipy.signal import butter, sosfilt

from bandmate_vocal.alignment.timing import Phrase
from bandmate_vocal.speech.base import PITCH_STEP
from bandmate_vocal.synthesis.hints import added_air, added_loudness

LEVEL = 0.1
"""Root mean square that vowels are brought near."""
_EVENNESS = 0.75
"""Share (in dB) of a vowel's distance from LEVEL that is taken away."""
_MAX_GAIN_DB = 9.0
_SMOOTH = 0.045
"""Seconds over which the loudness is followed to even it out within a vowel."""
_LEVEL_FLOOR_DB = 16.0
"""What lies further than this below LEVEL is a consonant's or a pause's own softness, and is left so."""
_ARCH_DB, _VIBRATO_DB, _TOP_DB = 3.0, 0.7, 1.5
_USUAL_VELOCITY, _VELOCITY_DB, _MAX_DYNAMICS_DB = 80, 0.12, 5.0
"""The velocity of a note that is neither loud nor soft, what one step of it is worth, and the most that all are."""
_FADE_IN, _FADE_OUT, _FADE_CLOSED = 0.012, 0.09, 0.008
_AIR_DB = -34.0


def shape(
    signal: NDArray[np.float64],
    phrase: Phrase,
    notes: Sequence[SungNote],
    vibrato: NDArray[np.float64],
    air: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """The phrase with its dynamics. `vibrato` is the curve of `pitch_curve`; `notes` are the phrase's.

    `air` is heard with the signal, and does not count for its loudness.
    """
    times = np.arange(len(signal)) / SAMPLE_RATE
    airy = signal if air is None else signal + air
    airy = airy + added_air(signal, notes, phrase.t0 + times)
    gain_db = _level_vowels(signal, phrase, notes)
    gain_db += _compress(signal * 10.0 ** (gain_db / 20.0))
    gain_db += added_loudness(notes, phrase.t0 + times)
    gain_db += _ARCH_DB * (np.sin(np.pi * (times + 0.15) / (times[-1] + 0.3)) - 0.6)
    gain_db += _VIBRATO_DB * np.interp(times, PITCH_STEP * np.arange(len(vibrato)), vibrato)
    shaped: NDArray[np.float64] = airy * 10.0 ** (gain_db / 20.0) * _ends(phrase, len(signal))
    return shaped


def _level_vowels(signal: NDArray[np.float64], phrase: Phrase, notes: Sequence[SungNote]) -> NDArray[np.float64]:
    """Gain in dB that brings each vowel near LEVEL (higher notes a little above), gliding from vowel to vowel."""
    top = float(np.mean([note.pitch for note in notes]))
    centres, gains = [], []
    for vowel in phrase.vowels:
        begin, end = (int((t - phrase.t0) * SAMPLE_RATE) for t in (vowel.t0, vowel.t1))
        level = float(np.sqrt(np.mean(signal[begin : max(end, begin + 1)] ** 2))) if begin < len(signal) else 0.0
        if level < 1e-4:
            continue
        note = next((note for note in reversed(notes) if note.onset <= vowel.beat + 1e-6), notes[0])
        desired_db = 20.0 * np.log10(LEVEL / level) + _TOP_DB * np.clip((note.pitch - top) / 7.0, -1.0, 1.0)
        gain = float(np.clip(_EVENNESS * desired_db, -_MAX_GAIN_DB, _MAX_GAIN_DB)) + _dynamics_db(note)
        for share in (0.2, 0.8):
            centres.append(vowel.t0 - phrase.t0 + share * (vowel.t1 - vowel.t0))
            gains.append(gain)
    if not centres:
        return np.zeros(len(signal))
    even: NDArray[np.float64] = np.interp(np.arange(len(signal)) / SAMPLE_RATE, centres, gains)
    return even


def _dynamics_db(note: SungNote) -> float:
    """What the score's dynamics and accents add to a note."""
    if note.velocity is None:
        return 0.0
    return float(np.clip(_VELOCITY_DB * (note.velocity - _USUAL_VELOCITY), -_MAX_DYNAMICS_DB, _MAX_DYNAMICS_DB))


def _compress(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gain in dB that halves the distance from LEVEL of what is louder, and softer up to _LEVEL_FLOOR_DB: no surges."""
    width = int(_SMOOTH * SAMPLE_RATE)
    power = uniform_filter1d(uniform_filter1d(signal**2, width, mode="nearest"), width, mode="nearest")
    above = 10.0 * np.log10(np.maximum(power, 1e-10) / LEVEL**2)
    # Full make-up at half of -_LEVEL_FLOOR_DB falls to nothing at -_LEVEL_FLOOR_DB, so that no consonant is raised.
    fade = np.clip(2.0 + 2.0 * above / _LEVEL_FLOOR_DB, 0.0, 1.0)
    gain: NDArray[np.float64] = -0.5 * np.maximum(above, -_LEVEL_FLOOR_DB / 2) * fade
    return gain


def breath_noise(signal: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
    """Breath in the voice: noise above 5 kHz that follows the loudness, period by period."""
    high = butter(2, 5000.0, "highpass", fs=SAMPLE_RATE, output="sos")
    follow = butter(1, 900.0, "lowpass", fs=SAMPLE_RATE, output="sos")
    noise = sosfilt(high, random.standard_normal(len(signal)))
    air: NDArray[np.float64] = 10.0 ** (_AIR_DB / 20.0) * noise * np.maximum(sosfilt(follow, np.abs(signal)), 0.0) * 2
    return air


def _ends(phrase: Phrase, length: int) -> NDArray[np.float64]:
    """Half-cosine fades; a phrase that ends on an open sound dies away longer."""
    last = phrase.vowels[-1]
    fade_out = min(_FADE_OUT, 0.4 * (phrase.t1 - last.t0)) if phrase.ends_open else _FADE_CLOSED
    envelope = np.ones(length)
    for fade, at_start in ((_FADE_IN, True), (fade_out, False)):
        count = min(max(2, int(fade * SAMPLE_RATE)), length)
        ramp = 0.5 - 0.5 * np.cos(np.pi * np.arange(count) / count)
        if at_start:
            envelope[:count] *= ramp
        else:
            envelope[-count:] *= ramp[::-1]
    return envelope
