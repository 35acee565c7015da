"""Finds the metre of a piece from its notes: a linear classifier of what repeats after how long.

The weights were fitted by `scripts/fit_metre.py` on written songs and on rock with drums. The kind of beat is decided
first, from the sum of its metres' probabilities: whether notes fall into 2/4 or 4/4 is a matter of writing, but 3/4
beside 4/4 is one of hearing.
"""

import json
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bandmate_music.analysis.metre_features import FEATURES, Bools, Floats, Integers, metre_features
from bandmate_music.theory.metre import Metre, parse_metre

MAX_DEVIATIONS = 5.0
"""A feature counts no further from its mean than this."""


class _Weights(NamedTuple):
    mean: Floats
    deviation: Floats
    table: Floats
    metres: tuple[Metre, ...]


def metre_kind(metre: Metre) -> str:
    """How the bar falls into beats, whatever the barlines: 'duple' (2/4, 4/4, 2/2), 'triple' (3/4, 3/2), 'compound'
    (6/8, 9/8), or the number of an odd metre's units ('5')."""
    if metre.denominator >= 8 and metre.numerator % 3 == 0:
        return "compound"
    if metre.numerator % 3 == 0:
        return "triple"
    return "duple" if metre.numerator in (1, 2, 4, 8, 16) else str(metre.numerator)


def find_metre(onset: Integers, duration: Integers, pitch: Integers, is_drum: Bools) -> Metre:
    """The likeliest metre of notes in grid ticks, 24 a quarter note; columns have an entry a note."""
    features = metre_features(onset, duration, pitch, is_drum)
    return likeliest(weigh(features, _WEIGHTS.mean, _WEIGHTS.deviation, _WEIGHTS.table), _WEIGHTS.metres)


def weigh(features: NDArray[Any], mean: Floats, deviation: Floats, table: Floats) -> Floats:
    """The probability of each metre; the last row of the table is the bias."""
    scaled = np.clip((features - mean) / deviation, -MAX_DEVIATIONS, MAX_DEVIATIONS)
    logits = scaled @ table[:-1] + table[-1]
    exponentials: Floats = np.exp(logits - logits.max())
    probabilities: Floats = exponentials / exponentials.sum()
    return probabilities


def likeliest(probabilities: Floats, metres: tuple[Metre, ...]) -> Metre:
    """The likeliest metre of the likeliest kind."""
    kinds = [metre_kind(metre) for metre in metres]
    totals: dict[str, float] = {}
    for kind, probability in zip(kinds, probabilities.tolist(), strict=True):
        totals[kind] = totals.get(kind, 0.0) + probability
    best = max(totals, key=lambda kind: totals[kind])
    return max(zip(metres, probabilities.tolist(), kinds, strict=True), key=lambda entry: (entry[2] == best, entry[1]))[
        0
    ]


def _load_weights() -> _Weights:
    data = json.loads(files(__package__).joinpath("metre_weights.json").read_bytes())
    table = np.array(data["table"])
    assert table.shape == (FEATURES + 1, len(data["metres"]))
    metres = tuple(parse_metre(name) for name in data["metres"])
    return _Weights(np.array(data["mean"]), np.array(data["deviation"]), table, metres)


_WEIGHTS = _load_weights()
"""Loaded with the module: files are cleaned in processes that can open none."""
