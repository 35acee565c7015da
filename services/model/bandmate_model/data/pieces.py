"""A dataset folder (layout: contracts/datasets.py), read piece by piece, so that memory does not grow with it."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bandmate_model.data.tokens import assign_slots, instrument_class

MIN_NOTES = 8
"""Pieces with fewer notes are not trained on."""

_RIGHT_HAND = re.compile(r"right|upper|\bup\b|\brh\b", re.IGNORECASE)
_LEFT_HAND = re.compile(r"left|lower|\bdown\b|\blh\b", re.IGNORECASE)
"""What notation programs call the two staves of a keyboard where they write a part for each."""
_KEYBOARDS = frozenset((*range(8), *range(16, 24)))

_DATASET_FILES = ("pieces.parquet", "parts.parquet", "measures.parquet", "notes.parquet")


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


def read_pieces(folder: Path) -> Iterator[Piece]:
    """The pieces of a dataset in order.

    Raises:
        DatasetUnusable: a table is missing, unreadable, or empty.
    """
    from pyarrow import ArrowException  # optional extra: train
    from pyarrow import parquet as pq  # optional extra: train

    for name in _DATASET_FILES:
        if not (folder / name).is_file():
            raise DatasetUnusable(f"the training channel holds no {name}: it is not a Bandmate dataset")
    try:
        pieces = pq.read_table(folder / "pieces.parquet").to_pylist()
        parts = _Grouped(folder / "parts.parquet")
        measures = _Grouped(folder / "measures.parquet")
        notes = _Grouped(folder / "notes.parquet")
        if not pieces:
            raise DatasetUnusable("the dataset holds no pieces")
        for row in sorted(pieces, key=lambda piece: piece["piece"]):
            yield _piece(row, parts, measures, notes)
    except (ArrowException, KeyError, OSError) as error:
        raise DatasetUnusable(f"the dataset cannot be read: {error}") from error


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


def _piece(row: dict[str, Any], parts: "_Grouped", measures: "_Grouped", notes: "_Grouped") -> Piece:
    number = row["piece"]
    part_rows, bars, table = parts.of(number), measures.of(number), notes.of(number)
    columns = [np.asarray(table[name], dtype=np.int32) for name in ("part", "onset", "duration", "pitch", "velocity")]
    matrix = np.stack(columns, axis=1) if len(columns[0]) else np.zeros((0, 5), np.int32)
    infos = [
        PartInfo(*values)
        for values in zip(
            part_rows["part"],
            part_rows["name"],
            part_rows["program"],
            part_rows["is_drum"],
            part_rows["instrument"],
            strict=True,
        )
    ]
    for right, left in _hands(infos):
        matrix[matrix[:, 0] == left.part, 0] = right.part
        infos.remove(left)
    matrix = matrix[np.lexsort((matrix[:, 3], matrix[:, 1], matrix[:, 0]))]
    return Piece(
        name=row["name"],
        style=row["style"],
        split=row["split"],
        tonic=row["tonic"],
        mode=row["mode"],
        tempo=row["tempo"] or 120.0,
        bars=tuple(zip(bars["length"], bars["numerator"], bars["denominator"], strict=True)),
        parts=tuple(infos),
        notes=matrix,
    )


def _hands(parts: list[PartInfo]) -> list[tuple[PartInfo, PartInfo]]:
    """Neighbouring parts that are the right and the left hand of one keyboard."""
    return [
        (right, left)
        for right, left in pairwise(parts)
        if right.program == left.program
        and right.program in _KEYBOARDS
        and not (right.is_drum or left.is_drum or "voice" in (right.instrument, left.instrument))
        and _RIGHT_HAND.search(right.name)
        and _LEFT_HAND.search(left.name)
    ]


class _Grouped:
    """Rows of a table sorted by piece, handed out a piece at a time in ascending order."""

    def __init__(self, path: Path) -> None:
        from pyarrow import parquet as pq  # optional extra: train

        file = pq.ParquetFile(path)
        self._names = file.schema_arrow.names
        self._batches = file.iter_batches(batch_size=65_536)
        self._columns: dict[str, list[Any]] = {name: [] for name in self._names}

    def of(self, piece: int) -> dict[str, list[Any]]:
        """Columns of the rows of `piece`; empty lists where it has none."""
        numbers = self._columns["piece"]
        while not numbers or numbers[-1] <= piece:
            batch = next(self._batches, None)
            if batch is None:
                break
            for name, column in batch.to_pydict().items():
                self._columns[name].extend(column)
            numbers = self._columns["piece"]
        first = next((i for i, number in enumerate(numbers) if number >= piece), len(numbers))
        last = next((i for i in range(first, len(numbers)) if numbers[i] != piece), len(numbers))
        result = {name: column[first:last] for name, column in self._columns.items()}
        self._columns = {name: column[last:] for name, column in self._columns.items()}
        return result
