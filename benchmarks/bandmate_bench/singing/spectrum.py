"""Is there energy above 6 kHz where a fricative is sung?"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.signal import butter, sosfiltfilt

from bandmate_bench.singing.sung import JudgedNote, Samples

_FROM_HZ = 6000.0
_WINDOW = 0.02
_BEFORE, _AFTER = 0.25, 0.06
"""Seconds before and after a note's start where its sibilant is looked for."""
_BEFORE_FRONT = "eiy"
_PRESENT_DB, _RISE_DB = -30.0, 6.0


def begins_with_sibilant(syllable: str) -> bool:
    """Whether the spelling begins with s, z or sh. c counts before e and i, ch never does: it is too often k or x."""
    text = syllable.strip().lower()
    if text.startswith("c"):
        return len(text) > 1 and text[1] in _BEFORE_FRONT
    return text.startswith(("s", "z", "ç"))


def fricatives(voice: Samples, rate: int, notes: Sequence[JudgedNote]) -> dict[str, Any]:
    """`fricative_db`: the median level above 6 kHz in sibilants, in dB of the vowel's whole level after it.

    `fricatives_present`: the share of sibilants that are there: at most 30 dB below the vowel, and 6 dB above what the
    vowel itself has above 6 kHz. None where no syllable begins with one, or the sound holds nothing above 6 kHz.
    """
    levels, present = [], 0
    if rate <= 2 * _FROM_HZ:
        return {"fricative_db": None, "fricatives_present": None, "fricatives": 0}
    high = sosfiltfilt(butter(6, _FROM_HZ, "highpass", fs=rate, output="sos"), voice)
    width = int(_WINDOW * rate)
    high_power, power = (uniform_filter1d(np.square(signal, dtype=np.float64), width) for signal in (high, voice))
    for note in notes:
        if note.syllable is None or not begins_with_sibilant(note.syllable):
            continue
        begin, end = (int(second * rate) for second in note.interior)
        around = slice(max(0, int((note.start - _BEFORE) * rate)), int((note.start + _AFTER) * rate))
        if end <= begin or not len(power[begin:end]) or not len(high_power[around]):
            continue
        vowel, vowel_high = float(np.median(power[begin:end])), float(np.median(high_power[begin:end]))
        if vowel <= 1e-10:
            continue
        sibilant = float(high_power[around].max())
        level = _db(sibilant / vowel)
        levels.append(level)
        present += level >= _PRESENT_DB and _db(sibilant / max(vowel_high, 1e-12)) >= _RISE_DB
    return {
        "fricative_db": float(np.median(levels)) if levels else None,
        "fricatives_present": present / len(levels) if levels else None,
        "fricatives": len(levels),
    }


def _db(ratio: float) -> float:
    return float(10.0 * np.log10(max(ratio, 1e-12)))
