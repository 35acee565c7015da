"""The same files through Spark and through the process pool: the same dataset, byte for byte."""

import io
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from bandmate_glue.cleaning import RESULT_SCHEMA, Frames, Task, clean_frames
from bandmate_glue.dataset import build_dataset, clean_all, clean_packs
from bandmate_glue.pack import pack
from bandmate_glue.packs import read_cleaned, read_packed
from bandmate_ingest.build import Built
from bandmate_shared.contracts.datasets import SplitSource
from bandmate_shared.errors import NotFound
from bandmate_shared.registry.dataset_versions import latest_revision
from pyspark import TaskContext
from pyspark.sql import SparkSession

from tests.glue.conftest import LIMITS, RULES, dataset_files
from tests.support.tunes import write_tunes

# PySpark leaves the socket of a collected result to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")

BATCH = 8
"""Small batches and packs, so that a hundred files fill several packs and partitions."""


def pack_sources(task: Task, *sources: Path, batch_files: int = BATCH, pack_bytes: int = 12_000) -> list[str]:
    """Pack sources into the task's store; returns the locations of the packs of that run."""
    run = pack(
        task.open(),
        "music",
        [str(source) for source in sources],
        None,
        LIMITS,
        batch_files=batch_files,
        pack_bytes=pack_bytes,
    )
    assert run is not None
    return [f"{task.storage_url}/{key}" for key in run.packs]


def test_every_byte_of_the_dataset_is_the_same(
    spark: SparkSession, task: Task, music: Path, by_pool: Callable[..., Built], tmp_path: Path
) -> None:
    locations = pack_sources(task, music / "first")
    assert len(locations) >= 3
    assert spark.read.parquet(*locations).rdd.getNumPartitions() >= 2
    built = build_dataset(spark, "music", "music", task)
    expected = by_pool(music / "first", batch_files=BATCH)
    assert built.written == expected.written
    assert dataset_files(tmp_path / "glue") == dataset_files(tmp_path / "pool")
    reasons = Counter(row["reason"] for row in pq.read_table(io.BytesIO(built.files["files.parquet"])).to_pylist())
    assert reasons[None] >= 60
    assert reasons["duplicate"] >= 2
    assert reasons["near-duplicate"] >= 1
    assert reasons["unreadable"] >= 5


def test_other_batches_and_packs_give_the_same_tables(
    spark: SparkSession, task: Task, music: Path, by_pool: Callable[..., Built]
) -> None:
    pack_sources(task, music / "first", batch_files=5, pack_bytes=30_000)
    assert build_dataset(spark, "music", "music", task).written == by_pool(music / "first").written


def test_increments_are_the_same_too_and_clean_only_what_is_new(
    spark: SparkSession, task: Task, music: Path, by_pool: Callable[..., Built], tmp_path: Path
) -> None:
    pack_sources(task, music / "first")
    first = build_dataset(spark, "music", "music", task)
    by_pool(music / "first", batch_files=BATCH)
    pack_sources(task, music / "first", music / "second")
    second = build_dataset(spark, "music", "music", task)
    expected = by_pool(music / "first", music / "second", batch_files=BATCH)
    assert second.written == expected.written != first.written
    assert second.report.files_processed == expected.report.files_processed
    assert 0 < second.report.files_processed < first.report.files_processed
    assert dataset_files(tmp_path / "glue") == dataset_files(tmp_path / "pool")


def test_a_second_run_finds_nothing_to_do(spark: SparkSession, task: Task, music: Path, tmp_path: Path) -> None:
    pack_sources(task, music / "second")
    first = build_dataset(spark, "music", "music", task)
    before = dataset_files(tmp_path / "glue")
    assert pack(task.open(), "music", [str(music / "second")], None, LIMITS, batch_files=BATCH) is None
    again = build_dataset(spark, "music", "music", task)
    assert again.written == first.written
    assert again.report.files_processed == 0
    assert dataset_files(tmp_path / "glue") == before


def test_a_style_that_is_named_relabels_known_files_as_the_service_does(
    spark: SparkSession, task: Task, music: Path, by_pool: Callable[..., Built], tmp_path: Path
) -> None:
    folder = music / "second"
    pack_sources(task, folder)
    first = build_dataset(spark, "music", "music", task)
    by_pool(folder, batch_files=BATCH)
    assert pack(task.open(), "music", [str(folder)], "hymn", LIMITS, batch_files=BATCH) is not None
    relabelled = build_dataset(None, "music", "music", task)
    assert relabelled.written != first.written
    assert relabelled.report.files_processed == 0
    assert relabelled.written == by_pool(folder, batch_files=BATCH, style="hymn").written
    assert dataset_files(tmp_path / "glue") == dataset_files(tmp_path / "pool")
    pieces = pq.read_table(io.BytesIO(relabelled.files["pieces.parquet"])).to_pylist()
    assert {piece["style"] for piece in pieces} == {"hymn"}
    assert build_dataset(None, "music", "music", task).written == relabelled.written


def test_the_order_of_batches_does_not_matter(spark: SparkSession, task: Task, music: Path) -> None:
    locations = pack_sources(task, music / "second", pack_bytes=4_000)
    forward = clean_packs(spark, locations, task)
    for key in set(forward.values()):
        task.open().delete(key)
    assert clean_packs(spark, locations[::-1], task) == forward
    assert all(task.open().exists(key) for key in forward.values())


def test_a_task_that_fails_halfway_is_retried_with_the_same_result(
    spark: SparkSession, task: Task, music: Path, by_pool: Callable[..., Built]
) -> None:
    locations = pack_sources(task, music / "second", pack_bytes=1 << 20)

    def fails_at_first(frames: Frames) -> Frames:
        context = TaskContext.get()
        assert context is not None
        for number, result in enumerate(clean_frames(frames, task)):
            if number == 1 and context.attemptNumber() == 0:
                raise RuntimeError("the executor was lost")
            yield result

    rows = spark.read.parquet(*locations).coalesce(1).mapInPandas(fails_at_first, RESULT_SCHEMA).collect()
    assert sorted(row["cleaned"] for row in rows)[:2] == [False, False], "the first attempt's work was thrown away"
    assert any(row["cleaned"] for row in rows)
    built = build_dataset(spark, "music", "music", task)
    assert built.written == by_pool(music / "second", batch_files=BATCH).written


def test_a_lost_batch_is_cleaned_anew(spark: SparkSession, task: Task, music: Path) -> None:
    pack_sources(task, music / "second")
    first = build_dataset(spark, "music", "music", task)
    storage = task.open()
    (run,) = read_packed(storage, "music").runs
    cleaned_keys = read_cleaned(storage, "music", run, LIMITS, RULES)
    assert cleaned_keys
    storage.delete(cleaned_keys[0])
    for key in list(storage.keys("datasets/music/latest/")):
        storage.delete(key)
    assert build_dataset(spark, "music", "music", task).written == first.written
    assert storage.exists(cleaned_keys[0])


def test_cleaning_and_building_may_run_on_different_machines(
    spark: SparkSession, task: Task, music: Path, by_pool: Callable[..., Built]
) -> None:
    pack_sources(task, music / "second")
    with pytest.raises(NotFound, match="run 1 of 'music' has not been cleaned"):
        build_dataset(None, "music", "music", task)
    assert clean_all(spark, "music", task) > 1
    assert latest_revision(task.open(), "music") == (0, None)
    assert build_dataset(None, "music", "music", task).written == by_pool(music / "second", batch_files=BATCH).written


def test_without_packs_there_is_a_clear_error(spark: SparkSession, task: Task) -> None:
    with pytest.raises(NotFound, match="nothing has been packed under 'music'"):
        build_dataset(spark, "music", "music", task)


@pytest.mark.parametrize("splits", ["folders", "hash"])
def test_published_splits_are_the_same_too(
    spark: SparkSession, task: Task, by_pool: Callable[..., Built], tmp_path: Path, splits: SplitSource
) -> None:
    folder = tmp_path / "folk"
    write_tunes(folder, 12)
    for number, path in enumerate(sorted(folder.glob("*.mid"))):
        (place := folder / ("train", "valid", "test")[number % 3]).mkdir(exist_ok=True)
        path.rename(place / path.name)
    assert pack(task.open(), "music", [str(folder)], None, LIMITS, splits=splits, batch_files=BATCH) is not None
    built = build_dataset(spark, "music", "music", task)
    assert built.written == by_pool(folder, splits=splits).written
    table = pq.read_table(io.BytesIO(built.files["pieces.parquet"])).to_pylist()
    in_place = [row["split"] == row["name"].split("/")[-2] for row in table]
    assert all(in_place) == (splits == "folders")
