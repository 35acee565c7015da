"""What is measured of a mix. The code that mixes has its own meters; none of them is used here."""

import numpy as np
import pyloudnorm
from numpy.typing import NDArray
from scipy.signal import welch

from bandmate_bench.mix.song_sound import SongSound, Sound
from bandmate_bench.singing.mix_level import through_mp3, true_peak

_THIRDS_HZ = 1000.0 * 2.0 ** (np.arange(-12, 11) / 3.0)
"""Middles of thirds of an octave, 62 Hz to 10 kHz."""
_FRAME = 16_384


def loudness(song: SongSound) -> float:
    """Integrated loudness in LUFS (ITU-R BS.1770-4), by pyloudnorm."""
    return _lufs(song.mix, song.rate)


def peak(song: SongSound) -> float:
    """True peak in dBTP, by eight times oversampling."""
    return true_peak(song.mix)


def peak_after_mp3(song: SongSound) -> float:
    """True peak in dBTP once coded as MP3 and decoded."""
    return true_peak(through_mp3(song.mix, song.rate))


def crest_factor(song: SongSound) -> float:
    """The highest sample over the root mean square of all, in dB, of the louder channel."""
    peaks, powers = np.abs(song.mix).max(axis=0), np.square(song.mix, dtype=np.float64).mean(axis=0)
    loud = int(np.argmax(powers))
    return _db(float(peaks[loud]) ** 2 / max(float(powers[loud]), 1e-20))


def balance(song: SongSound) -> float | None:
    """The farthest that a third of an octave from 62 Hz to 10 kHz lies from the average of popular music, in dB.

    Levels per Hz over the whole song, both channels, less their mean distance. None for songs without drums and bass.
    """
    return float(np.abs(deviation(song.mix, song.rate)).max()) if song.has_rhythm_section else None


def mono_loss(song: SongSound) -> float:
    """How much softer the mix is on one loudspeaker, in LU: its middle on both sides against the mix."""
    middle = np.repeat(song.mix.mean(axis=1, keepdims=True), 2, axis=1)
    return _lufs(song.mix, song.rate) - _lufs(middle, song.rate)


def stems_apart(song: SongSound) -> float | None:
    """What is left when the stems, each by its gain, are taken from the mix, in dB of the mix. None without stems."""
    if not song.stems:
        return None
    left = song.mix.astype(np.float64)
    for stem in song.stems.values():
        left = left - stem
    return _db(float(np.square(left).mean()) / max(float(np.square(song.mix, dtype=np.float64).mean()), 1e-20))


def deviation(sound: Sound, rate: int) -> NDArray[np.float64]:
    """The distance in dB of each third of an octave from the published average, their mean taken away."""
    hertz, density = welch(sound, rate, nperseg=_FRAME, axis=0)
    density = density.sum(axis=1)
    edge = 2.0 ** (1.0 / 6.0)
    levels = [_db(float(density[(hertz >= middle / edge) & (hertz < middle * edge)].mean())) for middle in _THIRDS_HZ]
    apart = np.array(levels) - published_balance(_THIRDS_HZ)
    return np.asarray(apart - apart.mean())


def published_balance(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    """The average of popular music in dB per Hz, after Elowsson and Friberg (AES 2017), by their quadratic fit: a slope
    of -2.35 dB an octave at 200 Hz, steeper by 1.318 dB with each octave."""
    octaves = np.log2(hertz / 200.0)
    balanced: NDArray[np.float64] = -2.35 * octaves - 0.5 * 1.318 * octaves**2
    return balanced


def _lufs(sound: Sound, rate: int) -> float:
    return float(pyloudnorm.Meter(rate).integrated_loudness(sound.astype(np.float64)))


def _db(ratio: float) -> float:
    return float(10.0 * np.log10(max(ratio, 1e-20)))
