"""Measures of composed pieces against held-out pieces of their style, after training.

The held-out loss says how well the model foretells music; what it writes by itself is judged here, by the measures of
`metrics/`: mgeval's overlapping areas beside those of the training pieces, muspy's means beside the range of real
music, faults, and passages copied. The numbers go to metrics.json and evaluation.json, and to evaluation.html to be
heard.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from bandmate_shared.contracts.composition import ComposedTake, CompositionRequest

from bandmate_model.audition import compose_all, excerpt_of
from bandmate_model.cells.training_set import TrainingSet
from bandmate_model.loaded import LoadedModel
from bandmate_model.metrics.faults import is_empty, repeats_forever
from bandmate_model.metrics.sets import SetComparison, compare_sets
from bandmate_model.passages import Passage, draw, piece_of
from bandmate_model.validity import violations

BARS = (8, 4, 2)
"""Length of what is composed and of what it is compared with: the first that the style's pieces are long enough for."""
JSON_NAME, PAGE_NAME = "evaluation.json", "evaluation.html"
_REFERENCE = 128
"""Passages of real music a style; more make the overlaps smoother, not truer."""
_SEED = 20_240


@dataclass(frozen=True, slots=True)
class StyleEvaluation:
    """What was composed in one style, and how it compares; without comparison where there is too little music."""

    style: str
    requests: list[CompositionRequest]
    takes: list[ComposedTake]
    composed: SetComparison | None
    training: SetComparison | None
    valid_share: float

    def numbers(self) -> dict[str, float]:
        """By the names of metrics.json, without the style."""
        matches = [match for take in self.takes for match in take.originality.matches]
        found = {
            "seen_share": float(np.mean([take.originality.seen_share for take in self.takes])),
            "longest_match_notes": float(max(take.originality.longest_match_notes for take in self.takes)),
            "copied_passages": float(len(matches)),
        }
        if self.composed is not None and self.training is not None:
            found |= {
                "overlap": self.composed.overlap,
                "overlap_of_training": self.training.overlap,
                "overlap_share": self.composed.overlap / max(1e-9, self.training.overlap),
                "metrics_outside": float(len(self.composed.outside)),
            }
        return found


def evaluate(
    model: LoadedModel, training: TrainingSet, takes: int, folder: Path | None = None,
    held_out: Mapping[str, float] | None = None,
) -> dict[str, float]:  # fmt: skip
    """Numbers for metrics.json: `<style>.<number>`, and means and sums over the styles; none without takes.

    With a folder: also evaluation.json and evaluation.html there, in which `held_out` stands as well (the losses).
    """
    styles = [judge(model, training, style, takes) for style in training.styles] if takes else []
    styles = [style for style in styles if style.takes]
    numbers = _numbers(styles) if styles else {}
    if folder is not None:
        from bandmate_model.evaluation_page import page

        shown = {**(held_out or {}), **numbers}
        (folder / JSON_NAME).write_text(json.dumps(_as_json(styles, shown), indent=1) + "\n")
        (folder / PAGE_NAME).write_text(page(model.info.id, styles, shown), encoding="utf-8")
    return numbers


def _numbers(styles: list[StyleEvaluation]) -> dict[str, float]:
    numbers = {f"{style.style}.{name}": value for style in styles for name, value in style.numbers().items()}
    excerpts = [excerpt_of(*pair) for style in styles for pair in zip(style.requests, style.takes, strict=True)]
    numbers["generated_valid_share"] = float(
        np.average([style.valid_share for style in styles], weights=[len(style.takes) for style in styles])
    )
    compared = [(style.composed, style.training) for style in styles if style.composed and style.training]
    if compared:
        numbers["overlap"] = float(np.mean([composed.overlap for composed, _ in compared]))
        numbers["overlap_share"] = numbers["overlap"] / float(np.mean([real.overlap for _, real in compared]))
    unsound = [is_empty(one) or repeats_forever(one) for one in excerpts]
    numbers["generated_sound_share"] = 1 - float(np.mean(unsound))
    numbers["generated_notes_a_bar"] = float(np.mean([len(one) / one.bars for one in excerpts]))
    return {name: round(value, 4) for name, value in numbers.items()}


def judge(model: LoadedModel, training: TrainingSet, style: str, takes: int) -> StyleEvaluation:
    """Compose `takes` pieces on the frames of training pieces, and set both beside held-out pieces."""
    for bars in BARS:
        held_out = _passages(training, style, "valid", max(takes, _REFERENCE), bars)
        real = _passages(training, style, "train", max(takes, _REFERENCE), bars)
        if held_out and real:
            break
    requests = [passage.request(_SEED + number) for number, passage in enumerate(real[:takes])]
    made = compose_all(model, requests)
    faults = [bool(violations(request, take.notes)) for request, take in zip(requests, made, strict=True)]
    reference = [passage.excerpt() for passage in held_out]
    composed = [excerpt_of(request, take) for request, take in zip(requests, made, strict=True)]
    enough = min(len(reference), len(composed), len(real)) >= 2
    return StyleEvaluation(
        style,
        requests,
        made,
        compare_sets(composed, reference) if enough else None,
        compare_sets([passage.excerpt() for passage in real], reference) if enough else None,
        1 - float(np.mean(faults)) if faults else 1.0,
    )


def _passages(training: TrainingSet, style: str, split: str, count: int, bars: int) -> list[Passage]:
    pieces = [piece_of(training[index]) for index in training.split(split) if training.pieces[index].style == style]
    return draw(pieces, count, bars, _SEED)


def _as_json(styles: list[StyleEvaluation], numbers: dict[str, float]) -> dict[str, Any]:
    return {
        "metrics": numbers,
        "styles": {
            style.style: {
                "takes": len(style.takes),
                "bars": style.requests[0].bars,
                "composed": asdict(style.composed) if style.composed else None,
                "training": asdict(style.training) if style.training else None,
            }
            for style in styles
        },
    }
