"""Whether a file was played, and where in a beat its off-beats lie: in the middle, or later where it swings."""

import numpy as np
from bandmate_music.score import Score
from bandmate_shared.contracts.composition import GRID_TICKS_PER_QUARTER as QUARTER
from numpy.typing import NDArray

EARLY = 3
"""Grid ticks before a quarter in which a note begins that is meant on it."""
STRAIGHT = QUARTER / 2
"""The off-beat of a piece that does not swing, in grid ticks from its quarter."""
_PLAYED_SHARE = 0.2
"""More than this share of the onsets off the models' grid: the piece was played."""
_LATE_OFF_BEATS = 13.0, 17.5
"""Grid ticks between which the off-beats of swing lie."""
_MIN_OFF_BEATS = 8


def is_played(score: Score) -> bool:
    """Whether many notes begin beside the grid of 24 ticks a quarter."""
    units = _onsets(score)
    return len(units) > 0 and float(np.mean(np.abs(units - np.round(units)) > 1e-9)) > _PLAYED_SHARE


def off_beat_of(score: Score) -> float:
    """Where in a quarter a played piece has its second eighth, in grid ticks; the middle for any other."""
    if not is_played(score):
        return STRAIGHT
    places = (_onsets(score) + EARLY) % QUARTER - EARLY
    between = places[(places > 10) & (places < 19)]
    triplet_firsts = np.count_nonzero((places > 7) & (places <= 10))
    if len(between) < _MIN_OFF_BEATS or triplet_firsts > len(between) / 4:
        return STRAIGHT
    middle = round(float(np.median(between)), 2)
    return middle if _LATE_OFF_BEATS[0] <= middle <= _LATE_OFF_BEATS[1] else STRAIGHT


def straightened(place: float, off_beat: float) -> float:
    """A place in grid ticks as it would be without swing: the second eighth in the middle of its quarter."""
    if off_beat == STRAIGHT:
        return place
    quarter = place // QUARTER * QUARTER
    within = place - quarter
    if within <= off_beat:
        return quarter + within * STRAIGHT / off_beat
    return quarter + STRAIGHT + (within - off_beat) * STRAIGHT / (QUARTER - off_beat)


def swung(place: float, off_beat: float) -> float:
    """The place that `straightened` takes to this one."""
    if off_beat == STRAIGHT:
        return place
    quarter = place // QUARTER * QUARTER
    within = place - quarter
    if within <= STRAIGHT:
        return quarter + within * off_beat / STRAIGHT
    return quarter + off_beat + (within - STRAIGHT) * (QUARTER - off_beat) / STRAIGHT


def _onsets(score: Score) -> NDArray[np.float64]:
    """All onsets in grid ticks."""
    onsets = np.concatenate([part.notes.onset for part in score.parts] or [np.zeros(0, np.int32)])
    return onsets.astype(np.float64) * QUARTER / score.ticks_per_quarter
