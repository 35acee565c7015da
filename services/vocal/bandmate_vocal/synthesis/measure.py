"""Measure sung audio: intonation of each note, and vowel onsets against their beats.

The tracker is YIN (de Cheveigné & Kawahara 2002), and knows nothing of what was meant to be sung. The tests judge the
same singing by another tracker.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from bandmate_music.audio import SAMPLE_RATE
from bandmate_shared.contracts.vocals import SungNote
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d
from scipy.signal import butter, resample_poly, sosfiltfilt

from bandmate_vocal.alignment.timing import Vowel
from bandmate_vocal.synthesis.pitch_curve import note_hz

EDGES = (0.02, 0.05)
"""Seconds at a note's beginning and end that are not judged: there the voice glides from pitch to pitch."""
_RATE = SAMPLE_RATE // 2
_HOP = 0.01
_LOW_PASS = 3000.0
_WINDOW = 0.025
_APERIODICITY = 0.2
_DIP_TOLERANCE = 0.04
_QUIET_DB = -45.0
_BLOCK = 2048
_ONSET_BAND = (350.0, 3000.0)
_ONSET_STEP = 0.002
_ONSET_SEARCH = 0.1


@dataclass(frozen=True, slots=True)
class Intonation:
    """`within_50_cents`: share of the voiced frames inside notes; `worst_note_cents`: largest median of a note."""

    within_50_cents: float
    worst_note_cents: float
    frames: int


def track(voice: NDArray[np.float32], lowest: float, highest: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times in seconds and fundamentals in Hz (nan: not voiced), every 10 ms, searched between the two in Hz."""
    # Above 3 kHz a period is rarely a whole number of samples long enough, and YIN would prefer two periods.
    half = sosfiltfilt(butter(4, _LOW_PASS, fs=_RATE, output="sos"), resample_poly(voice, 1, SAMPLE_RATE // _RATE))
    window = int(max(_WINDOW, 1.5 / lowest) * _RATE)
    longest = int(_RATE / lowest) + 2
    shortest = max(2, int(_RATE / highest))
    reach = window + longest
    padded = np.pad(half, (reach // 2, reach))
    starts = (np.arange(int(len(half) / (_HOP * _RATE))) * _HOP * _RATE).astype(np.int64)
    size = 1 << (reach - 1).bit_length()
    pitches = [
        _yin(padded[starts[first : first + _BLOCK, None] + np.arange(reach)], window, shortest, longest, size)
        for first in range(0, len(starts), _BLOCK)
    ]
    return starts / _RATE, np.concatenate(pitches) if pitches else np.zeros(0)


def _yin(frames: NDArray[np.float64], window: int, shortest: int, longest: int, size: int) -> NDArray[np.float64]:
    head = np.fft.rfft(frames[:, :window], size)
    products = np.fft.irfft(np.conj(head) * np.fft.rfft(frames, size), size)[:, : longest + 1]
    energy = np.concatenate([np.zeros((len(frames), 1)), np.cumsum(frames**2, axis=1)], axis=1)
    powers = energy[:, window : window + longest + 1] - energy[:, : longest + 1]
    difference = np.maximum(powers[:, :1] + powers - 2.0 * products, 0.0)
    lags = np.arange(1, longest + 1)
    normalised = np.ones_like(difference)
    normalised[:, 1:] = difference[:, 1:] * lags / np.maximum(np.cumsum(difference[:, 1:], axis=1), 1e-12)
    before, inner, after = (normalised[:, shortest + step : longest + step] for step in (-1, 0, 1))
    dips = (inner <= before) & (inner < after)
    # Between two samples a dip is deeper than at either: at 600 Hz, where a period is 37 samples, enough to be passed
    # over for twice the period. So depths are compared at the bottom of a parabola through each dip.
    bend = before - 2.0 * inner + after
    shift = np.clip(0.5 * (before - after) / np.where(np.abs(bend) > 1e-12, bend, 1.0), -1.0, 1.0)
    depth = inner - 0.25 * (before - after) * shift
    # The first dip about as deep as the deepest: half a period is less deep, two periods come later.
    deepest = np.min(np.where(dips, depth, 1.0), axis=1, keepdims=True)
    acceptable = dips & (depth < np.minimum(deepest + _DIP_TOLERANCE, _APERIODICITY))
    first = np.argmax(acceptable, axis=1)
    lag = shortest + first + shift[np.arange(len(frames)), first]
    loud = powers[:, 0] / window > 10.0 ** (_QUIET_DB / 10.0)
    voiced = acceptable.any(axis=1) & loud
    return np.where(voiced, _RATE / lag, np.nan)


def track_melody(
    voice: NDArray[np.float32], notes: Sequence[SungNote]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What `track` hears up to a fifth beyond the melody's range."""
    pitches = [note.pitch for note in notes]
    return track(voice, note_hz(min(pitches) - 7), min(note_hz(max(pitches) + 7), _RATE / 6))


def intonation(voice: NDArray[np.float32], notes: Sequence[SungNote]) -> Intonation:
    """Compare what is heard with the notes."""
    return intonation_of(track_melody(voice, notes), notes)


def intonation_of(tracked: tuple[NDArray[np.float64], NDArray[np.float64]], notes: Sequence[SungNote]) -> Intonation:
    """Compare what `track_melody` heard with the notes."""
    times, hertz = tracked
    frames = in_tune = 0
    worst = 0.0
    for note in notes:
        before, after = (min(edge, 0.25 * note.duration) for edge in EDGES)
        begin, end = np.searchsorted(times, (note.onset + before, note.onset + note.duration - after))
        sung_hertz = hertz[begin:end]
        sung_hertz = sung_hertz[~np.isnan(sung_hertz)]
        if not len(sung_hertz):
            continue
        cents = np.abs(1200.0 * np.log2(sung_hertz / note_hz(note.pitch)))
        frames += len(cents)
        in_tune += int((cents <= 50.0).sum())
        worst = max(worst, float(np.median(cents)))
    return Intonation(in_tune / frames if frames else 0.0, worst, frames)


def vowel_onset_errors(voice: NDArray[np.float32], vowels: Sequence[Vowel]) -> NDArray[np.float64]:
    """Seconds by which vowels begin after (negative: before) their beat, where the ear can tell: after a stop,
    a fricative or a rest. A vowel begins where its loudness between 350 and 3000 Hz passes half of what it will be.
    """
    band = sosfiltfilt(butter(2, _ONSET_BAND, "bandpass", fs=SAMPLE_RATE, output="sos").astype(np.float32), voice)
    step = int(_ONSET_STEP * SAMPLE_RATE)
    level = np.sqrt(np.maximum(uniform_filter1d(band**2, int(0.012 * SAMPLE_RATE))[::step], 0.0))
    errors = []
    for vowel in vowels:
        if not vowel.after_obstruent or vowel.t1 - vowel.t0 < 0.04:
            continue
        beat = int(vowel.beat * SAMPLE_RATE / step)
        inside = level[beat : int((vowel.beat + min(0.12, vowel.t1 - vowel.t0)) * SAMPLE_RATE / step)]
        first = max(0, beat - int(_ONSET_SEARCH / _ONSET_STEP))
        around = level[first : beat + int(_ONSET_SEARCH / _ONSET_STEP)]
        if not len(inside) or not len(around):
            continue
        below = np.flatnonzero(around[: beat - first + int(np.argmax(inside)) + 1] < 0.5 * float(np.median(inside)))
        if len(below):
            errors.append((first + below[-1] + 1) * step / SAMPLE_RATE - vowel.beat)
    return np.array(errors)
