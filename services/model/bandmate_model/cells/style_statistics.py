"""The statistics of a model's styles: what `data/lineup.py` fits a requested line-up to."""

from typing import Any

import numpy as np

from bandmate_model.cells.pieces import NO_REPEAT
from bandmate_model.cells.training_set import TrainingSet
from bandmate_model.data.lineup import REPEAT_QUANTILES
from bandmate_model.data.tokens import SLOT_SIZE, is_drum_slot


def measure_styles(training: TrainingSet) -> dict[str, Any]:
    """The statistics of every style's training pieces, as JSON values."""
    return {style: _measure_style(training, style) for style in training.styles}


def _measure_style(training: TrainingSet, style: str) -> dict[str, Any]:
    pieces = [index for index in training.split("train") if training.pieces[index].style == style]
    counts: dict[int, int] = {}
    mono: dict[int, int] = {}
    repeats: dict[int, list[float]] = {}
    histograms = np.zeros((SLOT_SIZE, 128), np.int64)
    for index in pieces:
        piece = training[index]
        for slot, alone in zip(piece.slots, piece.mono, strict=True):
            counts[slot] = counts.get(slot, 0) + 1
            mono[slot] = mono.get(slot, 0) + alone
            again = piece.cells[(piece.cells[:, 1] == slot) & (piece.cells[:, 0] > 0), 4] != NO_REPEAT
            if len(again):
                repeats.setdefault(slot, []).append(float(again.mean()))
        np.add.at(histograms, (piece.notes[:, 1], piece.notes[:, 4]), 1)
    slots = {}
    for slot in sorted(counts):
        cumulative = np.cumsum(histograms[slot]) / max(1, histograms[slot].sum())
        low, middle, high = (int(np.searchsorted(cumulative, share)) for share in (0.05, 0.5, 0.95))
        share, single = round(counts[slot] / len(pieces), 4), round(mono[slot] / counts[slot], 4)
        quantiles = np.quantile(repeats.get(slot, [0.0]), REPEAT_QUANTILES).round(3).tolist()
        slots[str(slot)] = [share, low, middle, high, single, quantiles]
    drums = histograms[[slot for slot in range(1, SLOT_SIZE) if is_drum_slot(slot)]].sum(axis=0)
    common = np.flatnonzero(drums > max(2, drums.sum() * 0.002))
    return {"slots": slots, "drums": common.tolist()}
