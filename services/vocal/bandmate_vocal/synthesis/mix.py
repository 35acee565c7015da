"""Mix the voice with the instrumental into the mastered song: the band makes room while words are sung."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from bandmate_music.audio import SAMPLE_RATE
from bandmate_music.audio.mastering import Mastered, master
from bandmate_shared.errors import UnreadableFile
from numpy.typing import NDArray
from scipy.signal import resample_poly

from bandmate_vocal.synthesis.room import place
from bandmate_vocal.synthesis.unmask import balance, make_room
from bandmate_vocal.synthesis.voice_strip import strip

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
    lead = strip(voice)
    balanced = balance(lead, 0.5 * (instrumental[:, 0] + instrumental[:, 1]))
    make_room(instrumental, balanced.dips)
    instrumental += place(lead * np.float32(balanced.voice_gain))
    mastered = master(instrumental)
    return MixedSong(
        mastered.sound, mastered.gain, mastered.integrated_lufs, mastered.true_peak_dbtp, balanced.voice_gain
    )
