"""The fundamental a singer would sing: notes joined by portamento, long notes with vibrato, nothing quite still."""

import itertools
from collections.abc import Sequence

import numpy as np
from bandmate_shared.contracts.vocals import SungNote
from numpy.typing import NDArray

STEP = 0.001
"""Seconds between points of the curve."""
PORTAMENTO, _PORTAMENTO_SHARE = 0.07, 0.09
"""Seconds of a glide between long notes, and its share of the shorter note: 28 ms between eighths at 96 bpm."""
_BEFORE_ONSET = 0.5
"""Share of the glide that lies before the note's onset. So 97 % of all voiced frames of the first song lie within 50
cents of their note, edges included; with 70 ms everywhere, two thirds of it before, 95 % (librosa's pYIN)."""
_VIBRATO_HZ, _VIBRATO_CENTS, _VIBRATO_DELAY, _VIBRATO_RISE, _VIBRATO_LEAST = 5.5, 30.0, 0.28, 0.3, 0.5
_SCOOP_CENTS, _SCOOP = 45.0, 0.06
_DRIFT_CENTS = 4.0


def note_hz(pitch: float) -> float:
    """Frequency of a MIDI pitch, A4 (69) = 440 Hz."""
    return float(440.0 * 2.0 ** ((pitch - 69.0) / 12.0))


def pitch_curve(
    notes: Sequence[SungNote], t0: float, t1: float, random: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The curve of a phrase in Hz at every STEP from `t0` to `t1`, and the vibrato alone in -1..1 (for the loudness).

    `notes` are the phrase's notes in order; before the first and after the last their pitch goes on.
    """
    times = t0 + STEP * np.arange(int(np.ceil((t1 - t0) / STEP)) + 2)
    onsets = np.array([note.onset for note in notes])
    pitches = 100.0 * np.array([note.pitch for note in notes])
    cents = pitches[np.clip(np.searchsorted(onsets, times, side="right") - 1, 0, None)]
    for before, note in itertools.pairwise(notes):
        glide = min(PORTAMENTO, _PORTAMENTO_SHARE * min(before.duration, note.duration))
        start = note.onset - _BEFORE_ONSET * glide
        here = _between(t0, start, start + glide, len(times))
        share = np.clip((times[here] - start) / glide, 0.0, 1.0)
        cents[here] = 100.0 * (before.pitch + (note.pitch - before.pitch) * (0.5 - 0.5 * np.cos(np.pi * share)))
    cents -= _SCOOP_CENTS * np.clip(1.0 - (times - notes[0].onset + _SCOOP / 2) / _SCOOP, 0.0, 1.0) ** 2
    vibrato = np.zeros(len(times))
    for note in notes:
        if note.duration >= _VIBRATO_LEAST:
            here = _between(t0, note.onset, note.onset + note.duration, len(times))
            inside = times[here] - note.onset
            depth = np.clip((inside - _VIBRATO_DELAY) / _VIBRATO_RISE, 0.0, 1.0)
            depth *= np.clip((note.duration - inside) / 0.08, 0.0, 1.0)
            rate = _VIBRATO_HZ * (1.0 + 0.03 * random.standard_normal())
            vibrato[here] += depth * np.sin(2 * np.pi * rate * np.maximum(inside - _VIBRATO_DELAY, 0.0))
    cents += _VIBRATO_CENTS * vibrato + _DRIFT_CENTS * _drift(len(times), random)
    return 440.0 * 2.0 ** ((cents - 6900.0) / 1200.0), vibrato


def _between(t0: float, start: float, end: float, count: int) -> slice:
    """The points of the curve from `start` to `end` seconds."""
    return slice(max(0, int((start - t0) / STEP)), min(count, max(0, int((end - t0) / STEP) + 1)))


def _drift(count: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Slow wandering of about unit size: noise at 12 points a second, joined smoothly."""
    spacing = int(1.0 / 12.0 / STEP)
    points = random.standard_normal(count // spacing + 3)
    smooth = np.convolve(points, [0.25, 0.5, 0.25], mode="same")
    drift: NDArray[np.float64] = np.interp(np.arange(count) / spacing, np.arange(len(smooth)), smooth)
    return drift
