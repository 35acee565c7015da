"""Fitting a requested line-up to what the model knows of a style: slots, register, and the drum strokes.

`statistics` in config.json holds, for each style, how many of its pieces use each slot and in which register.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from bandmate_shared.contracts.composition import PartSpec
from numpy.typing import NDArray

from bandmate_model.context import COLUMNS
from bandmate_model.data import TrainingSet, shift_to_c
from bandmate_model.tokens import (
    CLASSES,
    DRUM_PITCH,
    SLOTS_PER_CLASS,
    assign_slots,
    instrument_class,
    is_drum_slot,
    slot_class,
)

FAMILIAR = 0.05
"""A slot used by fewer of a style's pieces is not familiar to it."""
RARITY = 24.0
"""Semitones of misfit that a slot no piece uses is worth."""
_SUBSTITUTES = {
    "melody": ("voice", "lead", "wind", "strings", "guitar", "brass", "piano"),
    "harmony": ("piano", "guitar", "strings", "organ", "ensemble", "pad", "lead", "voice"),
    "bass": ("bass", "strings", "voice", "guitar", "piano"),
}


@dataclass(frozen=True, slots=True)
class SlotStatistics:
    """Share of the style's pieces that use the slot, and the 5th, 50th and 95th percentile of its pitches in C."""

    share: float
    low: int
    middle: int
    high: int


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
        slots = {int(slot): SlotStatistics(*row) for slot, row in values["slots"].items()}
        return StyleStatistics(slots, frozenset(values["drums"]))


def measure(training: TrainingSet) -> dict[str, Any]:
    """The statistics of every style's training pieces, as JSON values."""
    slot_column, pitch_column = COLUMNS.index("target_slot"), COLUMNS.index("target_pitch")
    result: dict[str, Any] = {}
    for style in training.styles:
        pieces = [training.pieces[index] for index in training.split("train") if training.pieces[index].style == style]
        counts: dict[int, int] = {}
        histograms: dict[int, NDArray[np.int64]] = {}
        for piece in pieces:
            for slot in piece.slots:
                counts[slot] = counts.get(slot, 0) + 1
            rows = training.rows[piece.start : piece.start + piece.length]
            for slot in piece.slots:
                pitches = rows[rows[:, slot_column] == slot, pitch_column]
                first = DRUM_PITCH if is_drum_slot(slot) else 1
                found = np.bincount(np.clip(pitches - first, 0, 127), minlength=128)
                histograms[slot] = histograms.get(slot, np.zeros(128, np.int64)) + found
        slots = {}
        drums: NDArray[np.int64] = np.zeros(128, np.int64)
        for slot, histogram in sorted(histograms.items()):
            cumulative = np.cumsum(histogram) / max(1, histogram.sum())
            low, middle, high = (int(np.searchsorted(cumulative, share)) for share in (0.05, 0.5, 0.95))
            slots[str(slot)] = [round(counts[slot] / len(pieces), 4), low, middle, high]
            if is_drum_slot(slot):
                drums += histogram
        known = np.flatnonzero(drums > max(2, drums.sum() * 0.002))
        result[style] = {"slots": slots, "drums": known.tolist()}
    return result


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
