"""WAV to FLAC, MP3 or Opus."""

import io
from fractions import Fraction

import soundfile
from scipy.signal import resample_poly

MEDIA_TYPES = {"flac": "audio/flac", "mp3": "audio/mpeg", "opus": "audio/ogg"}
_OPUS_RATE = 48_000


def encoded(wav: bytes, extension: str) -> bytes:
    """The sound in the format of that extension, one of `MEDIA_TYPES`. FLAC holds the very samples of the WAV."""
    out = io.BytesIO()
    if extension == "flac":
        samples, rate = soundfile.read(io.BytesIO(wav), dtype="int16")
        soundfile.write(out, samples, rate, format="FLAC", subtype="PCM_16")
        return out.getvalue()
    samples, rate = soundfile.read(io.BytesIO(wav), dtype="float32")
    if extension == "mp3":
        soundfile.write(out, samples, rate, format="MP3", subtype="MPEG_LAYER_III")
        return out.getvalue()
    ratio = Fraction(_OPUS_RATE, rate)
    samples = resample_poly(samples, ratio.numerator, ratio.denominator, axis=0)
    soundfile.write(out, samples, _OPUS_RATE, format="OGG", subtype="OPUS")
    return out.getvalue()
