"""All pieces of a dataset as cells: made once, written to files, memory mapped, handed out piece by piece."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bandmate_model.cells.pieces import Cells, cells_of
from bandmate_model.data.pieces import MIN_NOTES, Piece, require_splits

_ARRAYS = {"notes": (np.int16, 5), "cells": (np.int32, 5), "bars": (np.int16, 4)}
"""Files of rows: Cells.notes, Cells.cells, and (length, metre, chord, chord) a bar."""


@dataclass(slots=True)
class PieceEntry:
    """The location of a piece's rows in the files, and the attributes of the whole piece."""

    name: str
    style: str
    split: str
    mode: int
    tempo: int
    slots: list[int]
    mono: list[bool]
    registers: list[int]
    first: dict[str, int]
    count: dict[str, int]


@dataclass(slots=True)
class TrainingSet:
    """The pieces of the splits train and valid. Indexing makes no copies of the rows."""

    pieces: list[PieceEntry]
    arrays: dict[str, NDArray[Any]] = field(repr=False)

    @property
    def styles(self) -> list[str]:
        return sorted({piece.style for piece in self.pieces})

    @property
    def notes(self) -> int:
        return len(self.arrays["notes"])

    def split(self, name: str) -> list[int]:
        return [index for index, piece in enumerate(self.pieces) if piece.split == name]

    def __getitem__(self, index: int) -> Cells:
        entry = self.pieces[index]
        rows = {
            name: array[entry.first[name] : entry.first[name] + entry.count[name]]
            for name, array in self.arrays.items()
        }
        bars = rows["bars"]
        return Cells(
            entry.name,
            entry.style,
            entry.split,
            entry.mode,
            entry.tempo,
            bars[:, 0],
            bars[:, 1],
            tuple(entry.slots),
            tuple(entry.mono),
            tuple(entry.registers),
            rows["notes"],
            rows["cells"],
            bars[:, 2:],
        )


def build(pieces: Callable[[], Iterable[Piece]], folder: Path) -> TrainingSet:
    """The cells of every piece, written to `folder`, or taken from there if they are there already.

    Raises:
        DatasetUnusable: as read_pieces and data.require_splits, of the pieces that are long enough.
    """
    index_path = folder / "pieces.json"
    if not index_path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        entries = _write(pieces(), folder)
        temporary = index_path.with_suffix(".part")
        temporary.write_text(json.dumps(entries))
        temporary.replace(index_path)
    piece_entries = [PieceEntry(**row) for row in json.loads(index_path.read_text())]
    require_splits([piece.split for piece in piece_entries])
    arrays = {
        name: np.memmap(folder / f"{name}.bin", dtype=kind, mode="r").reshape(-1, width)
        for name, (kind, width) in _ARRAYS.items()
    }
    return TrainingSet(piece_entries, dict(arrays))


def _write(pieces: Iterable[Piece], folder: Path) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    offsets = dict.fromkeys(_ARRAYS, 0)
    files = {name: (folder / f"{name}.bin").open("wb") for name in _ARRAYS}
    try:
        for piece in pieces:
            if piece.split == "test":
                continue
            cells = cells_of(piece)
            if len(cells.notes) < MIN_NOTES:
                continue
            bars = np.stack([cells.lengths, cells.metres, cells.chords[:, 0], cells.chords[:, 1]], axis=1)
            rows: dict[str, NDArray[Any]] = {"notes": cells.notes, "cells": cells.cells, "bars": bars}
            count = {}
            for name, (kind, _) in _ARRAYS.items():
                files[name].write(rows[name].astype(kind).tobytes())
                count[name] = len(rows[name])
            entries.append(
                {
                    "name": cells.name,
                    "style": cells.style,
                    "split": cells.split,
                    "mode": cells.mode,
                    "tempo": cells.tempo,
                    "slots": list(cells.slots),
                    "mono": list(cells.mono),
                    "registers": list(cells.registers),
                    "first": dict(offsets),
                    "count": count,
                }
            )
            offsets = {name: offsets[name] + count[name] for name in _ARRAYS}
    finally:
        for file in files.values():
            file.close()
    return entries
