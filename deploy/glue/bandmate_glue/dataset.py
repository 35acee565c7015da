"""The whole job: clean on the executors what has not been cleaned, then put the dataset together on the driver.

Everything after the cleaning is the ingest service's code (`bandmate_ingest.build.publish`), on the same batches in
the same order, so the dataset's bytes do not tell which way they were made.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from bandmate_ingest.build import Built, known_batches, publish, unchanged
from bandmate_ingest.cleaning.batch import CleanedBatch
from bandmate_ingest.dataset.assemble import latest
from bandmate_ingest.dataset.incremental import joined_inventory, load_shard
from bandmate_shared.errors import NotFound, Unavailable
from bandmate_shared.objects.base import Storage

from bandmate_glue.cleaning import RESULT_SCHEMA, Task, cleaner
from bandmate_glue.packs import Packed, PackRun, put_cleaned, read_cleaned, read_packed

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_LOADERS = 16
"""Cleaned batches read from the store at the same time."""
ROWS_PER_FRAME = 256
"""Files that travel from Spark to Python at a time; Spark's own 10,000 would be hundreds of megabytes."""


def build_dataset(spark: "SparkSession | None", packs: str, name: str, task: Task) -> Built:
    """The dataset `name` from all packs under the name `packs`, on top of what it held before.

    Without Spark it is put together from what an earlier run has cleaned.

    Raises:
        NotFound: nothing has been packed under this name, or, without Spark, not all of it has been cleaned.
        Overtaken: another job changed the dataset meanwhile; a new attempt will build upon what it wrote.
    """
    started = time.monotonic()
    storage = task.open()
    packed = _read_packed(storage, packs)
    earlier = latest(storage, name)
    batches = known_batches(storage, earlier)
    inventory = joined_inventory(earlier.inventory, packed.inventory)
    inventory = joined_inventory(inventory, packed.relabelled, relabel=True)
    fresh = {key: None for run in packed.runs for key in _cleaned_run(spark, storage, packs, run, task)}
    new = [key for key in fresh if key not in batches]
    if earlier.version is not None and not new and inventory == earlier.inventory:
        return unchanged(name, earlier.version, storage, packed.unread, time.monotonic() - started)
    batches |= _load(storage, new)
    cleaned = sum(batches[key].files.num_rows for key in new)
    return publish(
        name, storage, earlier, inventory, batches, packed.unread, task.rules, started=started, fresh=cleaned
    )


def clean_all(spark: "SparkSession", packs: str, task: Task) -> int:
    """Clean what has not been cleaned, and leave the dataset to another; returns how many batches there are.

    Raises NotFound: nothing has been packed under this name.
    """
    storage = task.open()
    packed = _read_packed(storage, packs)
    return sum(len(_cleaned_run(spark, storage, packs, run, task)) for run in packed.runs)


def _read_packed(storage: Storage, packs: str) -> Packed:
    packed = read_packed(storage, packs)
    if not packed.runs:
        raise NotFound(f"nothing has been packed under {packs!r}; run `python -m bandmate_glue.pack` first")
    return packed


def _cleaned_run(spark: "SparkSession | None", storage: Storage, packs: str, run: PackRun, task: Task) -> list[str]:
    """Keys of a run's cleaned batches, in order, from the manifest or from Spark."""
    if not run.packs:
        return []
    noted = read_cleaned(storage, packs, run, task.limits, task.rules)
    if noted is not None and all(storage.exists(key) for key in noted):
        return noted
    if spark is None:
        raise NotFound(
            f"run {run.number} of {packs!r} has not been cleaned under these rules; run the step `clean` first"
        )
    shards = clean_packs(spark, [_location(task, key) for key in run.packs], task)
    if sorted(shards) != [(run.number, batch) for batch in range(run.batches)]:
        raise Unavailable(f"Spark gave {len(shards)} of the {run.batches} batches of run {run.number}")
    keys = [shards[index] for index in sorted(shards)]
    put_cleaned(storage, packs, run, task.limits, task.rules, keys)
    return keys


def clean_packs(spark: "SparkSession", locations: Sequence[str], task: Task) -> dict[tuple[int, int], str]:
    """Clean packs on the executors; for each (run, batch) the key of its cleaned form."""
    if not locations:
        return {}
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", str(ROWS_PER_FRAME))
    rows = spark.read.parquet(*locations).mapInPandas(cleaner(task), RESULT_SCHEMA).collect()
    return {(row["run"], row["batch"]): row["shard"] for row in rows}


def _location(task: Task, key: str) -> str:
    """Where Spark finds an object of the store."""
    return f"{task.storage_url.rstrip('/')}/{task.prefix}{key}"


def _load(storage: Storage, keys: Sequence[str]) -> dict[str, CleanedBatch]:
    with ThreadPoolExecutor(_LOADERS) as threads:
        loaded = dict(zip(keys, threads.map(lambda key: load_shard(storage, key), keys), strict=True))
    lost = [key for key, batch in loaded.items() if batch is None]
    if lost:
        raise Unavailable(f"{len(lost)} cleaned batches are damaged, {lost[0]} for one; remove them and run again")
    return {key: batch for key, batch in loaded.items() if batch is not None}
