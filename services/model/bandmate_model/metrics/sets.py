"""Two sets of excerpts beside each other: mgeval's overlaps, muspy's means and ranges, and faults."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bandmate_model.metrics import mgeval, muspy
from bandmate_model.metrics.distances import Likeness, likeness
from bandmate_model.metrics.excerpt import Excerpt
from bandmate_model.metrics.faults import is_empty, repeats_forever

_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Range:
    """A set's mean of one metric beside the reference's mean and its 5th and 95th percentile."""

    mean: float
    reference: float
    low: float
    high: float

    @property
    def inside(self) -> bool:
        return self.low - _TOLERANCE <= self.mean <= self.high + _TOLERANCE


@dataclass(frozen=True, slots=True)
class SetComparison:
    """A set against a reference. `ranges` leaves out metrics that mean nothing for the reference (drums of a choir)."""

    likeness: dict[str, Likeness]
    ranges: dict[str, Range]
    empty: int
    repeated: int
    pieces: int

    @property
    def overlap(self) -> float:
        """Mean overlapping area over the nine features."""
        return float(np.mean([each.overlap for each in self.likeness.values()]))

    @property
    def outside(self) -> list[str]:
        return [name for name, each in self.ranges.items() if not each.inside]


def compare_sets(pieces: Sequence[Excerpt], reference: Sequence[Excerpt]) -> SetComparison:
    """Compare; both sets need two pieces at least.

    Raises:
        ValueError: a set is too small to have distances.
    """
    if min(len(pieces), len(reference)) < 2:
        raise ValueError("a set of music needs two pieces at least to be compared with another")
    drums_alone = all(piece.is_drum.all() for piece in reference)
    one, other = (mgeval.describe_set(list(each), drums_as_pitches=drums_alone) for each in (reference, pieces))
    return SetComparison(
        likeness={name: likeness(one[name], other[name]) for name in mgeval.FEATURES},
        ranges=_ranges(pieces, reference),
        empty=sum(is_empty(piece) for piece in pieces),
        repeated=sum(repeats_forever(piece) for piece in pieces),
        pieces=len(pieces),
    )


def _ranges(pieces: Sequence[Excerpt], reference: Sequence[Excerpt]) -> dict[str, Range]:
    mine, theirs = [muspy.describe(piece) for piece in pieces], [muspy.describe(piece) for piece in reference]
    found = {}
    for name in muspy.NAMES:
        known = np.array([values[name] for values in theirs])
        made = np.array([values[name] for values in mine])
        known, made = known[~np.isnan(known)], made[~np.isnan(made)]
        if len(known) and len(made):
            low, high = np.percentile(known, [5, 95]).tolist()
            found[name] = Range(float(made.mean()), float(known.mean()), low, high)
    return found
