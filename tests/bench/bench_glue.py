"""How many files a second Spark cleans on one and two cores, beside the process pool, and what a million would cost.

    make glue-bench            with music of its own
    .venv-spark/bin/python -m tests.bench.bench_glue --source DIR [--json]

Both ways clean the same files in the same run. CPU seconds are of all processes together, Spark's Java among them, so
they mean something on a machine that does other things as well; the cost is planned from them.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tests.bench.figures import Figure

COMMAND = "make glue-bench"
SPARK_PYTHON = Path(__file__).parents[2] / ".venv-spark" / "bin" / "python"
SECONDS, MEMORY = 20.0, 1_500_000_000
MILLION = 1_000_000


@dataclass(frozen=True)
class Prices:
    """What the plan rests on; everything else is measured."""

    dpu_hour: float = 0.44
    """USD a DPU-hour, Spark job, us-east-1, AWS Glue's price list as of 2026-11."""
    vcpus_a_dpu: int = 4
    """G.1X is one DPU: 4 vCPU, 16 GB."""
    vcpu_share: float = 0.6
    """Work that one vCPU (half a core with hyper-threading) does, of what a core of this machine does."""
    workers: int = 20
    """G.1X workers, of which one is the driver."""
    start_minutes: float = 2.0
    """Until all workers have started and installed the wheel; paid for."""


@dataclass(frozen=True)
class Run:
    """One way on so many cores."""

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


def figures() -> list[Figure]:
    """For `make bench`, which has no Spark of its own."""
    if not SPARK_PYTHON.exists():
        print("  left out: no .venv-spark here; `make glue-test` makes it")
        return []
    command = [str(SPARK_PYTHON), "-m", "tests.bench.bench_glue", "--json"]
    report = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
    runs = [Run(**run) for run in report["runs"]]
    spark, pool = ({run.cores: run for run in runs if run.way == way} for way in ("Spark", "pool"))
    return [
        Figure(
            f"cleaning on Spark, local[{cores}]", spark[cores].per_second, "files/s", COMMAND,
            f"process pool, {cores} process(es)", pool[cores].per_second,
            f"a CPU second: {spark[cores].per_cpu_second:.0f} files, pool {pool[cores].per_cpu_second:.0f}",
        )
        for cores in sorted(spark)
    ] + [Figure("planned cost of a million files on Glue", report["plan"]["usd"], "USD", COMMAND)]  # fmt: skip


def measure(source: Path, prices: Prices) -> dict[str, Any]:
    """Pack, clean both ways on one and two cores, put the dataset together, and plan for a million."""
    from bandmate_glue.pack import pack
    from bandmate_shared.storage import open_storage

    from tests.glue.conftest import LIMITS

    runs = []
    with tempfile.TemporaryDirectory() as folder:
        for cores in (1, 2):
            url = (Path(folder) / f"spark-{cores}").as_uri()
            packing, run = timed(lambda url=url: pack(open_storage(url), "bench", [str(source)], "bench", LIMITS))
            command = [sys.executable, "-m", "tests.bench.bench_glue", "--spark", str(cores), "--store", url]
            found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.splitlines()[-1])
            runs.append(Run("Spark", cores, run.files, found["wall"], found["cpu"]))
        for cores in (1, 2):
            runs.append(by_pool(source, cores))
        assembling = found["assembling"]
    size = run.bytes / run.files
    slowest = min(one.per_cpu_second for one in runs if one.way == "Spark")
    return {
        "files": run.files,
        "bytes_a_file": round(size),
        "notes_a_file": round(assembling["notes"] / assembling["pieces"]),
        "packing_files_a_second": round(run.files / packing[0]),
        "runs": [asdict(one) for one in runs],
        "assembling": assembling,
        "plan": plan(slowest, assembling["cpu"] / run.files, assembling["bytes_a_file"], prices),
        "prices": asdict(prices),
    }


def by_spark(cores: int, url: str) -> dict[str, Any]:
    """In a process of its own, because a process has one Java: the cleaning alone, then the rest of the job."""
    from bandmate_glue.cleaning import Task
    from bandmate_glue.dataset import build_dataset, clean_packs
    from bandmate_glue.packs import put_cleaned, read_packed
    from pyspark.sql import SparkSession

    from tests.glue.conftest import LIMITS, RULES

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
    spark.range(1000).selectExpr("sum(id)").collect()  # Java has compiled what any first query needs.
    (wall, cpu), shards = timed(lambda: clean_packs(spark, [f"{url}/{key}" for key in run.packs], task))
    put_cleaned(storage, "bench", run, LIMITS, RULES, [shards[place] for place in sorted(shards)])
    before = resident()
    with Peak() as peak:
        (wall_assembling, cpu_assembling), built = timed(lambda: build_dataset(spark, "bench", "bench", task))
    statistics = built.report.statistics
    found = {"wall": wall_assembling, "cpu": cpu_assembling, "bytes_a_file": (peak.bytes - before) / run.files}
    spark.stop()
    return {
        "wall": wall,
        "cpu": cpu,
        "assembling": {**found, "notes": statistics["notes"], "pieces": statistics["pieces"]},
    }


def by_pool(source: Path, cores: int) -> Run:
    """The ingest service's own way: the cleaning alone, files read before."""
    from bandmate_ingest.clean import RawFile
    from bandmate_ingest.pool import CleaningPool
    from bandmate_ingest.sources import collect

    from tests.glue.conftest import LIMITS, RULES

    files = list(
        {item.data: item for item in (RawFile(f.name, f.read()) for f in collect(str(source), "b", LIMITS))}.values()
    )
    batches = [files[start : start + 64] for start in range(0, len(files), 64)]

    def clean() -> int:
        with CleaningPool(LIMITS, RULES, processes=cores, file_seconds=SECONDS, memory_bytes=MEMORY) as pool:
            return sum(batch.files.num_rows for batch in pool.clean(batches))

    (wall, cpu), cleaned = timed(clean)
    assert cleaned == len(files)
    return Run("pool", cores, len(files), wall, cpu)


def plan(files_a_cpu_second: float, assembling_a_file: float, bytes_a_file: float, prices: Prices) -> dict[str, float]:
    """A million files: cleaned on G.1X by all workers but the driver, put together on one machine with the memory."""
    a_second = files_a_cpu_second * prices.vcpu_share * prices.vcpus_a_dpu * (prices.workers - 1)
    hours = prices.start_minutes / 60 + MILLION / a_second / 3600
    return {
        "files_a_second": round(a_second),
        "minutes": round(60 * hours, 1),
        "dpu_hours": round(hours * prices.workers, 2),
        "usd": round(hours * prices.workers * prices.dpu_hour, 2),
        "assembling_minutes": round(MILLION * assembling_a_file / prices.vcpu_share / 60, 1),
        "assembling_gigabytes": round(MILLION * bytes_a_file / 1e9),
    }


def timed(work: Callable[[], Any]) -> tuple[tuple[float, float], Any]:
    """Wall and CPU seconds of this process and all below it, and the result."""
    cpu, wall = cpu_seconds(), time.monotonic()
    result = work()
    return (time.monotonic() - wall, cpu_seconds() - cpu), result


def cpu_seconds() -> float:
    """Of this process, those below it, and those of theirs that have ended."""
    import psutil

    total = 0.0
    for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def resident() -> int:
    import psutil

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


def own_music(folder: Path) -> Path:
    """The chorales of the music21 corpus as MIDI, each four times in other keys and tempi."""
    from bandmate_shared.music.midi_write import write_midi
    from bandmate_shared.music.musicxml_read import read_musicxml
    from bandmate_shared.music.score import TempoChange

    from tests.glue.conftest import LIMITS

    spec = importlib.util.find_spec("music21")
    assert spec is not None
    assert spec.origin is not None
    for path in sorted((Path(spec.origin).parent / "corpus" / "bach").glob("*.mxl")):
        score = read_musicxml(path.read_bytes(), LIMITS)
        for number, semitones in enumerate((0, 2, -3, 5)):
            parts = [
                replace(part, notes=replace(part.notes, pitch=part.notes.pitch + semitones), lyrics=())
                for part in score.parts
            ]
            changed = replace(score.with_parts(parts), tempi=(TempoChange(0, 80.0 + 12 * number),))
            (folder / f"{path.stem}-{number}.mid").write_bytes(write_midi(changed))
    return folder


def show(report: dict[str, Any]) -> None:
    print(
        f"{report['files']} files of {report['bytes_a_file']:,} bytes and {report['notes_a_file']} notes on average; "
        f"packed at {report['packing_files_a_second']} files/s"
    )
    for run in (Run(**one) for one in report["runs"]):
        print(
            f"{run.way}, {run.cores} core(s): {run.per_second:.0f} files/s, {run.per_cpu_second:.0f} a CPU second "
            f"({run.wall:.1f} s, {run.cpu:.1f} s CPU)"
        )
    assembling = report["assembling"]
    kilobytes = assembling["bytes_a_file"] / 1000
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
        report = measure(arguments.source or own_music(Path(folder)), prices)
    print(json.dumps(report)) if arguments.json else show(report)


if __name__ == "__main__":
    main()
