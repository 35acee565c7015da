"""Cleans a batch of files: bytes in, Arrow tables and rejections out. Opens no file and keeps no state.

The same function runs in the worker processes of `pool.py` and, one partition at a time, under Spark. What comes out
for a file depends on its bytes and the rules alone, never on its neighbours in the batch.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from bandmate_music.limits import Limits
from bandmate_music.read import refuse_repairs
from bandmate_shared.contracts.datasets import MEASURE_COLUMNS, NOTE_COLUMNS, PART_COLUMNS
from bandmate_shared.errors import BandmateError

from bandmate_ingest.cleaning.piece import CleanPiece, Rejected, clean_piece
from bandmate_ingest.cleaning.reading import empty_tracks, read_content
from bandmate_ingest.cleaning.rules import CleaningRules


@dataclass(frozen=True, slots=True)
class RawFile:
    """A file's bytes. Its name plays no part in the cleaning; it is for messages."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class CleanedBatch:
    """The result of a batch. `piece` counts the accepted pieces of this batch in the order of its files.

    `files` has one row a file: sha256, accepted, reason, detail, and the piece's scalars (null where rejected), its
    fingerprint (list of uint64), its step counts (JSON-free map: `steps` keys, `step_counts` values) and its notices.
    `parts`, `measures` and `notes` have the columns of the dataset contract.
    """

    files: pa.Table
    parts: pa.Table
    measures: pa.Table
    notes: pa.Table


_FILES_COLUMNS = """
sha256:string accepted:bool reason:string detail:string tonic:int8 mode:string key_confidence:float32 tempo:float32
numerator:int8 denominator:int8 bars:int32 notes:int32 seconds:float32 grid_offset:float32 on_grid:float32
"""
_FILES_LISTS = {
    "fingerprint": pa.uint64(),
    "steps": pa.string(),
    "step_counts": pa.int32(),
    "notices": pa.string(),
}
FILES_SCHEMA = pa.schema(
    [(name, pa.type_for_alias(kind)) for name, kind in (column.split(":") for column in _FILES_COLUMNS.split())]
    + [(name, pa.list_(kind)) for name, kind in _FILES_LISTS.items()]
)


def schema_of(columns: dict[str, str]) -> pa.Schema:
    """The Arrow schema of one of the contract's column tables."""
    return pa.schema([(name, pa.type_for_alias(kind)) for name, kind in columns.items()])


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
    """The result for a file that crashed every process: one rejected row."""
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
        if rules.strict:
            refuse_repairs(score)
        piece = clean_piece(score, rules)
    except Rejected:
        raise
    except BandmateError as error:
        raise Rejected("unreadable", error.detail) from error
    except MemoryError as error:
        raise Rejected("unreadable", "it needs more memory than one file may take") from error
    except Exception as error:
        # One file that breaks an assumption must not fail the rest of the batch.
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
        "notices": piece.notices,
        "steps": list(steps),
        "step_counts": list(steps.values()),
    }


def _parts_table(pieces: Sequence[CleanPiece]) -> pa.Table:
    sizes = [len(piece.parts.names) for piece in pieces]
    columns: dict[str, Any] = {
        "piece": np.repeat(np.arange(len(pieces)), sizes),
        "part": np.concatenate([np.arange(size) for size in sizes]) if sizes else _empty_array(),
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
        arrays.append(pa.array(values, type=pa.type_for_alias(kind)))
    return pa.Table.from_arrays(arrays, schema=schema_of(contract))


def _joined(columns: Sequence[Any]) -> Any:
    return np.concatenate(columns) if columns else _empty_array()


def _empty_array() -> Any:
    return np.zeros(0, dtype=np.int64)
