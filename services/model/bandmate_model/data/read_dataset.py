"""Read a dataset folder (layout: contracts/datasets.py) piece by piece, so that memory does not grow with it."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from pyarrow import ArrowException
from pyarrow import parquet as pq

from bandmate_model.data.pieces import DatasetUnusable, PartInfo, Piece

_RIGHT_HAND = re.compile(r"right|upper|\bup\b|\brh\b", re.IGNORECASE)
_LEFT_HAND = re.compile(r"left|lower|\bdown\b|\blh\b", re.IGNORECASE)
"""What notation programs call the two staves of a keyboard where they write a part for each."""
_KEYBOARDS = frozenset((*range(8), *range(16, 24)))

_DATASET_FILES = ("pieces.parquet", "parts.parquet", "measures.parquet", "notes.parquet")


class _Grouped:
    """Rows of a table sorted by piece, handed out a piece at a time in ascending order."""

    def __init__(self, path: Path) -> None:
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


def read_pieces(folder: Path) -> Iterator[Piece]:
    """The pieces of a dataset in order.

    Raises:
        DatasetUnusable: a table is missing, unreadable, or empty.
    """
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


def _piece(row: dict[str, Any], parts: _Grouped, measures: _Grouped, notes: _Grouped) -> Piece:
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
