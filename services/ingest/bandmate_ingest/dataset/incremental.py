"""State kept between runs: cleaned batches in the object store, and the inventory of files of a dataset.

A cleaned batch (a shard) lies under the hash of what went into it, so a run that was killed finds the batches it had
finished, and a dataset asked for again costs only the reading of its sources.
"""

import hashlib
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.parquet as pq
from bandmate_music.limits import Limits
from bandmate_shared.contracts.datasets import Split, SplitSource
from bandmate_shared.errors import NotFound
from bandmate_shared.objects.base import Storage

from bandmate_ingest.cleaning.batch import CleanedBatch, RawFile, schema_of
from bandmate_ingest.cleaning.rules import CleaningRules
from bandmate_ingest.pool.batch_bytes import pack_batch, unpack_batch
from bandmate_ingest.sources.published import published_splits

INVENTORY_COLUMNS = dict.fromkeys(("name", "style", "sha256", "published", "reason", "detail"), "string")
"""files.parquet: every file the dataset was offered, in the order it came, with the split its folder said (null: none);
no reason means accepted."""


@dataclass(frozen=True, slots=True)
class InventoryFile:
    """A file a dataset was offered."""

    name: str
    style: str
    sha256: str
    published: Split | None = None
    """The split that its folder says."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """The version of a dataset that a run builds upon; all empty the first time."""

    version: str | None = None
    revision: int = 0
    """The number of the revision that made it the latest; a new version follows this one or none."""
    shards: list[str] = field(default_factory=list)
    inventory: list[InventoryFile] = field(default_factory=list)
    splits: dict[str, Split] = field(default_factory=dict)


def shard_key(items: Sequence[RawFile], limits: Limits, rules: CleaningRules) -> str:
    """Where the cleaned form of these files lies: a function of their bytes, the limits and the rules."""
    digest = hashlib.sha256(repr(limits).encode())
    for item in items:
        digest.update(hashlib.sha256(item.data).digest())
    return f"ingest/{rules.version}/{digest.hexdigest()}"


def load_shard(storage: Storage, key: str) -> CleanedBatch | None:
    """A cleaned batch; None when it was never finished, or its bytes are damaged."""
    try:
        return unpack_batch(storage.get(key))
    except (NotFound, ValueError, pa.ArrowException):
        return None


def save_shard(storage: Storage, key: str, batch: CleanedBatch) -> None:
    storage.put(key, pack_batch(batch))


def inventory_table(files: Sequence[InventoryFile], outcomes: Sequence[tuple[str | None, str | None]]) -> pa.Table:
    """files.parquet's table; `outcomes` are (reason, detail), both None for an accepted file."""
    return pa.table(
        {
            "name": [file.name for file in files],
            "style": [file.style for file in files],
            "sha256": [file.sha256 for file in files],
            "published": [file.published for file in files],
            "reason": [reason for reason, _ in outcomes],
            "detail": [detail for _, detail in outcomes],
        },
        schema=schema_of(INVENTORY_COLUMNS),
    )


def read_inventory(data: bytes) -> list[InventoryFile]:
    """The files of files.parquet; one that an earlier release wrote has no published splits."""
    columns = ["name", "style", "sha256", "published"]
    table = pq.read_table(io.BytesIO(data))
    present = table.select([name for name in columns if name in table.column_names])
    return [InventoryFile(**row) for row in present.to_pylist()]


def read_splits(data: bytes) -> dict[str, Split]:
    """The split of each piece by its file's sha256, from pieces.parquet."""
    table = pq.read_table(io.BytesIO(data), columns=["sha256", "split"])
    return dict(zip(table["sha256"].to_pylist(), table["split"].to_pylist(), strict=True))


def with_published(files: Sequence[InventoryFile], splits: SplitSource) -> list[InventoryFile]:
    """Files that were offered together, with the splits their folders say, if folders are to be heard."""
    if splits == "hash":
        return list(files)
    folder_splits = published_splits([file.name for file in files])
    return [replace(file, published=split) for file, split in zip(files, folder_splits, strict=True)]


def joined_inventory(
    earlier: Sequence[InventoryFile], new_files: Iterable[InventoryFile], *, relabel: bool = False
) -> list[InventoryFile]:
    """Earlier files, then those found now for the first time (the same bytes under the same name are one file).

    `relabel`: files that are known take the style that they have now.
    """
    places = {(file.name, file.sha256): index for index, file in enumerate(earlier)}
    result = list(earlier)
    for file in new_files:
        place = places.setdefault((file.name, file.sha256), len(result))
        if place == len(result):
            result.append(file)
        elif relabel:
            result[place] = replace(result[place], style=file.style)
    return result
