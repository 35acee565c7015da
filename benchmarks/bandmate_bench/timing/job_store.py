"""How many jobs per second the job store carries, on SQLite and on PostgreSQL in the same run.

    python -m bandmate_bench.timing.job_store --jobs 1000 --processes 2 --json

Each process submits its share of the jobs, claims each, reports progress once, and ends it: four transactions per job,
timed apart. The databases are set up as they are shipped: SQLite with a write-ahead log and synchronous=NORMAL,
PostgreSQL with its defaults (each commit is flushed to the disk), as a process on this machine.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

from bandmate_shared.jobs.database.migrate import upgrade
from bandmate_shared.jobs.model import NewJob
from bandmate_shared.jobs.store import JobStore
from bandmate_shared.settings import SharedSettings

from bandmate_bench.timing.figures import Figure
from bandmate_bench.timing.servers import postgres_server

STEPS = ("submit", "claim", "progress", "succeed")
_COMMAND = "python -m bandmate_bench.timing.job_store --jobs {jobs} --processes {processes} --json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--processes", type=int, default=2, help="measured with 1 and with this many")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument("--share", nargs=2, metavar=("URL", "JOBS"), help="be one of the processes")
    options = parser.parse_args()
    if options.share:
        print(json.dumps(_share(options.share[0], int(options.share[1]))))
        return
    report = measure(options.jobs, sorted({1, options.processes}))
    print(json.dumps(report, indent=1) if options.json else _table(report))


def figures() -> list[Figure]:
    """For `make bench`."""
    jobs, processes = 1000, 2
    report = measure(jobs, [1, processes])
    command = _COMMAND.format(jobs=jobs, processes=processes)
    measured = []
    for database in ("postgres", "sqlite"):
        for workers, rates in report[database].items():
            for step in (*STEPS, "whole"):
                name = f"{step}, {database}, {workers} process" + ("es" if workers != "1" else "")
                peer = report["sqlite"][workers][step] if database == "postgres" else None
                measured.append(Figure(name, rates[step], "jobs/s", command, "SQLite" if peer else "", peer))
    return measured


def measure(jobs: int, processes: list[int]) -> dict[str, dict[str, dict[str, float]]]:
    """Database → number of processes → step → jobs per second, over all processes together."""
    report: dict[str, dict[str, dict[str, float]]] = {"sqlite": {}, "postgres": {}}
    with tempfile.TemporaryDirectory() as folder, postgres_server() as server:
        for number in processes:
            report["sqlite"][str(number)] = _run(f"sqlite:///{folder}/{number}.sqlite3", jobs, number)
            url = server.create_database()
            upgrade(url)
            report["postgres"][str(number)] = _run(url, jobs, number)
    return report


def _run(url: str, jobs: int, processes: int) -> dict[str, float]:
    JobStore.open(SharedSettings(database_url=url)).close()
    command = [sys.executable, "-m", "bandmate_bench.timing.job_store", "--share", url, str(jobs // processes)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(processes)]
    shares: list[dict[str, float]] = []
    for process in running:
        output, _ = process.communicate(timeout=600)
        assert process.returncode == 0
        shares.append(json.loads(output))
    job_count = sum(share["jobs"] for share in shares)
    slowest = {step: max(share[step] for share in shares) for step in STEPS}
    return {step: job_count / seconds for step, seconds in slowest.items()} | {
        "whole": job_count / sum(slowest.values())
    }


def _share(url: str, jobs: int) -> dict[str, float]:
    """Seconds that this process spent in each step."""
    settings = SharedSettings(database_url=url, queue_quota=10**9, lease_seconds=3600)
    store = JobStore.open(settings)
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
