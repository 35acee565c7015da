"""Time-domain pitch-synchronous overlap-add (TD-PSOLA): retime and retune spoken recordings into a sung phrase.

After Moulines & Charpentier (1990). Output marks follow the wanted fundamental; at each a grain is laid whose centre is
the source's pitch mark nearest to where the time map points (in unvoiced sound: exactly there). Windows reach from the
mark before to the mark after, so they add up to one everywhere, and grains are read between samples, so marks need no
rounding. As every note is spoken at about its own pitch beforehand, grains are moved by little and keep their timbre.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from bandmate_music.audio import SAMPLE_RATE
from numpy.typing import NDArray
from scipy.signal import resample_poly

from bandmate_vocal.alignment.timing import Phrase
from bandmate_vocal.speech.base import PITCH_STEP
from bandmate_vocal.synthesis.epochs import Recording

_OVERSAMPLING = 4
_BLOCK = 2048
"""Grains laid at once: bounds the memory, whatever the phrase's length."""
_WANDER = 0.012
"""Seconds by which the reading point wanders inside a held vowel, so that no period repeats itself endlessly."""


@dataclass(frozen=True, slots=True)
class _Grains:
    """One row per grain: where it lands and how far it reaches (seconds), its take and its centre there."""

    pulses: NDArray[np.float64]
    left: NDArray[np.float64]
    right: NDArray[np.float64]
    take: NDArray[np.int64]
    centre: NDArray[np.float64]


def render(
    phrase: Phrase,
    takes: Mapping[int, Recording],
    curve: NDArray[np.float64],
    random: np.random.Generator,
) -> NDArray[np.float64]:
    """The phrase's samples at SAMPLE_RATE, from `phrase.t0` to `phrase.t1`, of about the source's loudness.

    `curve` is the fundamental in Hz every PITCH_STEP seconds from `phrase.t0` on.
    """
    grains = _grains(phrase, takes, curve, random)
    length = int(np.ceil((phrase.t1 - phrase.t0) * SAMPLE_RATE))
    margin = int(np.ceil(max(grains.left.max(), grains.right.max()) * SAMPLE_RATE)) + 1
    output = np.zeros(length + 2 * margin)
    for take in np.unique(grains.take):
        rows = np.flatnonzero(grains.take == take)
        for start in range(0, len(rows), _BLOCK):
            _overlap_add(output, margin, grains, rows[start : start + _BLOCK], takes[int(take)])
    return output[margin : margin + length]


def _grains(
    phrase: Phrase, takes: Mapping[int, Recording], curve: NDArray[np.float64], random: np.random.Generator
) -> _Grains:
    turns = np.concatenate([[0.0], np.cumsum(curve[:-1]) * PITCH_STEP])
    grid = PITCH_STEP * np.arange(len(curve))
    pulses = np.interp(np.arange(0.0, turns[-1]), turns, grid)
    pulses = pulses[pulses <= phrase.t1 - phrase.t0]
    gaps = np.diff(pulses, prepend=pulses[0] - 1.0 / curve[0], append=pulses[-1] + 1.0 / curve[-1])
    starts = np.array([segment.t0 - phrase.t0 for segment in phrase.segments])
    segment_indices = np.clip(np.searchsorted(starts, pulses + 1e-12, side="right") - 1, 0, None)
    table = np.array([(s.t0 - phrase.t0, s.t1 - s.t0, s.s0, s.s1, s.take, s.held) for s in phrase.segments])
    t0, length, s0, s1, take, held = table[segment_indices].T
    share = (pulses - t0) / length
    centre = s0 + share * (s1 - s0)
    wander = np.convolve(random.standard_normal(len(pulses) + 8), np.ones(9) / 3.0, mode="valid")
    centre += held * _WANDER * wander * np.sin(np.pi * np.clip(share, 0.0, 1.0)) * 0.5
    left, right = gaps[:-1].copy(), gaps[1:].copy()
    for number in np.unique(take).astype(np.int64):
        recording = takes[int(number)]
        rows = np.flatnonzero(take == number)
        samples = np.clip((centre[rows] * recording.sample_rate).astype(np.int64), 0, len(recording.pcm) - 1)
        voiced = rows[recording.voiced[samples]] if len(recording.marks) else rows[:0]
        centre[voiced] = _nearest(recording.marks, centre[voiced])
        longest = 1.2 / recording.pitch[samples[recording.voiced[samples]]] if len(voiced) else 0.0
        # A longer grain would sound the source's next pulse as well.
        left[voiced] = np.minimum(left[voiced], longest)
        right[voiced] = np.minimum(right[voiced], longest)
    return _Grains(pulses, left, right, take.astype(np.int64), centre)


def _nearest(marks: NDArray[np.float64], times: NDArray[np.float64]) -> NDArray[np.float64]:
    after = np.clip(np.searchsorted(marks, times), 1, len(marks) - 1) if len(marks) > 1 else np.zeros(len(times), int)
    before = np.maximum(after - 1, 0)
    nearest: NDArray[np.float64] = np.where(times - marks[before] < marks[after] - times, marks[before], marks[after])
    return nearest


def _overlap_add(
    output: NDArray[np.float64], margin: int, grains: _Grains, rows: NDArray[np.int64], recording: Recording
) -> None:
    """Add the grains of one take: all read at once from the oversampled source, then summed by output sample."""
    fine_rate = recording.sample_rate * _OVERSAMPLING
    reach = max(grains.left[rows].max(), grains.right[rows].max())
    first = max(0, int((grains.centre[rows].min() - reach) * recording.sample_rate) - 32)
    last = min(len(recording.pcm), int((grains.centre[rows].max() + reach) * recording.sample_rate) + 33)
    fine = resample_poly(recording.pcm[first:last].astype(np.float64), _OVERSAMPLING, 1)
    half = int(np.ceil(reach * SAMPLE_RATE)) + 1
    landing = grains.pulses[rows] * SAMPLE_RATE
    landing_frame = np.floor(landing).astype(np.int64)
    offsets = np.arange(-half, half + 1)
    away = (offsets[None, :] - (landing - landing_frame)[:, None]) / SAMPLE_RATE  # seconds from each grain's centre
    side = np.where(away < 0, grains.left[rows][:, None], grains.right[rows][:, None])
    window = np.where(np.abs(away) < side, 0.5 + 0.5 * np.cos(np.pi * away / side), 0.0)
    read_positions = (grains.centre[rows][:, None] + away) * fine_rate - first * _OVERSAMPLING
    index = np.floor(read_positions).astype(np.int64)
    fraction = read_positions - index
    inside = (index >= 0) & (index < len(fine) - 1)
    index = np.clip(index, 0, len(fine) - 2)
    samples = (fine[index] * (1.0 - fraction) + fine[index + 1] * fraction) * window * inside
    target = landing_frame[:, None] + offsets[None, :] + margin
    in_range = (target >= 0) & (target < len(output))
    begin, end = int(target[in_range].min()), int(target[in_range].max()) + 1
    output[begin:end] += np.bincount(target[in_range] - begin, weights=samples[in_range], minlength=end - begin)
