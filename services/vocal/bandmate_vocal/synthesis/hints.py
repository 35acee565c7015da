"""How each note is sung, as numbers that a person can change: its pitch curve, vibrato, loudness and air."""

from collections.abc import Sequence

import numpy as np
from bandmate_music.audio import SAMPLE_RATE
from bandmate_shared.contracts.vocals import SungNote
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

from bandmate_vocal.alignment.timing import Phrase
from bandmate_vocal.synthesis.pitch_curve import plan_pitch

_STEP = 0.01
"""Seconds between points of a note's curve, about."""
_MAX_POINTS = 6000
_BETWEEN = 0.04
"""Seconds over which one note's loudness and air give way to the next one's."""
_AIR_BAND = (1500.0, 9000.0)
_AIR_DB = -8.0
"""Of the voice around it: air of a note whose `breath` is 1."""
_FOLLOW_HZ = 40.0


def with_hints(notes: Sequence[SungNote], phrases: Sequence[Phrase], seed: int) -> list[SungNote]:
    """The notes with the pitch curve and the vibrato that the singer gives them, where they say nothing themselves.

    Sung with these, a request sounds the same as without: so what is exported is what was sung.
    """
    random = np.random.default_rng(seed)
    filled = list(notes)
    onsets = np.array([note.onset for note in notes])
    for phrase in phrases:
        first = int(np.searchsorted(onsets, phrase.vowels[0].beat - 1e-6))
        sung = notes[first : max(first + 1, int(np.searchsorted(onsets, phrase.t1 - 1e-6)))]
        planned = plan_pitch(sung, phrase.t0, phrase.t1, random)
        for number, (note, vibrato) in enumerate(zip(sung, planned.vibratos, strict=True), first):
            if filled[number].pitch_curve is None:
                count = min(max(2, round(note.duration / _STEP) + 1), _MAX_POINTS)
                times = np.linspace(note.onset, note.onset + note.duration, count)
                bend = np.interp(times, planned.times, planned.cents) - 100.0 * note.pitch
                curve = [round(min(max(float(cents), -2400.0), 2400.0), 1) for cents in bend]
                filled[number] = note.model_copy(update={"pitch_curve": curve, "vibrato": vibrato})
    return filled


def added_loudness(notes: Sequence[SungNote], times: NDArray[np.float64]) -> NDArray[np.float64]:
    """dB that the notes add at each time."""
    return _by_note([note.loudness for note in notes], notes, times)


def added_air(
    signal: NDArray[np.float64], notes: Sequence[SungNote], times: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Noise that follows the loudness of the voice, as much as the notes ask for; the same noise at every call."""
    breath = _by_note([note.breath for note in notes], notes, times)
    if not breath.any():
        return np.zeros(len(signal))
    noise = np.random.default_rng(len(signal)).standard_normal(len(signal))
    band = sosfilt(butter(2, _AIR_BAND, "bandpass", fs=SAMPLE_RATE, output="sos"), noise)
    band /= np.sqrt(np.mean(band**2) + 1e-12)
    follow = butter(1, _FOLLOW_HZ, "lowpass", fs=SAMPLE_RATE, output="sos")
    level = np.sqrt(np.maximum(sosfilt(follow, signal**2), 0.0))
    air: NDArray[np.float64] = breath * 10.0 ** (_AIR_DB / 20.0) * level * band
    return air


def _by_note(values: Sequence[float], notes: Sequence[SungNote], times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each note's value from its onset on, with short ramps."""
    places, steps = [notes[0].onset - _BETWEEN], [values[0]]
    for before, value, note in zip(values, values[1:], notes[1:], strict=False):
        places += [note.onset - _BETWEEN / 2, note.onset + _BETWEEN / 2]
        steps += [before, value]
    curve: NDArray[np.float64] = np.interp(times, np.maximum.accumulate(places), steps)
    return curve
