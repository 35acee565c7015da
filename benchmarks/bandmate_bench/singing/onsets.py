"""When vowels begin, against their notes: heard, not taken from the singer's own times."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d
from scipy.signal import butter, sosfiltfilt

from bandmate_bench.singing.sung import JudgedNote, Samples

_BAND = (350.0, 3000.0)
_STEP, _SMOOTH = 0.002, 0.012
_SEARCH = 0.15
_STEADY = (0.03, 0.15)
_HALF = 0.5
_ONSET_LETTERS = re.compile(r"^[^\W\d_aeiouyàâäáãåæéèêëíìîïóòôöõøúùûüœ]+")
_VOICED_GLIDES = "lrwjmnñ"


def begins_with_obstruent(syllable: str) -> bool:
    """Whether the sound before the vowel is a stop or a fricative, by its spelling: only there an onset can be heard.

    After l, r, m, n or w the voice sounds before the vowel does, and no loudness says where one ends.
    """
    letters = _ONSET_LETTERS.match(syllable.strip().lower())
    if letters is None:
        return False
    onset = letters[0]
    return onset[-1] not in _VOICED_GLIDES and not onset.startswith("wh") and not onset.endswith(("q", "gn"))


def onset_errors(voice: Samples, rate: int, notes: Sequence[JudgedNote]) -> NDArray[np.float64]:
    """Seconds by which vowels begin after their notes (negative: before), of notes whose syllable begins with an
    obstruent: where the loudness from 350 to 3000 Hz last passes half of what it has in the vowel.
    """
    band = sosfiltfilt(butter(2, _BAND, "bandpass", fs=rate, output="sos"), voice)
    step = max(1, int(_STEP * rate))
    level = np.sqrt(np.maximum(uniform_filter1d(band**2, int(_SMOOTH * rate))[::step], 0.0))
    errors = []
    for note in notes:
        if note.syllable is None or not begins_with_obstruent(note.syllable):
            continue
        beat = int(note.start * rate / step)
        length = note.end - note.start
        steady = level[
            int((note.start + min(_STEADY[0], 0.2 * length)) * rate / step) : int(
                (note.start + min(_STEADY[1], 0.7 * length)) * rate / step
            )
        ]
        first = max(0, beat - int(_SEARCH * rate / step))
        around = level[first : beat + int(min(_SEARCH, 0.7 * length) * rate / step)]
        if not len(steady) or not len(around) or float(np.median(steady)) <= 1e-5:
            continue
        peak = beat - first + int(np.argmax(level[beat : beat + max(1, len(around) - (beat - first))]))
        below = np.flatnonzero(around[: peak + 1] < _HALF * float(np.median(steady)))
        if len(below):
            errors.append((first + int(below[-1]) + 1) * step / rate - note.start)
    return np.array(errors)
