"""Packs: many small files as few large ones, and the record of what has been packed and cleaned.

Under `packs/<name>/` in the store:
  data/<sha256>.parquet      files in batches; a row group is a batch (PACK_SCHEMA)
  offered/<sha256>.parquet   every file a run was offered, in order, also those it did not need to pack (OFFERED_SCHEMA)
  runs/000001.json           a run of the packer, written last and once: which of the above belong to it
  cleaned/<rules and limits>/000001.json   the cleaned batches of that run, in order: Spark is done with it

The runs are the manifest for increments: what they list is not packed again, what `cleaned` lists is not cleaned again.
"""

import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import pyarrow as pa
import pyarrow.parquet as pq
from bandmate_ingest.cleaning.rules import CleaningRules
from bandmate_ingest.dataset.incremental import InventoryFile, joined_inventory, with_published
from bandmate_music.limits import Limits
from bandmate_shared.contracts.datasets import RejectedFile, SplitSource
from bandmate_shared.errors import NotFound, Unavailable
from bandmate_shared.objects.base import AlreadyExists, Storage
from bandmate_shared.objects.blobs import sha256_of

_PACK_COLUMNS = "run:int32 batch:int32 files:int32 name:string style:string sha256:string data:binary"
PACK_SCHEMA = pa.schema(
    [(name, pa.type_for_alias(kind)) for name, kind in (column.split(":") for column in _PACK_COLUMNS.split())]
)
"""A row a file; `run` and `batch` name the batch it is cleaned in, `files` says how many rows that batch has."""

OFFERED_SCHEMA = pa.schema(
    [("name", pa.string()), ("style", pa.string()), ("sha256", pa.string()), ("detail", pa.string())]
)
"""A row a file; one that could not be read has a detail and no sha256."""

_PARQUET = {"compression": "zstd", "compression_level": 1, "use_dictionary": ["style"], "write_statistics": False}


class Overtaken(Unavailable):
    """Another packer wrote the same run meanwhile; run this one again."""

    type = "overtaken"
    title = "The packs were added to by another run"


@dataclass(frozen=True, slots=True)
class Offered:
    """A file that a packer came upon; `sha256` is empty where it could not be read, and `detail` says why."""

    name: str
    style: str
    sha256: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class PackRun:
    """What one run of the packer added."""

    number: int
    packs: list[str]
    """Keys of the packs, in order."""
    offered: str
    batches: int
    files: int
    """Files in the packs."""
    bytes: int
    """Bytes of those files."""
    splits: SplitSource = "folders"
    """How the splits of its files are decided."""
    relabels: bool = False
    """A style was named for it: its files have that style, also those that were known before."""


@dataclass(frozen=True, slots=True)
class Packed:
    """All runs together."""

    runs: list[PackRun]
    inventory: list[InventoryFile]
    relabelled: list[InventoryFile]
    """The files of the inventory whose style was named, as they are there."""
    unread: list[RejectedFile]


def read_packed(storage: Storage, name: str) -> Packed:
    """What has been packed under a name so far; nothing at all before the first run."""
    runs = read_runs(storage, name)
    last: dict[str, Offered] = {}
    inventory: list[InventoryFile] = []
    named: set[tuple[str, str]] = set()
    for run in runs:
        offered_files = list(read_offered(storage.get(run.offered)))
        last |= {offered.name: offered for offered in offered_files}
        files = [
            InventoryFile(offered.name, offered.style, offered.sha256) for offered in offered_files if offered.sha256
        ]
        inventory = joined_inventory(inventory, with_published(files, run.splits), relabel=run.relabels)
        if run.relabels:
            named |= {(file.name, file.sha256) for file in files}
    unread = [RejectedFile(name=o.name, reason="unreadable", detail=o.detail) for o in last.values() if not o.sha256]
    return Packed(runs, inventory, [file for file in inventory if (file.name, file.sha256) in named], unread)


def read_runs(storage: Storage, name: str) -> list[PackRun]:
    """The runs of the packer, the first one first."""
    return [PackRun(**json.loads(storage.get(key))) for key in storage.keys(f"packs/{name}/runs/")]


def add_run(storage: Storage, name: str, run: PackRun) -> None:
    """Make a run count. Raises Overtaken."""
    try:
        storage.put(f"packs/{name}/runs/{run.number:06}.json", _json(asdict(run)), if_absent=True)
    except AlreadyExists as error:
        raise Overtaken(f"another packer wrote run {run.number} of {name} meanwhile; start this one again") from error


def put_pack(storage: Storage, name: str, table_bytes: bytes, kind: str) -> str:
    """Store a pack's data or its list of files under its hash; returns the key."""
    key = f"packs/{name}/{kind}/{sha256_of(table_bytes)}.parquet"
    try:
        storage.put(key, table_bytes, if_absent=True)
    except AlreadyExists:
        pass
    return key


class PackWriter:
    """One pack in the making: a Parquet file with a row group a batch."""

    def __init__(self, run: int) -> None:
        self._run = run
        self._batches = 0
        self._sink = io.BytesIO()
        self._writer = pq.ParquetWriter(self._sink, PACK_SCHEMA, **_PARQUET)

    @property
    def size(self) -> int:
        """Bytes written so far, compressed."""
        return self._sink.tell()

    @property
    def is_empty(self) -> bool:
        return self._batches == 0

    def add(self, batch: int, files: Sequence[tuple[Offered, bytes]]) -> None:
        """Add a batch; it is cleaned as one, so its files stay in this order."""
        table = pa.table(
            {
                "run": [self._run] * len(files),
                "batch": [batch] * len(files),
                "files": [len(files)] * len(files),
                "name": [offered.name for offered, _ in files],
                "style": [offered.style for offered, _ in files],
                "sha256": [offered.sha256 for offered, _ in files],
                "data": [data for _, data in files],
            },
            schema=PACK_SCHEMA,
        )
        self._writer.write_table(table, row_group_size=len(files))
        self._batches += 1

    def finish(self) -> bytes:
        self._writer.close()
        return self._sink.getvalue()


def offered_bytes(offered: Sequence[Offered]) -> bytes:
    """The list of a run's files as Parquet."""
    table = pa.Table.from_pylist([asdict(file) for file in offered], schema=OFFERED_SCHEMA)
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def read_offered(data: bytes) -> Iterator[Offered]:
    for row in pq.read_table(io.BytesIO(data)).to_pylist():
        yield Offered(**row)


def read_cleaned(storage: Storage, name: str, run: PackRun, limits: Limits, rules: CleaningRules) -> list[str] | None:
    """Keys of a run's cleaned batches, in order; None when it was not cleaned under these limits and rules."""
    try:
        return [str(key) for key in json.loads(storage.get(_cleaned_key(name, run, limits, rules)))]
    except NotFound:
        return None


def put_cleaned(
    storage: Storage, name: str, run: PackRun, limits: Limits, rules: CleaningRules, shards: Sequence[str]
) -> None:
    """Note that a run has been cleaned."""
    storage.put(_cleaned_key(name, run, limits, rules), _json(list(shards)))


def _cleaned_key(name: str, run: PackRun, limits: Limits, rules: CleaningRules) -> str:
    bounds = hashlib.sha256(repr(limits).encode()).hexdigest()[:12]
    return f"packs/{name}/cleaned/{rules.version}-{bounds}/{run.number:06}.json"


def _json(value: object) -> bytes:
    return json.dumps(value, indent=1).encode()
