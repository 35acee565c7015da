"""The fundamental of a sung phrase: portamento, vibrato that starts late and grows, slow drift, a fall at the end."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from bandmate_shared.contracts.vocals import SungNote, Vibrato
from numpy.typing import NDArray

from bandmate_vocal.speech.base import PITCH_STEP

PORTAMENTO, _PORTAMENTO_SHARE = 0.07, 0.07
"""Seconds of a glide between long notes, and its share of the shorter note: 22 ms between eighths at 96 bpm."""
_BEFORE_ONSET = 0.4
"""Share of the glide that lies before the note's onset. So 96 % of all voiced frames of the first song lie within 50
cents of their note, edges and consonants included (librosa's pYIN); with half of 28 ms before it 95 %."""
_VIBRATO_HZ, _VIBRATO_CENTS = 5.8, 38.0
"""Rate and depth that the vibrato of a long note grows to."""
_VIBRATO_FIRST_RATE, _VIBRATO_FIRST_DEPTH = 0.88, 0.32
"""Shares of them at which it begins."""
_VIBRATO_DELAY, _VIBRATO_RISE, _VIBRATO_GROWTH, _VIBRATO_MIN_NOTE = 0.24, 0.15, 0.8, 0.5
_FALL_CENTS, _FALL = 25.0, 0.07
"""How far, and in how many seconds, the pitch falls where the phrase ends."""
_SCOOP_CENTS, _SCOOP = 45.0, 0.06
_DRIFT_CENTS = 4.0


@dataclass(frozen=True, slots=True)
class PlannedPitch:
    """A phrase's pitch at `times` in seconds: `cents` above MIDI pitch 0 without the vibrato, and the vibrato, 1 being
    its usual depth; `vibratos` are those of its notes."""

    times: NDArray[np.float64]
    cents: NDArray[np.float64]
    vibrato: NDArray[np.float64]
    vibratos: tuple[Vibrato, ...]


def note_hz(pitch: float) -> float:
    """Frequency of a MIDI pitch, A4 (69) = 440 Hz."""
    return float(440.0 * 2.0 ** ((pitch - 69.0) / 12.0))


def pitch_curve(
    notes: Sequence[SungNote], t0: float, t1: float, random: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The curve of a phrase in Hz every PITCH_STEP from `t0` to `t1`, and the vibrato alone in -1..1 (for loudness).

    `notes` are the phrase's notes in order; before the first and after the last their pitch goes on.
    """
    planned = plan_pitch(notes, t0, t1, random)
    cents = planned.cents + _VIBRATO_CENTS * planned.vibrato
    return 440.0 * 2.0 ** ((cents - 6900.0) / 1200.0), planned.vibrato


def plan_pitch(notes: Sequence[SungNote], t0: float, t1: float, random: np.random.Generator) -> PlannedPitch:
    """The pitch of a phrase before it is in Hz. Where notes say how they are sung, that is taken."""
    times = t0 + PITCH_STEP * np.arange(int(np.ceil((t1 - t0) / PITCH_STEP)) + 2, dtype=np.float64)
    onsets = np.array([note.onset for note in notes])
    pitches = 100.0 * np.array([note.pitch for note in notes])
    cents = pitches[np.clip(np.searchsorted(onsets, times, side="right") - 1, 0, None)]
    for before, note in itertools.pairwise(notes):
        glide = min(PORTAMENTO, _PORTAMENTO_SHARE * min(before.duration, note.duration))
        start = note.onset - _BEFORE_ONSET * glide
        span = _between(t0, start, start + glide, len(times))
        share = np.clip((times[span] - start) / glide, 0.0, 1.0)
        cents[span] = 100.0 * (before.pitch + (note.pitch - before.pitch) * (0.5 - 0.5 * np.cos(np.pi * share)))
    cents -= _SCOOP_CENTS * np.clip(1.0 - (times - notes[0].onset + _SCOOP / 2) / _SCOOP, 0.0, 1.0) ** 2
    vibrato = np.zeros(len(times))
    vibratos = tuple(note.vibrato or _own_vibrato(note, random) for note in notes)
    for note, own in zip(notes, vibratos, strict=True):
        if own.depth > 0:
            span = _between(t0, note.onset, note.onset + note.duration, len(times))
            inside = times[span] - note.onset - _VIBRATO_DELAY
            growth = np.clip(inside / _VIBRATO_GROWTH, 0.0, 1.0)
            depth = own.depth / _VIBRATO_CENTS * (_VIBRATO_FIRST_DEPTH + growth * (1.0 - _VIBRATO_FIRST_DEPTH))
            depth *= np.clip(inside / _VIBRATO_RISE, 0.0, 1.0)
            depth *= np.clip((note.duration - _VIBRATO_DELAY - inside) / 0.08, 0.0, 1.0)
            rate = own.rate * (_VIBRATO_FIRST_RATE + growth * (1.0 - _VIBRATO_FIRST_RATE))
            vibrato[span] += depth * np.sin(2 * np.pi * PITCH_STEP * np.cumsum(rate * (inside > 0.0)))
    cents += _DRIFT_CENTS * _drift(len(times), random)
    last = notes[-1].onset + notes[-1].duration
    cents -= _FALL_CENTS * np.clip((times - last + _FALL) / _FALL, 0.0, 1.0) ** 2
    for number, note in enumerate(notes):
        if note.pitch_curve is not None:
            begin = times[0] if number == 0 else note.onset
            end = times[-1] + PITCH_STEP if number == len(notes) - 1 else notes[number + 1].onset
            span = slice(*np.searchsorted(times, (begin, end)))
            places = np.linspace(note.onset, note.onset + note.duration, len(note.pitch_curve))
            cents[span] = 100.0 * note.pitch + np.interp(times[span], places, note.pitch_curve)
    return PlannedPitch(times, cents, vibrato, vibratos)


def _own_vibrato(note: SungNote, random: np.random.Generator) -> Vibrato:
    """The singer's: on long notes, at a rate that differs a little from note to note."""
    if note.duration < _VIBRATO_MIN_NOTE:
        return Vibrato(rate=_VIBRATO_HZ, depth=0.0)
    rate = _VIBRATO_HZ * (1.0 + 0.03 * random.standard_normal())
    return Vibrato(rate=round(min(max(rate, 1.0), 12.0), 2), depth=_VIBRATO_CENTS)


def _between(t0: float, start: float, end: float, count: int) -> slice:
    """The points of the curve from `start` to `end` seconds."""
    return slice(max(0, int((start - t0) / PITCH_STEP)), min(count, max(0, int((end - t0) / PITCH_STEP) + 1)))


def _drift(count: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Slow wandering of about unit size: noise at 12 points a second, joined smoothly."""
    spacing = int(1.0 / 12.0 / PITCH_STEP)
    points = random.standard_normal(count // spacing + 3)
    smooth = np.convolve(points, [0.25, 0.5, 0.25], mode="same")
    drift: NDArray[np.float64] = np.interp(np.arange(count) / spacing, np.arange(len(smooth)), smooth)
    return drift
