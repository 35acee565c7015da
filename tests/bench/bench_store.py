"""How many jobs a second the job store carries, on SQLite and on PostgreSQL in the same run.

    python tests/bench/bench_store.py --jobs 1000 --processes 2 --json

Each of some processes submits its share of the jobs, claims each, reports progress once, and ends it: four transactions
a job, told apart. The databases are set up as they are shipped: SQLite with a write-ahead log and synchronous=NORMAL,
PostgreSQL with its defaults (each commit is flushed to the disk). PostgreSQL runs on this machine beside the processes
that use it: in a container where an engine answers, else as a process.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from bandmate_shared.jobs.migrate import upgrade
from bandmate_shared.jobs.model import NewJob
from bandmate_shared.jobs.store import JobStore
from bandmate_shared.settings import SharedSettings

from tests.bench.figures import Figure
from tests.postgres_server import PostgresServer, a_server

STEPS = ("submit", "claim", "progress", "succeed")
_COMMAND = "python tests/bench/bench_store.py --jobs {jobs} --processes {processes} --json"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--jobs", type=int, default=1000)
    arguments.add_argument("--processes", type=int, default=2, help="measured with 1 and with this many")
    arguments.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    arguments.add_argument("--share", nargs=2, metavar=("URL", "JOBS"), help="be one of the processes")
    chosen = arguments.parse_args()
    if chosen.share:
        print(json.dumps(_share(chosen.share[0], int(chosen.share[1]))))
        return
    report = measure(chosen.jobs, sorted({1, chosen.processes}))
    print(json.dumps(report, indent=1) if chosen.json else _table(report))


def figures() -> list[Figure]:
    """For `make bench`."""
    jobs, processes = 1000, 2
    report = measure(jobs, [1, processes])
    command = _COMMAND.format(jobs=jobs, processes=processes)
    found = []
    for database in ("postgres", "sqlite"):
        for workers, rates in report[database].items():
            for step in (*STEPS, "whole"):
                name = f"{step}, {database}, {workers} process" + ("es" if workers != "1" else "")
                peer = report["sqlite"][workers][step] if database == "postgres" else None
                found.append(Figure(name, rates[step], "jobs/s", command, "SQLite" if peer else "", peer))
    return found


def measure(jobs: int, processes: list[int]) -> dict[str, dict[str, dict[str, float]]]:
    """Database → number of processes → step → jobs a second, over all processes together."""
    report: dict[str, dict[str, dict[str, float]]] = {"sqlite": {}, "postgres": {}}
    with tempfile.TemporaryDirectory() as folder, a_server(durable=True) as server:
        for number in processes:
            report["sqlite"][str(number)] = _run(f"sqlite:///{folder}/{number}.sqlite3", jobs, number)
            with _database(server) as url:
                report["postgres"][str(number)] = _run(url, jobs, number)
    return report


@contextlib.contextmanager
def _database(server: PostgresServer) -> Iterator[str]:
    name = server.create()
    upgrade(server.url(name))
    yield server.url(name)
    server.drop(name)


def _run(url: str, jobs: int, processes: int) -> dict[str, float]:
    JobStore.open(SharedSettings(database_url=url)).close()
    command = [sys.executable, __file__, "--share", url, str(jobs // processes)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(processes)]
    shares: list[dict[str, float]] = []
    for process in running:
        output, _ = process.communicate(timeout=600)
        assert process.returncode == 0
        shares.append(json.loads(output))
    done = sum(share["jobs"] for share in shares)
    slowest = {step: max(share[step] for share in shares) for step in STEPS}
    return {step: done / seconds for step, seconds in slowest.items()} | {"whole": done / sum(slowest.values())}


def _share(url: str, jobs: int) -> dict[str, float]:
    """Seconds that this process spent in each step."""
    patient = SharedSettings(database_url=url, queue_quota=10**9, lease_seconds=3600)
    store = JobStore.open(patient)
    store.backlog()
    seconds = {}
    started = time.perf_counter()
    ids = [store.submit(NewJob("song", {"style": "folk", "bars": 16, "seed": n})).job.id for n in range(jobs)]
    seconds["submit"] = time.perf_counter() - started
    started = time.perf_counter()
    leases = [store.claim(job_id, f"worker {os.getpid()}") for job_id in ids]
    seconds["claim"] = time.perf_counter() - started
    held = [lease for lease in leases if lease is not None]
    assert len(held) == jobs
    started = time.perf_counter()
    for lease in held:
        store.set_progress(lease, "compose", 0.5)
    seconds["progress"] = time.perf_counter() - started
    started = time.perf_counter()
    for lease in held:
        store.succeed(lease, {"bars": 16})
    seconds["succeed"] = time.perf_counter() - started
    store.close()
    return seconds | {"jobs": len(held)}


def _table(report: dict[str, dict[str, dict[str, float]]]) -> str:
    lines = [f"{'':<24}" + "".join(f"{step:>10}" for step in (*STEPS, "whole")) + "   jobs/s"]
    for database, runs in report.items():
        for processes, rates in runs.items():
            name = f"{database}, {processes} process(es)"
            lines.append(f"{name:<24}" + "".join(f"{rates[step]:>10.0f}" for step in (*STEPS, "whole")))
    return "\n".join(lines)


if __name__ == "__main__":
    main()
