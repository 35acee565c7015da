"""Voice and band together: the song as it is heard."""

from pathlib import Path

import numpy as np
from bandmate_shared.audio import SAMPLE_RATE
from bandmate_shared.audio.mastering import master
from bandmate_shared.errors import UnreadableFile
from numpy.typing import NDArray

from bandmate_vocal.room import place

_PRESENCE_HZ = (1000.0, 4000.0)
_VOICE_ABOVE_DB = 2.5
"""How far the voice lies above the band where words are understood, while it sings."""
_OVERALL_DB = (-2.0, 8.0)
"""Bounds on voice against band over all frequencies, for bands with next to nothing or far too much in that range."""
_END_FADE = 0.03


def read_instrumental(path: Path, seconds: float) -> NDArray[np.float32]:
    """A WAV as [samples, 2] at SAMPLE_RATE, cut or filled with silence to `seconds`. Raises UnreadableFile."""
    import soundfile

    try:
        with soundfile.SoundFile(path) as file:
            rate = int(file.samplerate)
            samples = file.read(int(np.ceil((seconds + 0.1) * rate)), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise UnreadableFile(f"the instrumental is not audio that can be read: {error.error_string}") from error
    stereo = samples[:, :2] if samples.shape[1] > 1 else np.repeat(samples, 2, axis=1)
    if rate != SAMPLE_RATE:
        from scipy.signal import resample_poly

        stereo = resample_poly(stereo, SAMPLE_RATE, rate, axis=0).astype(np.float32)
    length = round(seconds * SAMPLE_RATE)
    fitted = np.zeros((length, 2), dtype=np.float32)
    fitted[: min(length, len(stereo))] = stereo[:length]
    if len(stereo) > length:
        count = min(length, int(_END_FADE * SAMPLE_RATE))
        fitted[length - count :] *= np.linspace(1.0, 0.0, count, dtype=np.float32)[:, None]
    return fitted


def mix(voice: NDArray[np.float32], instrumental: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mastered song, [samples, 2], from a mono voice stem and a stereo band of the same length."""
    return master(instrumental + place(voice * np.float32(voice_gain(voice, instrumental)))).sound


def voice_gain(voice: NDArray[np.float32], instrumental: NDArray[np.float32]) -> float:
    """The factor that sets the voice _VOICE_ABOVE_DB above the band in the presence range while it sings."""
    from scipy.signal import butter, sosfilt

    singing = _singing(voice)
    if not singing.any():
        return 1.0
    band = 0.5 * (instrumental[:, 0] + instrumental[:, 1])
    presence = butter(2, _PRESENCE_HZ, "bandpass", fs=SAMPLE_RATE, output="sos").astype(np.float32)
    heard, masking = (_level_db(sosfilt(presence, each), singing) for each in (voice, band))
    wanted = _VOICE_ABOVE_DB + masking - heard
    apart = _level_db(voice, singing) - _level_db(band, singing)
    gain_db = np.clip(wanted, _OVERALL_DB[0] - apart, _OVERALL_DB[1] - apart)
    return float(10.0 ** (np.clip(gain_db, -60.0, 60.0) / 20.0))


def _singing(voice: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where the voice is within 25 dB of its loudest 50 ms."""
    from scipy.ndimage import uniform_filter1d

    power = uniform_filter1d(voice**2, int(0.05 * SAMPLE_RATE))
    singing: NDArray[np.bool_] = power > max(1e-9, float(power.max(initial=0.0)) * 10.0**-2.5)
    return singing


def _level_db(signal: NDArray[np.float32], where: NDArray[np.bool_]) -> float:
    return float(10.0 * np.log10(max(1e-12, float(np.mean(signal[where].astype(np.float64) ** 2)))))
