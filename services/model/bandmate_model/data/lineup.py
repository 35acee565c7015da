"""Fit a requested line-up to a style's statistics: slots and transposition.

`statistics` in config.json holds, for each style, how many of its pieces use each slot and in which register.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from bandmate_shared.contracts.composition import PartSpec

from bandmate_model.data.pieces import shift_to_c
from bandmate_model.data.tokens import (
    CLASSES,
    SLOTS_PER_CLASS,
    assign_slots,
    instrument_class,
    is_drum_slot,
    slot_class,
)

FAMILIAR = 0.05
"""A slot is familiar to a style if at least this share of its pieces use it."""
REPEAT_QUANTILES = (0.1, 0.3, 0.5, 0.7, 0.9)
RARITY = 24.0
"""Cost of a slot that no piece uses, in semitones of misfit."""
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
    """Statistics of a style's training pieces."""

    slots: dict[int, SlotStatistics]
    drums: frozenset[int]

    @staticmethod
    def from_config(values: dict[str, Any] | None) -> "StyleStatistics":
        """From config.json; empty where the model has none for the style."""
        if not values:
            return StyleStatistics({}, frozenset())
        slots = {int(slot): SlotStatistics(*row[:5], *map(tuple, row[5:])) for slot, row in values["slots"].items()}
        return StyleStatistics(slots, frozenset(values["drums"]))


def slots_for(parts: Sequence[PartSpec], statistics: StyleStatistics) -> list[int]:
    """A slot token a part: its own class where the style knows it, else the nearest class by role that it knows."""
    heights = [(part.low + part.high) / 2 for part in parts]
    classes = []
    for part in parts:
        instrument = instrument_class(program=part.program, is_drum=part.is_drum, is_voice=part.is_voice)
        if instrument != "drums" and part.role == "drums":
            instrument = "drums"
        classes.append(
            instrument
            if instrument == "drums" or _is_familiar(statistics, instrument)
            else _substitute(part.role, instrument, statistics)
        )
    slots = assign_slots(classes, heights)
    for name in set(classes) - {"drums"}:
        _spread(name, parts, slots, heights, statistics)
    return slots


def shift_for(tonic: int, parts: Sequence[PartSpec], slots: Sequence[int], statistics: StyleStatistics) -> int:
    """Semitones from the requested key to the model's C. The octave is chosen so that the parts' ranges fit the
    style's registers."""
    base = shift_to_c(tonic)

    def misfit(shift: int) -> float:
        total = 0.5 * abs(shift)
        for part, slot in zip(parts, slots, strict=True):
            slot_statistics = statistics.slots.get(slot)
            if slot_statistics is None or is_drum_slot(slot):
                continue
            weight = 3.0 if part.role == "melody" else 1.0
            total += weight * (
                max(0, part.low + shift - slot_statistics.low) + max(0, slot_statistics.high - part.high - shift)
            )
        return total

    return min((base, base - 12, base + 12), key=misfit)


def _is_familiar(statistics: StyleStatistics, name: str) -> bool:
    first_slot = 1 + CLASSES.index(name) * SLOTS_PER_CLASS
    class_slots = [statistics.slots.get(slot) for slot in range(first_slot, first_slot + SLOTS_PER_CLASS)]
    return not statistics.slots or any(
        slot_statistics is not None and slot_statistics.share >= FAMILIAR for slot_statistics in class_slots
    )


def _substitute(role: str, instrument: str, statistics: StyleStatistics) -> str:
    return next((name for name in _SUBSTITUTES.get(role, ()) if _is_familiar(statistics, name)), instrument)


def _spread(
    name: str, parts: Sequence[PartSpec], slots: list[int], heights: Sequence[float], statistics: StyleStatistics
) -> None:
    """Move the parts of a class to the slots whose register suits them, highest first: a single cello does not get the
    violin's slot."""
    members = sorted(
        (index for index in range(len(parts)) if slots[index] and slot_class(slots[index]) == name),
        key=lambda index: slots[index],
    )
    first_slot = 1 + CLASSES.index(name) * SLOTS_PER_CLASS
    familiar = [
        slot
        for slot in range(first_slot, first_slot + SLOTS_PER_CLASS)
        if slot in statistics.slots and statistics.slots[slot].share >= FAMILIAR
    ]
    if not members or len(familiar) < len(members):
        return

    def misfit(choice: tuple[int, ...]) -> float:
        total = 0.0
        for index, slot in zip(members, choice, strict=True):
            slot_statistics = statistics.slots[slot]
            total += abs(heights[index] - slot_statistics.middle) + RARITY * (1 - slot_statistics.share)
        return total

    best = min(combinations(familiar, len(members)), key=misfit)
    for index, slot in zip(members, best, strict=True):
        slots[index] = slot
