"""Two pitch trackers that have no part in the singing: Praat's autocorrelation and librosa's pYIN."""

import subprocess
import sys
from collections.abc import Sequence

import numpy as np
from bandmate_shared.errors import Unavailable
from numpy.typing import NDArray

from bandmate_bench.singing.sung import JUDGED_RATE, JudgedNote, Samples, at_judged_rate, hertz

_STEP = 0.01
_BEYOND = 13.0
"""Semitones beyond the notes that are searched: an octave too high or low can be heard as such."""
_LOWEST, _HIGHEST = 55.0, 1700.0
_FRAME = 1024

Track = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Seconds, and Hz at each of them (0: not voiced)."""


def search_range(notes: Sequence[JudgedNote]) -> tuple[float, float]:
    """The lowest and the highest fundamental, in Hz, that is looked for."""
    pitches = [note.pitch for note in notes]
    return max(_LOWEST, hertz(min(pitches) - _BEYOND)), min(_HIGHEST, hertz(max(pitches) + _BEYOND))


def praat(voice: Samples, rate: int, lowest: float, highest: float) -> Track:
    """Praat's autocorrelation method, every 10 ms. Raises Unavailable when Praat fails."""
    arguments = [str(number) for number in (rate, _STEP, lowest, highest)]
    done = subprocess.run(
        [sys.executable, "-m", "bandmate_bench.singing.praat_process", *arguments],
        input=np.ascontiguousarray(voice, dtype=np.float32).tobytes(),
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        reason = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise Unavailable(f"Praat's pitch tracker failed: {' '.join(reason)}")
    track = np.frombuffer(done.stdout, dtype=np.float64).reshape(-1, 2)
    return track[:, 0], track[:, 1]


def pyin(voice: Samples, rate: int, lowest: float, highest: float) -> Track:
    """librosa's pYIN, every 10 ms, in steps of 10 cents."""
    import librosa  # optional extra: singing

    found, voiced, _ = librosa.pyin(
        at_judged_rate(voice, rate),
        fmin=lowest,
        fmax=highest,
        sr=JUDGED_RATE,
        frame_length=_FRAME,
        hop_length=int(_STEP * JUDGED_RATE),
    )
    times = librosa.times_like(found, sr=JUDGED_RATE, hop_length=int(_STEP * JUDGED_RATE))
    return times, np.where(voiced, np.nan_to_num(found), 0.0)
