"""Loudness and true peak of a mix, also after MP3 has been decoded: pyloudnorm and eight times oversampling."""

import io
from typing import Any

import numpy as np
import soundfile
from scipy.signal import resample_poly

from bandmate_bench.singing.sung import Samples

_OVERSAMPLED = 8
_BLOCK = 1 << 16
_OVERLAP = 64


def mix_level(mix: Samples, rate: int) -> dict[str, Any]:
    """`lufs` (ITU-R BS.1770-4), `true_peak` in dBTP, and `true_peak_mp3`, of the mix after coding and decoding."""
    import pyloudnorm  # optional extra: singing

    decoded = through_mp3(mix, rate)
    return {
        "lufs": float(pyloudnorm.Meter(rate).integrated_loudness(mix.astype(np.float64))),
        "true_peak": true_peak(mix),
        "true_peak_mp3": true_peak(decoded),
    }


def true_peak(sound: Samples) -> float:
    """dBTP of [samples, channels]."""
    highest = 1e-6
    for start in range(0, len(sound), _BLOCK):
        first = max(0, start - _OVERLAP)
        wide = resample_poly(sound[first : start + _BLOCK + _OVERLAP], _OVERSAMPLED, 1, axis=0)
        block = wide[(start - first) * _OVERSAMPLED :][: _BLOCK * _OVERSAMPLED]  # It rings where the sound is cut.
        highest = max(highest, float(np.abs(block).max(initial=0.0)))
    return float(20.0 * np.log10(highest))


def through_mp3(sound: Samples, rate: int) -> Samples:
    """The sound coded as MP3 at libsndfile's default quality, and decoded."""
    file = io.BytesIO()
    soundfile.write(file, sound, rate, format="MP3")
    file.seek(0)
    decoded, _ = soundfile.read(file, dtype="float32", always_2d=True)
    heard: Samples = decoded
    return heard
