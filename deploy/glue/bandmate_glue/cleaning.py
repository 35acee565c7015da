"""The cleaning under Spark: `mapInPandas` over the rows of packs, each batch through the ingest service's own pool.

An executor's Python process keeps one cleaning process beside it. That process gives up its rights and its memory is
bounded, just as on a laptop, so a file that crashes its reader becomes a rejected row there and not a failed task.

A cleaned batch goes to the store under the hash of what went into it. A task that Spark tries again, or runs twice to
be quicker, writes the same bytes to the same keys, and finds those that are there already.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from bandmate_ingest.cleaning.batch import CleanedBatch, RawFile
from bandmate_ingest.cleaning.rules import CleaningRules
from bandmate_ingest.dataset.incremental import load_shard, save_shard, shard_key
from bandmate_ingest.pool.parent import CleaningPool
from bandmate_ingest.sources.space import Space
from bandmate_music.limits import Limits
from bandmate_shared.errors import Unavailable
from bandmate_shared.objects.base import Storage, tenant_space
from bandmate_shared.objects.open import open_storage

RESULT_SCHEMA = "run int, batch int, shard string, files int, accepted int, cleaned boolean, seconds double"
"""A row per batch: the key of its cleaned form, and whether it was cleaned now or already stored."""


@dataclass(frozen=True)
class Task:
    """What an executor needs; it is serialised with the function."""

    storage_url: str
    tenant: str
    limits: Limits
    rules: CleaningRules
    file_seconds: float
    memory_bytes: int

    @property
    def prefix(self) -> str:
        """Prefix of all the tenant's keys."""
        return tenant_space(self.tenant)

    def open(self) -> Storage:
        return Space(open_storage(self.storage_url), self.prefix)


Frames = Iterator[pd.DataFrame]


def cleaner(task: Task) -> Callable[[Frames], Frames]:
    """The function for `mapInPandas`: rows of packs in, rows of RESULT_SCHEMA out."""

    def clean(frames: Frames) -> Frames:
        yield from clean_frames(frames, task)

    return clean


def clean_frames(frames: Frames, task: Task) -> Frames:
    """Clean one partition.

    Raises:
        Unavailable: the partition holds half a batch, or the store or the cleaning process does not answer.
    """
    storage = task.open()
    with CleaningPool(
        task.limits, task.rules, processes=1, file_seconds=task.file_seconds, memory_bytes=task.memory_bytes
    ) as pool:
        for run, batch, items in batches(frames):
            started = time.monotonic()
            key = shard_key(items, task.limits, task.rules)
            shard, cleaned = load_shard(storage, key), False
            if shard is None:
                shard, cleaned = _cleaned(pool, items), True
                save_shard(storage, key, shard)
            accepted = int(shard.files["accepted"].to_numpy().sum())
            yield pd.DataFrame(
                [(run, batch, key, len(items), accepted, cleaned, time.monotonic() - started)],
                columns=[column.split()[0] for column in RESULT_SCHEMA.split(", ")],
            )


def batches(frames: Frames) -> Iterator[tuple[int, int, list[RawFile]]]:
    """The batches of a partition: run, batch, files. A batch is a row group, which Spark never divides; frames are
    cut anywhere."""
    current: tuple[int, int, int] | None = None
    items: list[RawFile] = []
    for frame in frames:
        columns: Sequence[Any] = [frame[name] for name in ("run", "batch", "files", "name", "data")]
        for run, batch, files, name, data in zip(*columns, strict=True):
            if current is None:
                current = (int(run), int(batch), int(files))
            if current[:2] != (run, batch):
                raise Unavailable(f"batch {current[1]} of run {current[0]} has {len(items)} of {current[2]} files here")
            items.append(RawFile(str(name), bytes(data)))
            if len(items) == current[2]:
                yield current[0], current[1], items
                current, items = None, []
    if current is not None:
        raise Unavailable(f"batch {current[1]} of run {current[0]} has {len(items)} of {current[2]} files here")


def _cleaned(pool: CleaningPool, items: Sequence[RawFile]) -> CleanedBatch:
    (shard,) = pool.clean([items])
    return shard
