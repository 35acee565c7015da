"""Time-domain pitch-synchronous overlap-add: the spoken source becomes a phrase of given timing and pitch.

After Moulines & Charpentier (1990). Output marks follow the wanted fundamental; at each a grain is laid whose centre is
the source's pitch mark nearest to where the time map points (in unvoiced sound: exactly there). Windows reach from the
mark before to the mark after, so they add up to one everywhere, and grains are read between samples, so marks need no
rounding. As every note is spoken at about its own pitch beforehand, grains are moved by little and keep their timbre.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from bandmate_shared.audio import SAMPLE_RATE
from numpy.typing import NDArray

from bandmate_vocal.epochs import Recording
from bandmate_vocal.pitch_curve import STEP
from bandmate_vocal.timing import Phrase

_OVERSAMPLING = 4
_BLOCK = 2048
"""Grains laid at once: bounds the memory, whatever the phrase's length."""
_WANDER = 0.012
"""Seconds by which the reading point wanders inside a held vowel, so that no period repeats itself endlessly."""


@dataclass(frozen=True, slots=True)
class _Grains:
    """One row a grain: where it lands and how far it reaches (seconds), its take and its centre there."""

    at: NDArray[np.float64]
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

    `curve` is the fundamental in Hz every STEP seconds from `phrase.t0` on.
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
    turns = np.concatenate([[0.0], np.cumsum(curve[:-1]) * STEP])
    grid = STEP * np.arange(len(curve))
    at = np.interp(np.arange(0.0, turns[-1]), turns, grid)
    at = at[at <= phrase.t1 - phrase.t0]
    gaps = np.diff(at, prepend=at[0] - 1.0 / curve[0], append=at[-1] + 1.0 / curve[-1])
    starts = np.array([stretch.t0 - phrase.t0 for stretch in phrase.stretches])
    which = np.clip(np.searchsorted(starts, at + 1e-12, side="right") - 1, 0, None)
    table = np.array([(s.t0 - phrase.t0, s.t1 - s.t0, s.s0, s.s1, s.take, s.held) for s in phrase.stretches])
    t0, length, s0, s1, take, held = table[which].T
    share = (at - t0) / length
    centre = s0 + share * (s1 - s0)
    wander = np.convolve(random.standard_normal(len(at) + 8), np.ones(9) / 3.0, mode="valid")
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
    return _Grains(at, left, right, take.astype(np.int64), centre)


def _nearest(marks: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    after = np.clip(np.searchsorted(marks, wanted), 1, len(marks) - 1) if len(marks) > 1 else np.zeros(len(wanted), int)
    before = np.maximum(after - 1, 0)
    nearest: NDArray[np.float64] = np.where(wanted - marks[before] < marks[after] - wanted, marks[before], marks[after])
    return nearest


def _overlap_add(
    output: NDArray[np.float64], margin: int, grains: _Grains, rows: NDArray[np.int64], recording: Recording
) -> None:
    """Add the grains of one take: all read at once from the oversampled source, then summed by output sample."""
    from scipy.signal import resample_poly

    fine_rate = recording.sample_rate * _OVERSAMPLING
    reach = max(grains.left[rows].max(), grains.right[rows].max())
    first = max(0, int((grains.centre[rows].min() - reach) * recording.sample_rate) - 32)
    last = min(len(recording.pcm), int((grains.centre[rows].max() + reach) * recording.sample_rate) + 33)
    fine = resample_poly(recording.pcm[first:last].astype(np.float64), _OVERSAMPLING, 1)
    half = int(np.ceil(reach * SAMPLE_RATE)) + 1
    landing = grains.at[rows] * SAMPLE_RATE
    whole = np.floor(landing).astype(np.int64)
    offsets = np.arange(-half, half + 1)
    away = (offsets[None, :] - (landing - whole)[:, None]) / SAMPLE_RATE  # seconds from each grain's centre
    side = np.where(away < 0, grains.left[rows][:, None], grains.right[rows][:, None])
    window = np.where(np.abs(away) < side, 0.5 + 0.5 * np.cos(np.pi * away / side), 0.0)
    place = (grains.centre[rows][:, None] + away) * fine_rate - first * _OVERSAMPLING
    index = np.floor(place).astype(np.int64)
    fraction = place - index
    inside = (index >= 0) & (index < len(fine) - 1)
    index = np.clip(index, 0, len(fine) - 2)
    samples = (fine[index] * (1.0 - fraction) + fine[index + 1] * fraction) * window * inside
    target = whole[:, None] + offsets[None, :] + margin
    kept = (target >= 0) & (target < len(output))
    begin, end = int(target[kept].min()), int(target[kept].max()) + 1
    output[begin:end] += np.bincount(target[kept] - begin, weights=samples[kept], minlength=end - begin)
