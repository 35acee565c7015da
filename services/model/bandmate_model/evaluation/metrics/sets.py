"""Compare two sets of excerpts: mgeval's overlaps, muspy's means and ranges, empty and repeating pieces."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bandmate_model.data.excerpt import Excerpt
from bandmate_model.evaluation.metrics import mgeval, muspy
from bandmate_model.evaluation.metrics.distances import Likeness, likeness
from bandmate_model.evaluation.metrics.faults import is_empty, repeats_forever

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
    """A set against a reference. `ranges` leaves out metrics that are undefined for the reference (drums of a
    choir)."""

    likeness: dict[str, Likeness]
    ranges: dict[str, Range]
    empty: int
    repeated: int
    pieces: int

    @property
    def overlap(self) -> float:
        """Mean overlapping area over the nine features."""
        return float(np.mean([feature.overlap for feature in self.likeness.values()]))

    @property
    def outside(self) -> list[str]:
        return [name for name, metric in self.ranges.items() if not metric.inside]


def compare_sets(pieces: Sequence[Excerpt], reference: Sequence[Excerpt]) -> SetComparison:
    """Compare; both sets need two pieces at least.

    Raises:
        ValueError: a set is too small to have distances.
    """
    if min(len(pieces), len(reference)) < 2:
        raise ValueError("a set of music needs two pieces at least to be compared with another")
    drums_alone = all(piece.is_drum.all() for piece in reference)
    reference_features = mgeval.describe_set(list(reference), drums_as_pitches=drums_alone)
    piece_features = mgeval.describe_set(list(pieces), drums_as_pitches=drums_alone)
    return SetComparison(
        likeness={name: likeness(reference_features[name], piece_features[name]) for name in mgeval.FEATURES},
        ranges=_ranges(pieces, reference),
        empty=sum(is_empty(piece) for piece in pieces),
        repeated=sum(repeats_forever(piece) for piece in pieces),
        pieces=len(pieces),
    )


def _ranges(pieces: Sequence[Excerpt], reference: Sequence[Excerpt]) -> dict[str, Range]:
    piece_features, reference_features = (
        [muspy.describe(piece) for piece in pieces],
        [muspy.describe(piece) for piece in reference],
    )
    ranges = {}
    for name in muspy.NAMES:
        reference_values = np.array([values[name] for values in reference_features])
        piece_values = np.array([values[name] for values in piece_features])
        reference_values, piece_values = (
            reference_values[~np.isnan(reference_values)],
            piece_values[~np.isnan(piece_values)],
        )
        if len(reference_values) and len(piece_values):
            low, high = np.percentile(reference_values, [5, 95]).tolist()
            ranges[name] = Range(float(piece_values.mean()), float(reference_values.mean()), low, high)
    return ranges
