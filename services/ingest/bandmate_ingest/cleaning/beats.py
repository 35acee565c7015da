"""Follows the beat of a recording that was played off any grid, with its own tempo at every moment.

Dynamic programming over the onsets (Ellis, Beat tracking by dynamic programming, JNMR 2007): a beat should come where
notes begin, and a period after the one before, where the period is that at which the onsets repeat in the few seconds
around. Seconds become quarter notes by counting beats.
"""

from dataclasses import dataclass

import numpy as np

from bandmate_ingest.cleaning.columns import Columns, Floats
from bandmate_ingest.cleaning.grid import Grid, find_grid
from bandmate_ingest.cleaning.rules import CleaningRules

TICKS = 480
"""Ticks a quarter note of the notes that come out."""
_FRAME = 0.01
_MAX_SECONDS = 3600.0
_SHORTEST, _LONGEST = 0.28, 1.2
"""Seconds of a beat: 214 to 50 a minute."""
_USUAL, _WIDTH = 0.55, 0.7
"""The likeliest beat in seconds, and the deviation in octaves of how likely others are."""
_WINDOW, _HOP = 12.0, 3.0
"""Seconds in which the tempo is one."""
_STEADINESS = 300.0
_LOW_PITCH = 52
_MIN_NOTES = 48
_MIN_RESULTANT, _MIN_RESULTANT_OF_FEW = 0.42, 2.2
"""Least resultant length on the best subdivision, and what is added to it over the root of the number of notes. A beat
can be fitted to notes at random too, but these stay below: 0.51 for 150 of them, 0.41 for 400."""


@dataclass(frozen=True, slots=True)
class BeatTrack:
    """The notes of a piece in TICKS a quarter note of its own beat, its grid, and its median tempo."""

    notes: Columns
    grid: Grid
    tempo: float


def track_beats(notes: Columns, onset: Floats, end: Floats, rules: CleaningRules) -> BeatTrack | None:
    """The piece on its own beat; None where it has none that can be followed. `onset` and `end` are in seconds."""
    if len(notes) < _MIN_NOTES or float(end.max()) > _MAX_SECONDS:
        return None
    start = float(onset.min())
    strength = _strength(notes, onset - start)
    periods = _periods(strength)
    beats = _beats(strength, periods)
    if len(beats) < 8:
        return None
    times = beats * _FRAME + start
    # Before the first beat and after the last one the nearest tempo goes on.
    first, last = times[1] - times[0], times[-1] - times[-2]
    before = np.arange(int(np.ceil((times[0] - start) / first)) + 1, 0, -1)
    after = np.arange(1, int(np.ceil(max(float(end.max()) - times[-1], 0.0) / last)) + 2)
    times = np.concatenate([times[0] - before * first, times, times[-1] + after * last])
    count = np.arange(len(times), dtype=np.float64)
    quarters, stops = np.interp(onset, times, count), np.interp(end, times, count)
    grid = find_grid(quarters, rules)
    least = _MIN_RESULTANT + _MIN_RESULTANT_OF_FEW / float(np.sqrt(len(notes)))
    if grid is None or grid.stretch != 1.0 or grid.clarity < least:
        return None
    ticks = np.rint(quarters * TICKS).astype(np.int64)
    length = np.maximum(np.rint(stops * TICKS).astype(np.int64) - ticks, 1)
    return BeatTrack(notes.at(ticks, length), grid, 60.0 / float(np.median(np.diff(times))))


def _strength(notes: Columns, onset: Floats) -> Floats:
    """How strongly notes begin at each frame, smoothed over some hundredths of a second."""
    weights = np.sqrt(notes.velocity / 64.0) * np.where(notes.pitch < _LOW_PITCH, 1.6, 1.0)
    train = np.bincount(np.rint(onset / _FRAME).astype(np.int64), weights=weights)
    train = np.sqrt(np.concatenate([train, np.zeros(int(_LONGEST / _FRAME))]))
    kernel = np.exp(-0.5 * (np.arange(-6, 7) / 2.0) ** 2)
    smooth: Floats = np.convolve(train, kernel, "same")
    return smooth / max(float(smooth.std()), 1e-9)


def _periods(strength: Floats) -> Floats:
    """The frames of a beat at each frame: the strongest path through the autocorrelations of windows."""
    lags = np.arange(int(_SHORTEST / _FRAME), int(_LONGEST / _FRAME) + 1)
    prior = np.exp(-0.5 * (np.log2(lags * _FRAME / _USUAL) / _WIDTH) ** 2)
    size, hop = int(_WINDOW / _FRAME), int(_HOP / _FRAME)
    starts = np.arange(0, max(1, len(strength) - size // 2), hop)
    rows = []
    for start in starts:
        window = strength[start : start + size]
        window = window - window.mean()
        padded = np.fft.rfft(window, 2 * len(window) + 2 * int(lags[-1]))
        correlation = np.fft.irfft(np.abs(padded) ** 2)[: 2 * int(lags[-1]) + 1]
        double = np.interp(2 * lags, np.arange(len(correlation)), correlation)
        rows.append((correlation[lags] + 0.5 * double) / max(float(correlation[0]), 1e-9) * prior)
    scores = np.array(rows)
    # From window to window the tempo changes little: Viterbi over the lags.
    change = -8.0 * np.log2(lags[:, None] / lags[None, :]) ** 2
    best, origin = scores[0], np.zeros(scores.shape, dtype=np.int64)
    for number in range(1, len(scores)):
        ways = best[None, :] + change
        origin[number] = ways.argmax(axis=1)
        best = ways.max(axis=1) + scores[number]
    path = np.empty(len(scores), dtype=np.int64)
    path[-1] = int(best.argmax())
    for number in range(len(scores) - 1, 0, -1):
        path[number - 1] = origin[number, path[number]]
    centres = np.minimum(starts + size // 2, len(strength) - 1)
    periods: Floats = np.interp(np.arange(len(strength)), centres, lags[path].astype(np.float64))
    return periods


def _beats(strength: Floats, periods: Floats) -> Floats:
    """The frames of the beats: the path of most strength whose steps are near the period."""
    score = strength.copy()
    origin = np.full(len(strength), -1, dtype=np.int64)
    for frame in range(len(strength)):
        period = periods[frame]
        low, high = frame - int(1.6 * period), frame - int(0.6 * period)
        if high < 0:
            continue
        low = max(low, 0)
        steps = np.arange(frame - low, frame - high - 1, -1, dtype=np.float64)
        ways = score[low : high + 1] - _STEADINESS * np.log10(steps / period) ** 2
        chosen = int(ways.argmax())
        score[frame] += ways[chosen]
        origin[frame] = low + chosen
    tail = int(periods[-1])
    frame = len(score) - tail + int(score[-tail:].argmax())
    beats = []
    while frame >= 0:
        beats.append(frame)
        frame = int(origin[frame])
    return np.array(beats[::-1], dtype=np.float64)
