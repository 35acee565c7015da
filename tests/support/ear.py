"""Measures intonation with a pitch tracker that is not the service's own: librosa's pYIN."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.support.numba_cache import pyin


@dataclass(frozen=True)
class Heard:
    """Share of voiced frames inside notes within 50 cents of the note; the worst note's median error in cents."""

    share: float
    worst_cents: float
    frames: int


def hear(
    voice: NDArray[np.float32],
    rate: int,
    notes: Sequence[tuple[float, float, int]],
    *,
    skip_begin: float = 0.0,
    skip_end: float = 0.0,
) -> Heard:
    """Track the pitch of a mono voice and compare it with (onset, duration, pitch) notes, in seconds and MIDI pitch.

    `skip_begin` and `skip_end` leave out that much of each note, at most a quarter: a voice glides there.
    """
    import librosa

    hertz, voiced, _ = pyin(voice, fmin=65.0, fmax=1000.0, sr=rate, frame_length=2048, hop_length=512)
    times = librosa.times_like(hertz, sr=rate, hop_length=512)
    cents = []
    for onset, duration, pitch in notes:
        begin = onset + min(skip_begin, duration / 4)
        end = onset + duration - min(skip_end, duration / 4)
        inside = (times >= begin) & (times < end) & voiced & ~np.isnan(hertz)
        cents.append(np.abs(1200.0 * np.log2(hertz[inside] / (440.0 * 2.0 ** ((pitch - 69) / 12)))))
    all_cents = np.concatenate(cents)
    worst = max(float(np.median(note)) for note in cents if len(note))
    return Heard(float((all_cents <= 50.0).mean()), worst, len(all_cents))
