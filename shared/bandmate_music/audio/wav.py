"""Sound to WAV bytes: 16-bit PCM without metadata, so that equal samples are equal files."""

import io
import wave

import numpy as np
from numpy.typing import NDArray

from bandmate_music.audio import SAMPLE_RATE


def to_wav(sound: NDArray[np.float32]) -> bytes:
    """[samples, channels], or mono [samples], in -1..1 as a WAV at SAMPLE_RATE; what lies outside is clipped.

    In memory, so that a full disk is met in one place, the store.
    """
    samples = np.clip(np.rint(sound * np.float32(32767)), -32768, 32767).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(sound.shape[1] if sound.ndim == 2 else 1)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE)
        out.writeframes(samples.tobytes())
    return file.getvalue()
