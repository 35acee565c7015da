"""Evaluate a trained model: composed pieces compared with held-out pieces of their style.

The validation loss says how well the model predicts music; here its own music is measured, by `metrics/`: mgeval's
overlapping areas beside those of the training pieces, muspy's means beside the range of real music, empty and endlessly
repeating pieces, and copied passages. The numbers go to metrics.json and evaluation.json, with a few of the requests,
for which `bandmate benchmark page` composes again: the same request gives the same music.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from bandmate_model.cells.training_set import TrainingSet
from bandmate_model.evaluation.compose_all import excerpt_of
from bandmate_model.evaluation.metrics.faults import is_empty, repeats_forever
from bandmate_model.evaluation.style_evaluation import StyleEvaluation, evaluate_style
from bandmate_model.serving.loaded import LoadedModel

JSON_NAME = "evaluation.json"
SAMPLES = 2
"""Requests per style that evaluation.json keeps."""


def evaluate(
    model: LoadedModel,
    training: TrainingSet,
    takes: int,
    folder: Path | None = None,
    held_out: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """Numbers for metrics.json: `<style>.<number>`, and means and sums over the styles; none without takes.

    With a folder: also evaluation.json there, in which `held_out` stands as well (the losses).
    """
    styles = [evaluate_style(model, training, style, takes) for style in training.styles] if takes else []
    styles = [style for style in styles if style.takes]
    numbers = _numbers(styles) if styles else {}
    if folder is not None:
        shown = {**(held_out or {}), **numbers}
        (folder / JSON_NAME).write_text(json.dumps(_as_json(styles, shown), indent=1) + "\n")
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
    unsound = [is_empty(excerpt) or repeats_forever(excerpt) for excerpt in excerpts]
    numbers["generated_sound_share"] = 1 - float(np.mean(unsound))
    numbers["generated_notes_a_bar"] = float(np.mean([len(excerpt) / excerpt.bars for excerpt in excerpts]))
    return {name: round(value, 4) for name, value in numbers.items()}


def _as_json(styles: list[StyleEvaluation], numbers: dict[str, float]) -> dict[str, Any]:
    return {
        "metrics": numbers,
        "styles": {
            style.style: {
                "takes": len(style.takes),
                "bars": style.requests[0].bars,
                "composed": asdict(style.composed) if style.composed else None,
                "training": asdict(style.training) if style.training else None,
                "samples": [
                    request.model_dump(mode="json", exclude_defaults=True) for request in style.requests[:SAMPLES]
                ],
            }
            for style in styles
        },
    }
