"""Describes a piece by what repeats after how long: the evidence from which its metre is found.

Trains of accents on a grid of eighths (beginnings, long notes, bass, changes of harmony, drums) are correlated with
themselves at every lag that is a beat or a bar of some metre (Brown, Determination of the meter of musical scores by
autocorrelation, JASA 1993), and folded at these lengths: a bar shows as a period with one strong place. Beside them:
how often the same notes come again after a lag, and where notes begin within a beat.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.integer[Any]]
Bools = NDArray[np.bool_]

GRID = 24
"""Grid ticks a quarter note."""
EIGHTH = GRID // 2
LAGS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 18, 24, 32, 36)
"""In eighths."""
PERIODS = (2, 3, 4, 5, 6, 7, 8, 9, 12, 16, 18, 24)
"""Lengths of beats and bars in eighths."""
_TRAINS = 6
_LOW_PITCH = 48
_MAX_EIGHTHS = 40_000
_KICKS, _SNARES, _CRASHES = (35, 36), (37, 38, 39, 40), (49, 55, 57)
FEATURES = _TRAINS * (len(LAGS) + 2 * len(PERIODS)) + len(LAGS) + 12


def metre_features(onset: Integers, duration: Integers, pitch: Integers, is_drum: Bools) -> Floats:
    """The features of a piece, FEATURES of them; columns have an entry a note, times in grid ticks from 0 on."""
    place = np.maximum(np.rint(onset / EIGHTH), 0).astype(np.int64)
    kept = place < _MAX_EIGHTHS
    onset, duration, pitch, is_drum, place = onset[kept], duration[kept], pitch[kept], is_drum[kept], place[kept]
    length = int(place.max()) + 1 if len(place) else 1
    pitched = ~is_drum
    trains = [
        _train(place[pitched], np.ones(int(pitched.sum())), length),
        _train(place[pitched], np.minimum(duration[pitched] / GRID, 4.0) ** 2, length),
        _bass(place[pitched], duration[pitched], pitch[pitched], length),
        _harmony(place[pitched], duration[pitched], pitch[pitched], length),
        _train(place[np.isin(pitch, (*_KICKS, *_CRASHES)) & is_drum], None, length),
        _train(place[np.isin(pitch, _SNARES) & is_drum], None, length),
    ]
    columns = [np.concatenate([_repetition(train), *_folded(train)]) for train in trains]
    return np.concatenate(
        [*columns, _recurrence(place[pitched], pitch[pitched], length), _texture(onset, duration, is_drum)]
    )


def _train(place: Integers, weights: Floats | None, length: int) -> Floats:
    result: Floats = np.bincount(place, weights=weights, minlength=length).astype(np.float64)
    return np.sqrt(result)


def _bass(place: Integers, duration: Integers, pitch: Integers, length: int) -> Floats:
    """Beginnings of the lowest notes, by how long they are and how low they lie."""
    if not len(pitch):
        return np.zeros(length)
    lowest = np.full(length, 128)
    np.minimum.at(lowest, place, pitch)
    limit = np.percentile(lowest[lowest < 128], 40)
    is_low = (pitch == lowest[place]) & (pitch <= max(limit, _LOW_PITCH))
    return _train(place[is_low], np.minimum(duration[is_low] / GRID, 4.0), length)


def _harmony(place: Integers, duration: Integers, pitch: Integers, length: int) -> Floats:
    """How much the pitch classes that sound change at each eighth."""
    chroma = np.zeros((length + 1, 12))
    ends = np.minimum(place + np.maximum(np.rint(duration / EIGHTH), 1).astype(np.int64), length)
    ends = np.minimum(ends, place + 16)
    np.add.at(chroma, (place, pitch % 12), 1.0)
    np.add.at(chroma, (ends, pitch % 12), -1.0)
    chroma = np.minimum(np.cumsum(chroma[:-1], axis=0), 3.0)
    window = np.ones(4)
    smooth = np.apply_along_axis(lambda column: np.convolve(column, window), 0, chroma)
    after, before = smooth[3 : 3 + length], np.vstack([np.zeros((1, 12)), smooth[: length - 1]])
    norms = np.linalg.norm(after, axis=1) * np.linalg.norm(before, axis=1)
    alike = np.divide((after * before).sum(axis=1), norms, out=np.ones(length), where=norms > 0)
    begins = np.bincount(place, minlength=length) > 0
    change: Floats = (1.0 - alike) * begins
    return change


def _repetition(train: Floats) -> Floats:
    """The autocorrelation coefficient at each of LAGS."""
    centred = train - train.mean()
    energy = float(centred @ centred)
    if energy <= 0:
        return np.zeros(len(LAGS))
    return np.array([float(centred[lag:] @ centred[:-lag]) / energy if lag < len(centred) else 0.0 for lag in LAGS])


def _folded(train: Floats) -> tuple[Floats, Floats]:
    """For each of PERIODS how much its strongest place, and its first one, stand out from the mean, in deviations."""
    strongest, first = np.zeros(len(PERIODS)), np.zeros(len(PERIODS))
    deviation = float(train.std())
    if deviation <= 0:
        return strongest, first
    for number, period in enumerate(PERIODS):
        count = len(train) // period
        if count < 2:
            continue
        places = train[: count * period].reshape(count, period).mean(axis=0)
        strongest[number] = (places.max() - places.mean()) / deviation
        first[number] = (places[0] - places.mean()) / deviation
    return strongest, first


def _recurrence(place: Integers, pitch: Integers, length: int) -> Floats:
    """Of the notes how many come again, at the same pitch, after each of LAGS."""
    if not len(place):
        return np.zeros(len(LAGS))
    notes = np.unique(place * 128 + pitch)
    return np.array(
        [float(np.isin(notes + lag * 128, notes, assume_unique=True).mean()) if lag < length else 0.0 for lag in LAGS]
    )


def _texture(onset: Integers, duration: Integers, is_drum: Bools) -> Floats:
    """Where notes begin within a quarter and a dotted quarter, how long they are, and whether there are drums."""
    within = np.bincount((onset % GRID) // 4, minlength=6)[:6] / max(len(onset), 1)
    dotted = np.bincount((onset % (3 * EIGHTH)) // EIGHTH, minlength=3)[:3] / max(len(onset), 1)
    lengths = np.log2(np.maximum(duration, 1) / GRID)
    return np.concatenate([within, dotted, [float(np.median(lengths)), float(lengths.mean()), float(is_drum.mean())]])
