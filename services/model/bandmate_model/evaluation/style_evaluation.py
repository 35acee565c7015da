"""Compose pieces in one style, and compare them with held-out pieces of that style."""

from dataclasses import dataclass

import numpy as np
from bandmate_shared.contracts.composition import ComposedTake, CompositionRequest

from bandmate_model.cells.training_set import TrainingSet
from bandmate_model.checks.validity import violations
from bandmate_model.evaluation.compose_all import compose_all, excerpt_of
from bandmate_model.evaluation.metrics.sets import SetComparison, compare_sets
from bandmate_model.evaluation.passages import Passage, draw, piece_of
from bandmate_model.serving.loaded import LoadedModel

BARS = (8, 4, 2)
"""Length of composed and of reference passages: the first that the style's pieces are long enough for."""
_REFERENCE_PASSAGES = 128
"""Per style; more make the overlaps smoother, not more accurate."""
_SEED = 20_240


@dataclass(frozen=True, slots=True)
class StyleEvaluation:
    """What was composed in one style, and how it compares; without a comparison if there is too little music."""

    style: str
    requests: list[CompositionRequest]
    takes: list[ComposedTake]
    composed: SetComparison | None
    training: SetComparison | None
    valid_share: float

    def numbers(self) -> dict[str, float]:
        """Numbers for metrics.json, without the style in their names."""
        matches = [match for take in self.takes for match in take.originality.matches]
        numbers = {
            "seen_share": float(np.mean([take.originality.seen_share for take in self.takes])),
            "longest_match_notes": float(max(take.originality.longest_match_notes for take in self.takes)),
            "copied_passages": float(len(matches)),
        }
        if self.composed is not None and self.training is not None:
            numbers |= {
                "overlap": self.composed.overlap,
                "overlap_of_training": self.training.overlap,
                "overlap_share": self.composed.overlap / max(1e-9, self.training.overlap),
                "metrics_outside": float(len(self.composed.outside)),
            }
        return numbers


def evaluate_style(model: LoadedModel, training: TrainingSet, style: str, takes: int) -> StyleEvaluation:
    """Compose `takes` pieces on the frames of training pieces, and compare both with held-out pieces."""
    for bars in BARS:
        held_out = _passages(training, style, "valid", max(takes, _REFERENCE_PASSAGES), bars)
        real = _passages(training, style, "train", max(takes, _REFERENCE_PASSAGES), bars)
        if held_out and real:
            break
    requests = [passage.request(_SEED + number) for number, passage in enumerate(real[:takes])]
    composed_takes = compose_all(model, requests)
    faults = [bool(violations(request, take.notes)) for request, take in zip(requests, composed_takes, strict=True)]
    reference = [passage.excerpt() for passage in held_out]
    composed = [excerpt_of(request, take) for request, take in zip(requests, composed_takes, strict=True)]
    enough = min(len(reference), len(composed), len(real)) >= 2
    return StyleEvaluation(
        style,
        requests,
        composed_takes,
        compare_sets(composed, reference) if enough else None,
        compare_sets([passage.excerpt() for passage in real], reference) if enough else None,
        1 - float(np.mean(faults)) if faults else 1.0,
    )


def _passages(training: TrainingSet, style: str, split: str, count: int, bars: int) -> list[Passage]:
    pieces = [piece_of(training[index]) for index in training.split(split) if training.pieces[index].style == style]
    return draw(pieces, count, bars, _SEED)
