"""Have the band make room for the words: where, when and only as far as it would mask them.

In each third of an octave the middle of the stereo image, where the voice stands, is turned down to _APART_DB below
what the voice has there around the moment, by at most _MAX_DIP_DB; a part of what is taken away is heard at the sides
instead. The sides themselves stay. So the band goes on around the voice; on a single loudspeaker it steps back while
words are sung.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from bandmate_music.audio import SAMPLE_RATE
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, uniform_filter1d
from scipy.signal import oaconvolve

from bandmate_vocal.synthesis.bands import CENTRES, FRAMES_PER_SECOND, Bands, Samples, parted, powers

_TARGET_DB = 13.0
"""The voice over the band's middle, where words are understood and while they are sung; weighted by _IMPORTANCE."""
_CLIP_DB = 15.0
"""How far from the target a band of frequencies counts: one that is not masked at all does not make up for others."""
_APART_DB, _MAX_DIP_DB, _FLAT_DIP_DB = 13.0, 13.0, 1.5
_ATTACK, _RELEASE, _BEFORE, _AROUND = 0.02, 0.18, 0.06, 0.4
"""Seconds: of the dips, how long before a word they begin, and over how much to each side the voice is averaged."""
_AT_SIDES = 0.6
"""Of what the middle loses, what is heard at the sides, as a factor."""
_SUNG_DB = 25.0
"""What is softer than the loudest sound by more is not sung."""
_ROUNDS = 5
_SEED, _SPREAD_SECONDS, _SPREAD_DECAY, _SPREAD_DELAY = 7, 0.03, 0.008, 0.003

_SPEECH_HZ = (160, 200, 250, 315, 400, 500, 630, 800, 1000, 1250, 1600, 2000, 2500, 3150, 4000, 5000, 6300, 8000)
_SPEECH_SHARES = (
    *(0.0083, 0.0095, 0.0150, 0.0289, 0.0440, 0.0578, 0.0653, 0.0711, 0.0818),
    *(0.0844, 0.0882, 0.0898, 0.0868, 0.0844, 0.0771, 0.0527, 0.0364, 0.0185),
)
"""How much each third of an octave adds to understanding speech (ANSI S3.5-1997, table 3)."""
_SHARES = np.interp(np.log(CENTRES), np.log(_SPEECH_HZ), _SPEECH_SHARES)
_IMPORTANCE = _SHARES / _SHARES.sum()
_DEPTH = np.minimum(1.0, _SHARES / 0.03)
"""Of a dip: low bands add little to the words, and much to the warmth of the band."""


@dataclass(frozen=True, slots=True)
class Balance:
    """The factor that the voice is multiplied by, and the band's dips in dB: [frames, bands]."""

    voice_gain: float
    dips: Bands


def balance(voice: Samples, middle: Samples) -> Balance:
    """The level of a voice, mono [samples], over the middle of a band, and the dips that it needs.

    The two depend on each other: louder voices need smaller dips. A voice or a band of silence is left as it is.
    """
    voice_power, band_power = powers(voice), powers(middle)
    sung = _sung(voice_power)
    if not sung.any() or not band_power[sung].any():
        return Balance(1.0, np.zeros_like(band_power))
    gain_db, dips = 0.0, np.zeros_like(band_power)
    for _ in range(_ROUNDS):
        gain_db += _TARGET_DB - _over_band(voice_power, band_power, gain_db, dips, sung)
        dips = _dips(voice_power * 10.0 ** (gain_db / 10.0), band_power, sung)
    gain_db += _TARGET_DB - _over_band(voice_power, band_power, gain_db, dips, sung)
    return Balance(float(10.0 ** (gain_db / 20.0)), dips)


def make_room(band: NDArray[np.float32], dips: Bands) -> None:
    """Take the dips out of the middle of a band, [samples, 2], in place."""
    middle, side = 0.5 * (band[:, 0] + band[:, 1]), 0.5 * (band[:, 0] - band[:, 1])
    middle, taken = parted(middle, dips)
    side += np.float32(_AT_SIDES) * oaconvolve(taken, _spread())[: len(side)].astype(np.float32)
    band[:, 0], band[:, 1] = middle + side, middle - side


def _sung(voice_power: Bands) -> NDArray[np.bool_]:
    """The frames in which the voice sings."""
    total = voice_power.sum(axis=1)
    return np.asarray(total > max(1e-9, float(total.max(initial=0.0)) * 10.0 ** (-_SUNG_DB / 10.0)))


def _over_band(voice: Bands, band: Bands, gain_db: float, dips: Bands, sung: NDArray[np.bool_]) -> float:
    """How far the voice lies above the band, in dB."""
    band_level = _db((band * 10.0 ** (dips / 10.0))[sung].mean(axis=0))
    apart = _db(voice[sung].mean(axis=0)) + gain_db - band_level - _TARGET_DB
    return _TARGET_DB + float(_IMPORTANCE @ np.clip(apart, -_CLIP_DB, _CLIP_DB))


def _dips(voice: Bands, band: Bands, sung: NDArray[np.bool_]) -> Bands:
    """The dips, smooth over time and frequency."""
    width = int(2.0 * _AROUND * FRAMES_PER_SECOND)
    share = uniform_filter1d(sung.astype(float), width, mode="constant")
    around = uniform_filter1d(voice * sung[:, None], width, axis=0, mode="constant") / np.maximum(share, 0.05)[:, None]
    near = maximum_filter1d(sung.astype(float), int(2.0 * _BEFORE * FRAMES_PER_SECOND) | 1)
    wanted = _DEPTH * (np.clip(_db(band) - _db(around) + _APART_DB, 0.0, _MAX_DIP_DB) + _FLAT_DIP_DB)
    dips = np.pad(_followed(-wanted * near[:, None]), ((0, 0), (1, 1)), mode="edge")
    return np.asarray(0.25 * dips[:, :-2] + 0.5 * dips[:, 1:-1] + 0.25 * dips[:, 2:])


def _followed(target: Bands) -> Bands:
    """Curves that follow `target`, falling with _ATTACK and rising with _RELEASE."""
    falling, rising = (1.0 - np.exp(-1.0 / FRAMES_PER_SECOND / seconds) for seconds in (_ATTACK, _RELEASE))
    value = np.zeros(target.shape[1])
    curve = np.empty_like(target)
    for index, wanted in enumerate(target):
        value = value + np.where(wanted < value, falling, rising) * (wanted - value)
        curve[index] = value
    return curve


@cache
def _spread() -> Samples:
    """A short diffuse response of unit energy and nearly flat spectrum: what goes through it is heard beside its source
    and does not sound like it a moment later."""
    count = int(_SPREAD_SECONDS * SAMPLE_RATE)
    noise = np.random.default_rng(_SEED).standard_normal(count)
    noise *= np.exp(-np.arange(count) / (_SPREAD_DECAY * SAMPLE_RATE))
    noise[: int(_SPREAD_DELAY * SAMPLE_RATE)] = 0.0
    spectrum = np.fft.rfft(noise, 4 * count)
    flat = np.fft.irfft(spectrum / np.maximum(np.abs(spectrum), 1e-3) ** 0.8, 4 * count)[: 2 * count]
    return np.asarray(flat / np.sqrt(np.sum(flat**2)), dtype=np.float32)


def _db(power: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(10.0 * np.log10(np.maximum(power, 1e-12)))
