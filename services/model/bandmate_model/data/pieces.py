"""A piece of a dataset as the models see it: its parts, bars and notes, and the slots of its parts."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bandmate_model.data.tokens import assign_slots, instrument_class

MIN_NOTES = 8
"""Pieces with fewer notes are not trained on."""


class DatasetUnusable(ValueError):
    """The channel holds no dataset that can be trained on; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class PartInfo:
    """One part of a piece as the dataset describes it."""

    part: int
    name: str
    program: int
    is_drum: bool
    instrument: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of a dataset. `notes` rows: part, onset, duration, pitch, velocity in grid ticks, 24 a quarter."""

    name: str
    style: str
    split: str
    tonic: int
    mode: str
    tempo: float
    bars: tuple[tuple[int, int, int], ...]
    """(length in grid ticks, numerator, denominator) a bar."""
    parts: tuple[PartInfo, ...]
    notes: NDArray[np.int32]


def shift_to_c(tonic: int) -> int:
    """Semitones, -5..6, that move `tonic` to C."""
    shift = -tonic % 12
    return shift - 12 if shift > 6 else shift


def part_slots(piece: Piece) -> dict[int, int]:
    """Slot of each part that has notes."""
    counts = np.bincount(piece.notes[:, 0], minlength=1 + max((part.part for part in piece.parts), default=0))
    totals = np.bincount(piece.notes[:, 0], piece.notes[:, 3], minlength=len(counts))
    parts = [part for part in piece.parts if counts[part.part]]
    means = [float(totals[part.part] / counts[part.part]) for part in parts]
    classes = [instrument_of(part) for part in parts]
    if _is_choir(piece, parts, classes):
        classes = ["voice"] * len(classes)
    return {part.part: slot for part, slot in zip(parts, assign_slots(classes, means), strict=True) if slot}


def instrument_of(part: PartInfo) -> str:
    """The instrument class (tokens.CLASSES) of a dataset's part."""
    return instrument_class(program=part.program, is_drum=part.is_drum, is_voice=part.instrument == "voice")


def require_splits(splits: Collection[str]) -> None:
    """Check that the usable pieces include some to train on and some to validate with.

    Raises:
        DatasetUnusable: there are none of one kind.
    """
    counts = {name: sum(split == name for split in splits) for name in ("train", "valid")}
    if not counts["train"]:
        raise DatasetUnusable(f"the dataset has no training piece of at least {MIN_NOTES} notes")
    if not counts["valid"]:
        raise DatasetUnusable(
            f"the dataset is too small to split: of its pieces with at least {MIN_NOTES} notes {counts['train']} are "
            "to train on and none to validate with; ingest more music (three pieces unlike each other are the least)"
        )


def _is_choir(piece: Piece, parts: list[PartInfo], classes: list[str]) -> bool:
    """Three to five lines of one unnamed instrument, each one note at a time: voices set down on a keyboard."""
    if not 3 <= len(parts) <= 5 or set(classes) != {"piano"}:
        return False
    for part in parts:
        notes = piece.notes[piece.notes[:, 0] == part.part]
        ends = notes[:-1, 1] + notes[:-1, 2]
        if (ends > notes[1:, 1]).any():
            return False
    return True
