"""Mix the voice with the instrumental into the mastered song: the band makes a little room while words are sung."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from bandmate_music.audio import SAMPLE_RATE
from bandmate_music.audio.compressor import HOP, apply_gain, followed
from bandmate_music.audio.mastering import Mastered, master
from bandmate_shared.errors import UnreadableFile
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d
from scipy.signal import butter, resample_poly, sosfilt

from bandmate_vocal.synthesis.room import place

_PRESENCE_HZ = (1000.0, 4000.0)
_VOICE_TO_BAND_DB = 2.5
"""How far the voice lies above the band where words are understood, while it sings."""
_VOICE_TO_BAND_LIMITS_DB = (-2.0, 8.0)
"""Bounds on voice against band over all frequencies, for bands with next to nothing or far too much in that range."""
_DIP_DB, _DIP_ATTACK, _DIP_RELEASE = 1.5, 0.08, 0.35
_END_FADE = 0.03


def read_instrumental(path: Path, seconds: float) -> NDArray[np.float32]:
    """A WAV as [samples, 2] at SAMPLE_RATE, cut or filled with silence to `seconds`. Raises UnreadableFile."""
    try:
        with soundfile.SoundFile(path) as file:
            rate = int(file.samplerate)
            samples = file.read(int(np.ceil((seconds + 0.1) * rate)), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise UnreadableFile(f"the instrumental is not audio that can be read: {error.error_string}") from error
    stereo = samples[:, :2] if samples.shape[1] > 1 else np.repeat(samples, 2, axis=1)
    if rate != SAMPLE_RATE:
        stereo = resample_poly(stereo, SAMPLE_RATE, rate, axis=0).astype(np.float32)
    length = round(seconds * SAMPLE_RATE)
    fitted = np.zeros((length, 2), dtype=np.float32)
    fitted[: min(length, len(stereo))] = stereo[:length]
    if len(stereo) > length:
        count = min(length, int(_END_FADE * SAMPLE_RATE))
        fitted[length - count :] *= np.linspace(1.0, 0.0, count, dtype=np.float32)[:, None]
    return fitted


def read_voice(wav: bytes) -> NDArray[np.float32]:
    """A mono WAV of ours as [samples], in -1..1."""
    samples, _ = soundfile.read(io.BytesIO(wav), dtype="float32")
    return np.asarray(samples, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class MixedSong(Mastered):
    """The mastered song, and the factor that the voice took before the master."""

    voice_gain: float


def mix(voice: NDArray[np.float32], instrumental: NDArray[np.float32]) -> MixedSong:
    """The mastered song, [samples, 2], from a mono voice stem and a stereo band of the same length.

    The instrumental is changed in place.
    """
    make_room(voice, instrumental)
    gain = voice_gain(voice, instrumental)
    instrumental += place(voice * np.float32(gain))
    mastered = master(instrumental)
    return MixedSong(mastered.sound, mastered.gain, mastered.integrated_lufs, mastered.true_peak_dbtp, gain)


def make_room(voice: NDArray[np.float32], instrumental: NDArray[np.float32]) -> None:
    """Turn the band down by _DIP_DB while the voice sings, in place."""
    singing = _singing(voice)[::HOP]
    apply_gain(instrumental, followed(np.where(singing, -_DIP_DB, 0.0), _DIP_ATTACK, _DIP_RELEASE))


def voice_gain(voice: NDArray[np.float32], instrumental: NDArray[np.float32]) -> float:
    """The factor that sets the voice _VOICE_TO_BAND_DB above the band in the presence range while it sings."""
    singing = _singing(voice)
    if not singing.any():
        return 1.0
    band = 0.5 * (instrumental[:, 0] + instrumental[:, 1])
    presence = butter(2, _PRESENCE_HZ, "bandpass", fs=SAMPLE_RATE, output="sos").astype(np.float32)
    voice_db, band_db = (_level_db(sosfilt(presence, signal), singing) for signal in (voice, band))
    desired_db = _VOICE_TO_BAND_DB + band_db - voice_db
    apart = _level_db(voice, singing) - _level_db(band, singing)
    gain_db = np.clip(desired_db, _VOICE_TO_BAND_LIMITS_DB[0] - apart, _VOICE_TO_BAND_LIMITS_DB[1] - apart)
    return float(10.0 ** (np.clip(gain_db, -60.0, 60.0) / 20.0))


def _singing(voice: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where the voice is within 25 dB of its loudest 50 ms."""
    power = uniform_filter1d(voice**2, int(0.05 * SAMPLE_RATE))
    singing: NDArray[np.bool_] = power > max(1e-9, float(power.max(initial=0.0)) * 10.0**-2.5)
    return singing


def _level_db(signal: NDArray[np.float32], mask: NDArray[np.bool_]) -> float:
    return float(10.0 * np.log10(max(1e-12, float(np.mean(signal[mask].astype(np.float64) ** 2)))))
