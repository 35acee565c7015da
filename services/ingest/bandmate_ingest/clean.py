"""The cleaning of a batch: bytes in, Arrow tables and rejections out. No file is opened, nothing is remembered.

The same function runs in the worker processes of `pool.py` and, one partition at a time, under Spark. What comes out
for a file depends on its bytes and the rules alone, never on its neighbours in the batch.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from bandmate_shared.contracts.datasets import MEASURE_COLUMNS, NOTE_COLUMNS, PART_COLUMNS
from bandmate_shared.errors import BandmateError
from bandmate_shared.music.limits import Limits

from bandmate_ingest.piece import CleanPiece, Rejected, clean_piece
from bandmate_ingest.reading import empty_tracks, read_content
from bandmate_ingest.rules import CleaningRules


@dataclass(frozen=True, slots=True)
class RawFile:
    """A file's bytes. Its name plays no part in the cleaning; it is for messages."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class CleanedBatch:
    """What became of a batch. `piece` counts the accepted pieces of this batch in the order of its files.

    `files` has one row a file: sha256, accepted, reason, detail, and the piece's scalars (null where rejected), its
    fingerprint (list of uint64) and its step counts (JSON-free map: `steps` keys, `step_counts` values).
    `parts`, `measures` and `notes` have the columns of the dataset contract.
    """

    files: pa.Table
    parts: pa.Table
    measures: pa.Table
    notes: pa.Table


ARROW_TYPES = {
    "int8": pa.int8(), "uint8": pa.uint8(), "int16": pa.int16(), "int32": pa.int32(), "float32": pa.float32(),
    "bool": pa.bool_(), "string": pa.string(),
}  # fmt: skip
FILES_SCHEMA = pa.schema(
    [
        ("sha256", pa.string()), ("accepted", pa.bool_()), ("reason", pa.string()), ("detail", pa.string()),
        ("tonic", pa.int8()), ("mode", pa.string()), ("key_confidence", pa.float32()), ("tempo", pa.float32()),
        ("numerator", pa.int8()), ("denominator", pa.int8()), ("bars", pa.int32()), ("notes", pa.int32()),
        ("seconds", pa.float32()), ("grid_offset", pa.float32()), ("on_grid", pa.float32()),
        ("fingerprint", pa.list_(pa.uint64())), ("steps", pa.list_(pa.string())), ("step_counts", pa.list_(pa.int32())),
    ]
)  # fmt: skip


def schema_of(columns: dict[str, str]) -> pa.Schema:
    """The Arrow schema of one of the contract's column tables."""
    return pa.schema([(name, ARROW_TYPES[kind]) for name, kind in columns.items()])


def clean_batch(items: Sequence[RawFile], limits: Limits, rules: CleaningRules) -> CleanedBatch:
    """Clean a batch of files. Never raises for a bad file: it becomes a row with its reason."""
    rows: list[dict[str, Any]] = []
    pieces: list[CleanPiece] = []
    for item in items:
        row: dict[str, Any] = {"sha256": hashlib.sha256(item.data).hexdigest(), "accepted": False}
        try:
            piece = _clean_file(item.data, limits, rules)
        except Rejected as rejection:
            row |= {"reason": rejection.reason, "detail": rejection.detail}
        else:
            row |= _scalars(piece)
            pieces.append(piece)
        rows.append(row)
    return CleanedBatch(
        files=pa.Table.from_pylist(rows, schema=FILES_SCHEMA),
        parts=_parts_table(pieces),
        measures=_measures_table(pieces),
        notes=_notes_table(pieces),
    )


def unreadable_batch(item: RawFile, detail: str) -> CleanedBatch:
    """What is left of a file that no process survived: one rejected row."""
    row = {"sha256": hashlib.sha256(item.data).hexdigest(), "accepted": False, "reason": "unreadable", "detail": detail}
    return CleanedBatch(
        pa.Table.from_pylist([row], schema=FILES_SCHEMA), _parts_table([]), _measures_table([]), _notes_table([])
    )


def join_batches(batches: Sequence[CleanedBatch]) -> CleanedBatch:
    """Batches as one, as if their files had been cleaned together."""
    before = np.cumsum([0] + [int(batch.files["accepted"].to_numpy().sum()) for batch in batches[:-1]])

    def joined(tables: Sequence[pa.Table]) -> pa.Table:
        moved = [
            table.set_column(0, table.schema.field(0), pa.array((table["piece"].to_numpy() + start).astype(np.int32)))
            for table, start in zip(tables, before, strict=True)
        ]
        return pa.concat_tables(moved).combine_chunks()

    return CleanedBatch(
        files=pa.concat_tables([batch.files for batch in batches]).combine_chunks(),
        parts=joined([batch.parts for batch in batches]),
        measures=joined([batch.measures for batch in batches]),
        notes=joined([batch.notes for batch in batches]),
    )


def _clean_file(data: bytes, limits: Limits, rules: CleaningRules) -> CleanPiece:
    try:
        score = read_content(data, limits)
        piece = clean_piece(score, rules)
    except Rejected:
        raise
    except BandmateError as error:
        raise Rejected("unreadable", error.detail) from error
    except MemoryError as error:
        raise Rejected("unreadable", "it needs more memory than one file may take") from error
    except Exception as error:
        # A file that breaks an assumption of ours must not take its neighbours with it.
        raise Rejected("unreadable", f"its content makes no sense ({type(error).__name__})") from error
    piece.steps["empty-tracks"] += empty_tracks(data, len(piece.parts.names))
    return piece


def _scalars(piece: CleanPiece) -> dict[str, Any]:
    steps = {name: count for name, count in piece.steps.items() if count}
    return {
        "accepted": True,
        "tonic": piece.key.key.tonic,
        "mode": piece.key.key.mode,
        "key_confidence": piece.key.confidence,
        "tempo": piece.tempo,
        "numerator": piece.metre.numerator,
        "denominator": piece.metre.denominator,
        "bars": len(piece.bars),
        "notes": len(piece.notes),
        "seconds": piece.seconds,
        "grid_offset": piece.grid.offset,
        "on_grid": piece.grid.on_grid,
        "fingerprint": piece.fingerprint,
        "steps": list(steps),
        "step_counts": list(steps.values()),
    }


def _parts_table(pieces: Sequence[CleanPiece]) -> pa.Table:
    sizes = [len(piece.parts.names) for piece in pieces]
    columns: dict[str, Any] = {
        "piece": np.repeat(np.arange(len(pieces)), sizes),
        "part": np.concatenate([np.arange(size) for size in sizes]) if sizes else _none(),
        "program": _joined([piece.parts.program for piece in pieces]),
        "notes": _joined([piece.parts.notes for piece in pieces]),
        "low": _joined([piece.parts.low for piece in pieces]),
        "high": _joined([piece.parts.high for piece in pieces]),
        "name": [name for piece in pieces for name in piece.parts.names],
        "is_drum": [flag for piece in pieces for flag in piece.parts.is_drum],
        "role": [role for piece in pieces for role in piece.parts.role],
        "instrument": [instrument for piece in pieces for instrument in piece.parts.instrument],
    }
    return _table(columns, PART_COLUMNS)


def _measures_table(pieces: Sequence[CleanPiece]) -> pa.Table:
    bars = [piece.bars for piece in pieces]
    columns: dict[str, Any] = {
        "piece": np.repeat(np.arange(len(pieces)), [len(table) for table in bars]),
        "bar": _joined([np.arange(len(table)) for table in bars]),
        "onset": _joined([table.onset for table in bars]),
        "length": _joined([table.length for table in bars]),
        "numerator": _joined([table.numerator for table in bars]),
        "denominator": _joined([table.denominator for table in bars]),
    }
    return _table(columns, MEASURE_COLUMNS)


def _notes_table(pieces: Sequence[CleanPiece]) -> pa.Table:
    notes = [piece.notes for piece in pieces]
    columns: dict[str, Any] = {
        "piece": np.repeat(np.arange(len(pieces)), [len(table) for table in notes]),
        "part": _joined([table.part for table in notes]),
        "onset": _joined([table.onset for table in notes]),
        "duration": _joined([table.duration for table in notes]),
        "pitch": _joined([table.pitch for table in notes]),
        "velocity": _joined([table.velocity for table in notes]),
    }
    return _table(columns, NOTE_COLUMNS)


def _table(columns: dict[str, Any], contract: dict[str, str]) -> pa.Table:
    arrays = []
    for name, kind in contract.items():
        values = columns[name]
        if isinstance(values, np.ndarray):
            values = values.astype(kind)
        arrays.append(pa.array(values, type=ARROW_TYPES[kind]))
    return pa.Table.from_arrays(arrays, schema=schema_of(contract))


def _joined(columns: Sequence[Any]) -> Any:
    return np.concatenate(columns) if columns else _none()


def _none() -> Any:
    return np.zeros(0, dtype=np.int64)
