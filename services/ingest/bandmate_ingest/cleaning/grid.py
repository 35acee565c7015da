"""The beat grid of a file: how clear it is, its constant phase, and the move onto 24 ticks a quarter.

Onsets on a grid of k subdivisions a quarter point the same way on a circle of circumference 1/k: the mean of
exp(2πi k x) has length 1 when they lie exactly on it and its angle is their common phase (circular statistics:
Fisher, Statistical Analysis of Circular Data, 1993). Three cases come out:
- notated: onsets are exact but for a phase; subtract it, round to ticks;
- performed: onsets scatter about the grid; snap each beat to the subdivision that fits it best;
- no grid at the stated tempo: look for a steady pulse at another tempo, else the piece is off the grid.
"""

from dataclasses import dataclass

import numpy as np
from numpy.fft import rfft

from bandmate_ingest.cleaning.columns import Columns, Floats, Ints
from bandmate_ingest.cleaning.rules import GRID, CleaningRules

SUBDIVISIONS = (2, 3, 4, 6, 8)
_EXACT = 0.0125
"""Quarters from a grid position within which an onset is exactly on it: 6 of 480 ticks."""
_NUDGE = 1e-4
"""Onsets half-way between two ticks go up whatever the rounding error of the phase."""
_PULSE, _PULSE_EVIDENCE = 0.45, 40.0
"""Least resultant length R, and n R², of a pulse at another tempo: many tempi are tried, so chance has many."""
_STRAIGHT, _TRIPLET = np.array([0, 6, 12, 18, 24]), np.array([0, 8, 16, 24])
_SEXTUPLET, _FINE = np.array([0, 4, 8, 12, 16, 20, 24]), np.array([0, 3, 6, 9, 12, 15, 18, 21, 24])
_OTHER_BEAT, _SEXTUPLET_BEAT, _FINE_BEAT = 6.0, 9.0, 9.0
"""By how much (squared ticks, summed over its notes) a beat must fit another division better than the piece's own to
be believed: what players scatter by themselves stays below."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Where the grid of a file lies: grid quarter = file quarter / stretch - offset."""

    offset: float
    """Quarters by which every onset comes after the grid."""
    clarity: float
    """Resultant length on the best subdivision, 0..1."""
    on_grid: float
    """Share of onsets within 1/80 quarter of a multiple of a 32nd or of a triplet sixteenth."""
    stretch: float = 1.0
    """File quarters a grid quarter; not 1 where the stated tempo was not the tempo played."""
    is_written: bool = False
    """The file is notation: its beats are stated, and tuplets of any number are rounded to the nearest tick."""


def find_grid(quarters: Floats, rules: CleaningRules) -> Grid | None:
    """The grid of onsets given in the file's quarter notes; None when they follow none steadily."""
    clarity, offset = _clarity_and_phase(quarters)
    stretch = 1.0
    if not _is_clear(clarity, len(quarters), rules):
        pulse = _steady_pulse(quarters)
        if pulse is None:
            return None
        stretch, quarters = pulse, quarters / pulse
        clarity, offset = _clarity_and_phase(quarters)
        if not _is_clear(clarity, len(quarters), rules):
            return None
    if abs(offset) < rules.aligned_quarters:
        offset = 0.0
    return Grid(offset, clarity, _share_on_grid(quarters - offset), stretch)


def written_grid(quarters: Floats) -> Grid:
    """The grid of written music, whose quarters are those of its notation."""
    clarity, _ = _clarity_and_phase(quarters)
    return Grid(0.0, clarity, _share_on_grid(quarters), is_written=True)


def to_grid(notes: Columns, ticks_per_quarter: int, grid: Grid, rules: CleaningRules) -> tuple[Columns, bool]:
    """Notes in grid ticks, none before 0 unless the offset is later than the first onset, and whether snapped."""
    scale = 1.0 / (ticks_per_quarter * grid.stretch)
    onset: Floats = notes.onset.astype(np.float64) * scale - grid.offset
    end: Floats = notes.ends.astype(np.float64) * scale - grid.offset
    performed = not grid.is_written and grid.on_grid < rules.performed_below
    ticks = _snap_by_beat(onset) if performed else _round(onset * GRID)
    duration = _round((end - onset) * GRID) if performed else _round(end * GRID) - ticks
    return notes.at(ticks, np.maximum(duration, 1)), performed


def _clarity_and_phase(quarters: Floats) -> tuple[float, float]:
    """Resultant length on the best subdivision, and the phase in quarters, at the tempo these are counted in."""
    phasors = np.exp(2j * np.pi * quarters)
    square = phasors * phasors
    cube = square * phasors
    fourth = square * square
    powers = {2: square, 3: cube, 4: fourth, 6: cube * cube, 8: fourth * fourth}
    means = {k: complex(powers[k].mean()) for k in SUBDIVISIONS}
    # A coarser subdivision says more about the phase; a finer one must be clearly better to be believed.
    best = max(SUBDIVISIONS, key=lambda k: abs(means[k]) - 0.004 * k)
    offset = float(np.angle(means[best])) / (2 * np.pi * best)
    # A player who anticipates the beat does not shift the grid; exact onsets beside the beat do.
    if abs(offset) > (0.02 if abs(means[best]) > 0.9 else 0.08):
        offset = _likeliest_beat(offset, best, complex(phasors.mean()), means[2])
    return abs(means[best]), _refine(quarters, offset)


def _likeliest_beat(offset: float, subdivision: int, beat: complex, half: complex) -> float:
    """Of the phases that the subdivision cannot tell apart, the one that puts most onsets on beats and half beats.

    The nearest one stays unless another is clearly better: a file whose grid is only slightly shifted keeps its beats.
    """
    candidates = offset + np.arange(subdivision) / subdivision
    candidates = candidates - np.rint(candidates)
    turns = np.exp(-2j * np.pi * candidates)
    strength = (beat * turns).real + 0.5 * (half * turns * turns).real
    nearest, best = int(np.argmin(np.abs(candidates))), int(np.argmax(strength))
    return float(candidates[best if strength[best] > strength[nearest] + 0.15 else nearest])


def _refine(quarters: Floats, offset: float) -> float:
    """Move a phase estimate to the median of what is left, so that ornaments off the grid do not bias it."""
    rest = (quarters - offset) * 12
    rest = (rest - np.rint(rest)) / 12
    near = rest[np.abs(rest) < 0.02]
    return offset + float(np.median(near)) if len(near) * 2 > len(rest) else offset


def _share_on_grid(quarters: Floats) -> float:
    # 32nds and triplet 16ths are the multiples of 3 and of 4 among the 24 ticks of a quarter.
    ticks = quarters * GRID
    rest = np.abs(ticks - 3 * np.rint(ticks / 3))
    np.minimum(rest, np.abs(ticks - 4 * np.rint(ticks / 4)), out=rest)
    return float(np.count_nonzero(rest <= _EXACT * GRID)) / len(rest)


def _is_clear(clarity: float, notes: int, rules: CleaningRules) -> bool:
    by_chance = notes * clarity**2 < rules.min_evidence
    return clarity >= rules.min_clarity or (clarity >= rules.min_clarity_many and not by_chance)


def _steady_pulse(quarters: Floats) -> float | None:
    """File quarters a real quarter, found as the strongest frequency of the onsets; None without a clear one.

    The spectrum of the onset train peaks at the rate of the shortest regular note. That note is taken as a 16th,
    triplet or eighth, whichever leaves the quarter nearest the stated one.
    """
    if len(quarters) < 32:
        return None
    resolution = 48
    start = float(quarters.min())
    length = int((float(quarters.max()) - start) * resolution) + 1
    if length > 1 << 20:
        return None
    train = np.bincount(((quarters - start) * resolution).astype(np.int64), minlength=length)
    size = 1 << int(np.ceil(np.log2(length * 2)))
    spectrum = np.abs(rfft(train, size))
    frequencies = np.arange(len(spectrum)) * resolution / size
    usable = (frequencies > 0.9) & (frequencies < 12.0)
    peak = float(frequencies[usable][np.argmax(spectrum[usable])])
    step = resolution / size
    fine = np.linspace(peak - step, peak + step, 81)
    strengths = np.abs(np.exp(2j * np.pi * np.outer(fine, quarters)).mean(axis=1))
    rate = float(fine[np.argmax(strengths)])
    strength = float(strengths.max())
    if strength < _PULSE or len(quarters) * strength**2 < _PULSE_EVIDENCE:
        return None
    stretches = np.array([k / rate for k in (4, 3, 2, 6)])
    return float(stretches[np.argmin(np.abs(np.log2(stretches)))])


def _snap_by_beat(quarters: Floats) -> Ints:
    """Each onset to the grid position of its beat's best division.

    The piece as a whole is straight or in triplets; a beat departs from that only for a clearly better fit.
    """
    # A note just before a beat counts to that beat.
    beat = np.floor(quarters + 1 / 16).astype(np.int64)
    within = (quarters - beat) * GRID
    index = beat - int(beat.min())
    snapped = [_nearest(within, positions) for positions in (_STRAIGHT, _TRIPLET, _SEXTUPLET, _FINE)]
    errors = [np.bincount(index, weights=(within - ticks) ** 2) for ticks in snapped]
    swung = bool(errors[1].sum() < errors[0].sum())
    penalties = (_OTHER_BEAT if swung else 0.0, 0.0 if swung else _OTHER_BEAT, _SEXTUPLET_BEAT, _FINE_BEAT)
    costs = np.array([error + penalty for error, penalty in zip(errors, penalties, strict=True)])
    chosen = np.argmin(costs, axis=0)[index]
    ticks: Ints = np.array(snapped)[chosen, np.arange(len(quarters))]
    return ticks + beat * GRID


def _nearest(within: Floats, positions: Ints) -> Ints:
    nearest: Ints = positions[np.abs(within[:, None] - positions[None, :]).argmin(axis=1)]
    return nearest


def _round(ticks: Floats) -> Ints:
    return np.floor(ticks + 0.5 + _NUDGE).astype(np.int64)
