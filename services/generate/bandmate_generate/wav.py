"""Sound to WAV bytes: 16-bit PCM, no metadata, so that equal samples are equal files."""

import io
import wave

import numpy as np

from bandmate_generate.render import SAMPLE_RATE, Audio


def to_wav(sound: Audio) -> bytes:
    """[samples, channels] in -1..1 as a WAV at SAMPLE_RATE; what lies outside is clipped."""
    samples = np.clip(np.rint(sound * np.float32(32767)), -32768, 32767).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(sound.shape[1])
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE)
        out.writeframes(samples.tobytes())
    return file.getvalue()
