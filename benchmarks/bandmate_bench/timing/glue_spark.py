"""How many files per second Spark cleans on one and two cores, beside the process pool, and what a million would cost.

    make glue-bench            with music of its own
    PYTHONPATH=benchmarks .venv-spark/bin/python -m bandmate_bench.timing.glue_spark --source DIR [--json]

Both ways clean the same files in the same run. CPU seconds are of all processes together, Spark's Java among them, so
they mean something on a machine that does other things as well; the cost is planned from them.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil
from bandmate_glue.cleaning import Task
from bandmate_glue.dataset import build_dataset, clean_packs
from bandmate_glue.pack import pack
from bandmate_glue.packs import put_cleaned, read_packed
from bandmate_ingest.cleaning.batch import RawFile
from bandmate_ingest.cleaning.rules import CleaningRules
from bandmate_ingest.pool.parent import CleaningPool
from bandmate_ingest.sources.collect import collect
from bandmate_shared.objects.open import open_storage
from pyspark.sql import SparkSession

from bandmate_bench.timing.music_files import LIMITS, write_chorales

RULES = CleaningRules()
SECONDS, MEMORY = 20.0, 1_500_000_000
MILLION = 1_000_000


@dataclass(frozen=True)
class Prices:
    """Assumptions of the plan; everything else is measured."""

    dpu_hour: float = 0.44
    """USD a DPU-hour, Spark job, us-east-1, AWS Glue's price list as of 2026-11."""
    vcpus_per_dpu: int = 4
    """G.1X is one DPU: 4 vCPU, 16 GB."""
    vcpu_share: float = 0.6
    """Work that one vCPU (half a core with hyper-threading) does, of what a core of this machine does."""
    workers: int = 20
    """G.1X workers, of which one is the driver."""
    start_minutes: float = 2.0
    """Until all workers have started and installed the wheel; paid for."""


@dataclass(frozen=True)
class Run:
    """One run: an engine on a number of cores."""

    way: str
    cores: int
    files: int
    wall: float
    cpu: float

    @property
    def per_second(self) -> float:
        return self.files / self.wall

    @property
    def per_cpu_second(self) -> float:
        return self.files / self.cpu


def measure(source: Path, prices: Prices) -> dict[str, Any]:
    """Pack, clean both ways on one and two cores, put the dataset together, and plan for a million."""
    runs = []
    with tempfile.TemporaryDirectory() as folder:
        for cores in (1, 2):
            url = (Path(folder) / f"spark-{cores}").as_uri()
            storage = open_storage(url)
            packing, run = timed(partial(pack, storage, "bench", [str(source)], "bench", LIMITS))
            command = [sys.executable, "-m", "bandmate_bench.timing.glue_spark", "--spark", str(cores), "--store", url]
            spark = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.splitlines()[-1])
            runs.append(Run("Spark", cores, run.files, spark["wall"], spark["cpu"]))
        for cores in (1, 2):
            runs.append(by_pool(source, cores))
        assembling = spark["assembling"]
    size = run.bytes / run.files
    slowest = min(run.per_cpu_second for run in runs if run.way == "Spark")
    return {
        "files": run.files,
        "bytes_per_file": round(size),
        "notes_per_file": round(assembling["notes"] / assembling["pieces"]),
        "packing_files_per_second": round(run.files / packing[0]),
        "runs": [asdict(run) for run in runs],
        "assembling": assembling,
        "plan": plan(slowest, assembling["cpu"] / run.files, assembling["bytes_per_file"], prices),
        "prices": asdict(prices),
    }


def by_spark(cores: int, url: str) -> dict[str, Any]:
    """Runs in its own process, because a process has one JVM: the cleaning alone, then the rest of the job."""
    os.environ["PYSPARK_PYTHON"] = sys.executable
    spark = (
        SparkSession.builder.master(f"local[{cores}]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .getOrCreate()
    )
    task = Task(url, "local", LIMITS, RULES, SECONDS, MEMORY)
    storage = task.open()
    (run,) = read_packed(storage, "bench").runs
    spark.range(1000).selectExpr("sum(id)").collect()  # Warm-up: the JVM has compiled the code of a first query.
    (wall, cpu), shards = timed(lambda: clean_packs(spark, [f"{url}/{key}" for key in run.packs], task))
    put_cleaned(storage, "bench", run, LIMITS, RULES, [shards[index] for index in sorted(shards)])
    before = resident()
    with Peak() as peak:
        (wall_assembling, cpu_assembling), built = timed(lambda: build_dataset(spark, "bench", "bench", task))
    statistics = built.report.statistics
    assembling = {"wall": wall_assembling, "cpu": cpu_assembling, "bytes_per_file": (peak.bytes - before) / run.files}
    spark.stop()
    return {
        "wall": wall,
        "cpu": cpu,
        "assembling": {**assembling, "notes": statistics["notes"], "pieces": statistics["pieces"]},
    }


def by_pool(source: Path, cores: int) -> Run:
    """The ingest service's own way: the cleaning alone, files read before."""
    collected = (RawFile(file.name, file.read()) for file in collect(str(source), "b", LIMITS))
    files = list({file.data: file for file in collected}.values())
    batches = [files[start : start + 64] for start in range(0, len(files), 64)]

    def clean() -> int:
        with CleaningPool(LIMITS, RULES, processes=cores, file_seconds=SECONDS, memory_bytes=MEMORY) as pool:
            return sum(batch.files.num_rows for batch in pool.clean(batches))

    (wall, cpu), cleaned = timed(clean)
    assert cleaned == len(files)
    return Run("pool", cores, len(files), wall, cpu)


def plan(
    files_per_cpu_second: float, assembling_per_file: float, bytes_per_file: float, prices: Prices
) -> dict[str, float]:
    """A million files: cleaned on G.1X by all workers but the driver, put together on one machine with the memory."""
    per_second = files_per_cpu_second * prices.vcpu_share * prices.vcpus_per_dpu * (prices.workers - 1)
    hours = prices.start_minutes / 60 + MILLION / per_second / 3600
    return {
        "files_per_second": round(per_second),
        "minutes": round(60 * hours, 1),
        "dpu_hours": round(hours * prices.workers, 2),
        "usd": round(hours * prices.workers * prices.dpu_hour, 2),
        "assembling_minutes": round(MILLION * assembling_per_file / prices.vcpu_share / 60, 1),
        "assembling_gigabytes": round(MILLION * bytes_per_file / 1e9),
    }


def timed(work: Callable[[], Any]) -> tuple[tuple[float, float], Any]:
    """Wall and CPU seconds of this process and all below it, and the result."""
    cpu, wall = cpu_seconds(), time.monotonic()
    result = work()
    return (time.monotonic() - wall, cpu_seconds() - cpu), result


def cpu_seconds() -> float:
    """Of this process, those below it, and those of theirs that have ended."""
    total = 0.0
    for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def resident() -> int:
    return int(psutil.Process().memory_info().rss)


class Peak:
    """The most memory of this process while the block runs, sampled."""

    def __enter__(self) -> "Peak":
        self.bytes = resident()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.01):
            self.bytes = max(self.bytes, resident())


def show(report: dict[str, Any]) -> None:
    print(
        f"{report['files']} files, {report['bytes_per_file']:,} bytes and {report['notes_per_file']} notes on average; "
        f"packed at {report['packing_files_per_second']} files/s"
    )
    for run in (Run(**values) for values in report["runs"]):
        print(
            f"{run.way}, {run.cores} core(s): {run.per_second:.0f} files/s, {run.per_cpu_second:.0f} a CPU second "
            f"({run.wall:.1f} s, {run.cpu:.1f} s CPU)"
        )
    assembling = report["assembling"]
    kilobytes = assembling["bytes_per_file"] / 1000
    spent = f"{assembling['wall']:.2f} s, {assembling['cpu']:.2f} s CPU"
    print(f"putting together: {spent}, {kilobytes:.0f} kB a file on the driver")
    print(f"a million files, planned: {json.dumps(report['plan'])}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", type=Path, help="A folder of MIDI files; without it, music of its own.")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--dpu-hour", type=float, default=Prices.dpu_hour, help="USD a DPU-hour.")
    parser.add_argument("--workers", type=int, default=Prices.workers)
    parser.add_argument("--spark", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--store", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.spark is not None:
        print(json.dumps(by_spark(arguments.spark, arguments.store)))
        return
    prices = Prices(dpu_hour=arguments.dpu_hour, workers=arguments.workers)
    with tempfile.TemporaryDirectory() as folder:
        if arguments.source is None:
            write_chorales(Path(folder))
        report = measure(arguments.source or Path(folder), prices)
    print(json.dumps(report)) if arguments.json else show(report)


if __name__ == "__main__":
    main()
