"""Figures of the cleaning on Spark, which runs in the environment that `make glue-test` makes: see glue_spark."""

import json
import subprocess
from pathlib import Path

from bandmate_bench.timing.figures import Figure

SPARK_PYTHON = Path(__file__).parents[3] / ".venv-spark" / "bin" / "python"


def figures() -> list[Figure]:
    """For `make bench`, whose environment has no Spark."""
    if not SPARK_PYTHON.exists():
        print("  left out: there is no .venv-spark; `make glue-test` makes it")
        return []
    command = [str(SPARK_PYTHON), "-m", "bandmate_bench.timing.glue_spark", "--json"]
    options = {"cwd": Path(__file__).parents[2], "stdout": subprocess.PIPE, "text": True}
    report = json.loads(subprocess.run(command, check=True, **options).stdout.splitlines()[-1])  # type: ignore[call-overload]
    measured = []
    for cores in (1, 2):
        spark, pool = (
            next(run for run in report["runs"] if (run["way"], run["cores"]) == (engine, cores))
            for engine in ("Spark", "pool")
        )
        per_second, peer_per_second = (run["files"] / run["wall"] for run in (spark, pool))
        per_cpu_second, peer_per_cpu_second = (run["files"] / run["cpu"] for run in (spark, pool))
        note = f"per CPU second: {per_cpu_second:.0f} files, pool {peer_per_cpu_second:.0f}"
        name, peer = f"cleaning on Spark, local[{cores}]", f"process pool, {cores} process(es)"
        measured.append(Figure(name, per_second, "files/s", "make glue-bench", peer, peer_per_second, note))
    cost = report["plan"]["usd"]
    return [*measured, Figure("planned cost of a million files on Glue", cost, "USD", "make glue-bench")]
