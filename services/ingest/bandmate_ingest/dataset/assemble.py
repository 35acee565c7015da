"""Assembles a dataset from cleaned batches and writes it: Parquet tables, the manifest last, then `latest/`."""

import hashlib
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from bandmate_shared.contracts.datasets import MEASURE_COLUMNS, NOTE_COLUMNS, PART_COLUMNS, PIECE_COLUMNS, Split
from bandmate_shared.errors import Unavailable
from bandmate_shared.objects.base import Storage
from bandmate_shared.objects.blobs import sha256_of
from bandmate_shared.registry.dataset_versions import follow, latest_revision

from bandmate_ingest.cleaning.batch import CleanedBatch, schema_of
from bandmate_ingest.cleaning.rules import CleaningRules
from bandmate_ingest.dataset.duplicates import Relations, relate
from bandmate_ingest.dataset.incremental import Earlier, InventoryFile, inventory_table, read_inventory, read_splits
from bandmate_ingest.dataset.splits import assign_splits
from bandmate_ingest.sources.published import strictest

MANIFEST = "manifest.json"
INVENTORY = "files.parquet"
SHARDS = "shards.json"
FILES = (
    "pieces.parquet",
    "parts.parquet",
    "measures.parquet",
    "notes.parquet",
    INVENTORY,
    "report.json",
    "report.html",
)
"""A dataset's files besides its manifest."""
_PARQUET = {"compression": "zstd", "compression_level": 1, "write_statistics": True, "store_schema": False}


@dataclass(frozen=True, slots=True)
class Assembled:
    """A dataset in memory: one table a Parquet file, and what each offered file became."""

    tables: dict[str, pa.Table]
    inventory: list[InventoryFile]
    outcomes: list[tuple[str | None, str | None]]
    steps: dict[str, int]
    notices: dict[str, list[str]]
    """Of the pieces kept, by the name of their file."""


def assemble(
    inventory: Sequence[InventoryFile],
    batches: Sequence[CleanedBatch],
    splits: Mapping[str, Split],
    rules: CleaningRules,
) -> Assembled:
    """Decide on duplicates and splits, and gather the tables of the pieces that stay, in the inventory's order.

    Args:
        inventory: every file offered, in order of arrival; the earlier of two equal ones is kept.
        batches: cleaned files. Every sha256 of the inventory occurs in one; where in several, the last one counts;
            a file in none has changed under the run's feet.
        splits: of pieces in an earlier version, by sha256.
    """
    position_of = {
        sha256: (number, row)
        for number, batch in enumerate(batches)
        for row, sha256 in enumerate(batch.files["sha256"].to_pylist())
    }
    rows = [batch.files.to_pylist() for batch in batches]
    outcomes, candidates = _by_themselves(inventory, position_of, rows)

    files = [inventory[number] for number in candidates]
    by_content: dict[str, Split | None] = {}
    for file in inventory:
        by_content[file.sha256] = strictest((by_content.get(file.sha256), file.published))
    published = [by_content[file.sha256] for file in files]
    positions = [position_of[file.sha256] for file in files]
    cleaned = [rows[batch][row] for batch, row in positions]
    fingerprints = [np.array(row["fingerprint"], dtype=np.uint64) for row in cleaned]
    known = [splits.get(file.sha256) for file in files]
    relations = relate(fingerprints, known, rules, published=published)
    for index, original in enumerate(relations.copy_of):
        if original >= 0:
            outcomes[candidates[index]] = (
                "near-duplicate",
                _rejection_detail(files[original], relations, index, rules),
            )

    kept_indices = [index for index, original in enumerate(relations.copy_of) if original < 0]
    piece_of = {index: piece for piece, index in enumerate(kept_indices)}
    groups = [piece_of[relations.group[index]] for index in kept_indices]
    pieces = [files[index] for index in kept_indices]
    rows_kept = [cleaned[index] for index in kept_indices]
    assigned = assign_splits(
        [file.sha256 for file in pieces], groups, splits, [published[index] for index in kept_indices]
    )
    tables = {
        "pieces": _pieces_table(rows_kept, pieces, groups, assigned),
        **_gather([positions[index] for index in kept_indices], batches),
        "files": inventory_table(inventory, outcomes),
    }
    notices = {file.name: row["notices"] for file, row in zip(pieces, rows_kept, strict=True) if row.get("notices")}
    return Assembled(tables, list(inventory), outcomes, _steps(outcomes, rows_kept), notices)


def _by_themselves(
    inventory: Sequence[InventoryFile],
    position_of: Mapping[str, tuple[int, int]],
    rows: Sequence[Sequence[Mapping[str, Any]]],
) -> tuple[list[tuple[str | None, str | None]], list[int]]:
    """Each file's outcome before it is compared with others, and the indices of those accepted so far."""
    outcomes: list[tuple[str | None, str | None]] = []
    accepted: list[int] = []
    first_with: dict[str, str] = {}
    for number, file in enumerate(inventory):
        if file.sha256 in first_with:
            outcomes.append(("duplicate", f"the same bytes as {first_with[file.sha256]}"))
            continue
        first_with[file.sha256] = file.name
        if file.sha256 not in position_of:
            outcomes.append(("unreadable", "it changed while it was being read"))
            continue
        batch, row = position_of[file.sha256]
        outcomes.append((rows[batch][row]["reason"], rows[batch][row]["detail"]))
        if rows[batch][row]["accepted"]:
            accepted.append(number)
    return outcomes, accepted


def _rejection_detail(original: InventoryFile, relations: Relations, index: int, rules: CleaningRules) -> str:
    """Why a piece is left out: it copies another, or it resembles pieces of another split than its own."""
    alike = relations.resemblance[index]
    if alike >= rules.copy_similarity:
        return f"the music of {original.name} ({alike:.0%} alike)"
    return f"kin to {original.name}, and would tell one split of another ({alike:.0%} alike)"


@dataclass(frozen=True, slots=True)
class Written:
    """A dataset in the store."""

    name: str
    version: str
    sha256: str
    manifest: bytes

    @property
    def prefix(self) -> str:
        return f"datasets/{self.name}/{self.version}"


def describe(name: str, assembled: Assembled, rules: CleaningRules) -> tuple[Written, dict[str, bytes]]:
    """The dataset's files as bytes, with the manifest and the version that follow from them.

    The version is the hash of the tables, so the same files in the same order give the same version and manifest
    however many runs they came in.
    """
    files = {f"{table}.parquet": parquet_bytes(content) for table, content in assembled.tables.items()}
    entries = {
        file: {"sha256": sha256_of(data), "size": len(data), "rows": assembled.tables[file.split(".")[0]].num_rows}
        for file, data in sorted(files.items())
    }
    identity = json.dumps(entries, sort_keys=True)
    version = hashlib.sha256(identity.encode()).hexdigest()[:12]
    manifest = {
        "kind": "dataset",
        "name": name,
        "version": version,
        "rules_version": rules.version,
        "files": entries,
    }
    data = json.dumps(manifest, indent=1, sort_keys=True).encode()
    return Written(name, version, sha256_of(data), data), files


class Overtaken(Unavailable):
    """Another job wrote the same dataset meanwhile; a new attempt will build upon what it wrote."""

    type = "overtaken"
    title = "The dataset was changed by another job"


def write(
    storage: Storage, written: Written, files: Mapping[str, bytes], shards: Sequence[str], earlier: Earlier
) -> None:
    """Everything under the version, the manifest last; then it becomes the latest.

    `shards` are the keys of the cleaned batches the dataset was made of, later ones after earlier ones; `earlier` is
    what it was built upon.

    Raises:
        Overtaken: `earlier` is not the latest any more.
    """
    storage.put(f"{written.prefix}/{SHARDS}", json.dumps(list(shards)).encode())
    for file, data in files.items():
        storage.put(f"{written.prefix}/{file}", data)
    storage.put(f"{written.prefix}/{MANIFEST}", written.manifest)
    if not follow(storage, written.name, written.version, after=earlier.revision):
        raise Overtaken(f"{written.name} was changed by another job while this one worked on it")


def latest(storage: Storage, name: str) -> Earlier:
    """What the dataset's latest version consists of; an empty `Earlier` when there is none yet."""
    revision, version = latest_revision(storage, name)
    if version is None:
        return Earlier()
    prefix = f"datasets/{name}/{version}"
    return Earlier(
        version=version,
        revision=revision,
        shards=[str(key) for key in json.loads(storage.get(f"{prefix}/{SHARDS}"))],
        inventory=read_inventory(storage.get(f"{prefix}/{INVENTORY}")),
        splits=read_splits(storage.get(f"{prefix}/pieces.parquet")),
    )


def stored(storage: Storage, name: str, version: str) -> tuple[Written, dict[str, bytes]]:
    """A version of a dataset as it lies in the store."""
    prefix = f"datasets/{name}/{version}"
    manifest = storage.get(f"{prefix}/{MANIFEST}")
    return Written(name, version, sha256_of(manifest), manifest), {
        file: storage.get(f"{prefix}/{file}") for file in FILES
    }


def parquet_bytes(table: pa.Table) -> bytes:
    """A table as Parquet; the same table gives the same bytes under the same Arrow version."""
    sink = io.BytesIO()
    pq.write_table(table, sink, **_PARQUET)
    return sink.getvalue()


def _pieces_table(
    rows: Sequence[Mapping[str, Any]], files: Sequence[InventoryFile], groups: Sequence[int], splits: Sequence[Split]
) -> pa.Table:
    columns: dict[str, Any] = {name: [row.get(name) for row in rows] for name in PIECE_COLUMNS}
    columns |= {
        "piece": list(range(len(rows))),
        "name": [file.name for file in files],
        "style": [file.style for file in files],
        "split": list(splits),
        "duplicate_group": list(groups),
    }
    return pa.table(columns, schema=schema_of(PIECE_COLUMNS))


def _gather(positions: Sequence[tuple[int, int]], batches: Sequence[CleanedBatch]) -> dict[str, pa.Table]:
    """The parts, measures and notes of the chosen pieces, renumbered in the order chosen.

    `positions` are (batch, row of its files table); a batch numbers only its accepted files.
    """
    targets = [np.full(int(batch.files["accepted"].to_numpy().sum()), -1, dtype=np.int64) for batch in batches]
    local = [np.cumsum(batch.files["accepted"].to_numpy()) - 1 for batch in batches]
    for piece, (number, row) in enumerate(positions):
        targets[number][local[number][row]] = piece
    contracts = {"parts": PART_COLUMNS, "measures": MEASURE_COLUMNS, "notes": NOTE_COLUMNS}
    return {
        name: _renumber([getattr(batch, name) for batch in batches], targets, schema_of(contract))
        for name, contract in contracts.items()
    }


def _renumber(tables: Sequence[pa.Table], targets: Sequence[np.ndarray], schema: pa.Schema) -> pa.Table:
    if not tables:
        return schema.empty_table()
    combined = pa.concat_tables(tables).combine_chunks()
    pieces = [
        target[table["piece"].to_numpy()] if table.num_rows else np.zeros(0, dtype=np.int64)
        for table, target in zip(tables, targets, strict=True)
    ]
    piece = np.concatenate(pieces)
    order = np.argsort(piece, kind="stable")
    order = order[np.searchsorted(piece[order], 0) :]
    columns = [pa.array(piece[order].astype(np.int32))]
    for column in combined.columns[1:]:
        # Fancy indexing of plain numbers is several times faster than Arrow's take.
        plain = pa.types.is_integer(column.type)
        columns.append(pa.array(column.to_numpy()[order]) if plain else column.take(pa.array(order)))
    return pa.Table.from_arrays(columns, schema=schema)


def _steps(outcomes: Sequence[tuple[str | None, str | None]], kept_rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """How often each cleaning step applied: in files for those that reject, else see `piece.STEPS`."""
    counts: Counter[str] = Counter(reason for reason, _ in outcomes if reason)
    for row in kept_rows:
        for step, count in zip(row["steps"] or (), row["step_counts"] or (), strict=True):
            counts[step] += count
    return dict(counts)
