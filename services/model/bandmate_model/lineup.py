"""Fitting a requested line-up to what the model knows of a style: slots, register, and the drum strokes.

`statistics` in config.json holds, for each style, how many of its pieces use each slot and in which register.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from bandmate_shared.contracts.composition import PartSpec

from bandmate_model.cells.pieces import NO_REPEAT
from bandmate_model.cells.training_set import TrainingSet
from bandmate_model.data import shift_to_c
from bandmate_model.tokens import (
    CLASSES,
    SLOT_SIZE,
    SLOTS_PER_CLASS,
    assign_slots,
    instrument_class,
    is_drum_slot,
    slot_class,
)

FAMILIAR = 0.05
"""A slot used by fewer of a style's pieces is not familiar to it."""
REPEAT_QUANTILES = (0.1, 0.3, 0.5, 0.7, 0.9)
RARITY = 24.0
"""Semitones of misfit that a slot no piece uses is worth."""
_SUBSTITUTES = {
    "melody": ("voice", "lead", "wind", "strings", "guitar", "brass", "piano"),
    "harmony": ("piano", "guitar", "strings", "organ", "ensemble", "pad", "lead", "voice"),
    "bass": ("bass", "strings", "voice", "guitar", "piano"),
}


@dataclass(frozen=True, slots=True)
class SlotStatistics:
    """Share of the style's pieces that use the slot; the 5th, 50th and 95th percentile of its pitches in C; in what
    share of those pieces it plays one note at a time; quantiles (REPEAT_QUANTILES) of the share of its bars that are
    those of some bars before."""

    share: float
    low: int
    middle: int
    high: int
    mono: float = 0.0
    repeats: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class StyleStatistics:
    """What a style's training pieces looked like."""

    slots: dict[int, SlotStatistics]
    drums: frozenset[int]

    @staticmethod
    def from_config(values: dict[str, Any] | None) -> "StyleStatistics":
        """From config.json; empty where the model has none for the style."""
        if not values:
            return StyleStatistics({}, frozenset())
        slots = {int(slot): SlotStatistics(*row[:5], *map(tuple, row[5:])) for slot, row in values["slots"].items()}
        return StyleStatistics(slots, frozenset(values["drums"]))


def measure(training: TrainingSet) -> dict[str, Any]:
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
    known = np.flatnonzero(drums > max(2, drums.sum() * 0.002))
    return {"slots": slots, "drums": known.tolist()}


def slots_for(parts: Sequence[PartSpec], statistics: StyleStatistics) -> list[int]:
    """A slot token a part: its own class where the style knows it, else the nearest class by role that it knows."""
    heights = [(part.low + part.high) / 2 for part in parts]
    classes = []
    for part in parts:
        own = instrument_class(program=part.program, is_drum=part.is_drum, is_voice=part.is_voice)
        if own != "drums" and part.role == "drums":
            own = "drums"
        classes.append(own if own == "drums" or _knows(statistics, own) else _substitute(part.role, own, statistics))
    slots = assign_slots(classes, heights)
    for name in set(classes) - {"drums"}:
        _spread(name, parts, slots, heights, statistics)
    return slots


def shift_for(tonic: int, parts: Sequence[PartSpec], slots: Sequence[int], statistics: StyleStatistics) -> int:
    """Semitones from the key asked for to the model's C, the octave chosen so that the parts' ranges lie where the
    model is used to find them."""
    base = shift_to_c(tonic)

    def misfit(shift: int) -> float:
        total = 0.5 * abs(shift)
        for part, slot in zip(parts, slots, strict=True):
            known = statistics.slots.get(slot)
            if known is None or is_drum_slot(slot):
                continue
            weight = 3.0 if part.role == "melody" else 1.0
            total += weight * (max(0, part.low + shift - known.low) + max(0, known.high - part.high - shift))
        return total

    return min((base, base - 12, base + 12), key=misfit)


def _knows(statistics: StyleStatistics, name: str) -> bool:
    first = 1 + CLASSES.index(name) * SLOTS_PER_CLASS
    known = [statistics.slots.get(slot) for slot in range(first, first + SLOTS_PER_CLASS)]
    return not statistics.slots or any(found is not None and found.share >= FAMILIAR for found in known)


def _substitute(role: str, own: str, statistics: StyleStatistics) -> str:
    return next((name for name in _SUBSTITUTES.get(role, ()) if _knows(statistics, name)), own)


def _spread(
    name: str, parts: Sequence[PartSpec], slots: list[int], heights: Sequence[float], statistics: StyleStatistics
) -> None:
    """Move the parts of a class to the slots whose register suits them, highest first: a lone cello is no violin."""
    members = sorted(
        (index for index in range(len(parts)) if slots[index] and slot_class(slots[index]) == name),
        key=lambda index: slots[index],
    )
    first = 1 + CLASSES.index(name) * SLOTS_PER_CLASS
    familiar = [
        slot
        for slot in range(first, first + SLOTS_PER_CLASS)
        if slot in statistics.slots and statistics.slots[slot].share >= FAMILIAR
    ]
    if not members or len(familiar) < len(members):
        return

    def misfit(choice: tuple[int, ...]) -> float:
        total = 0.0
        for index, slot in zip(members, choice, strict=True):
            known = statistics.slots[slot]
            total += abs(heights[index] - known.middle) + RARITY * (1 - known.share)
        return total

    best = min(combinations(familiar, len(members)), key=misfit)
    for index, slot in zip(members, best, strict=True):
        slots[index] = slot
