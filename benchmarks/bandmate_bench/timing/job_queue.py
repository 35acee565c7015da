"""How fast the job queue is, beside plain Celery on the same Redis in the same run.

    python -m bandmate_bench.timing.job_queue --jobs 1000 --workers 2 --json

Latency: from the call that submits to the first line of the handler, jobs submitted one by one at a steady pace to an
idle worker. Throughput: as many jobs as can be submitted at once, until the last one has ended. Ours is the whole path
(job and outbox, relay, claim, end: four transactions); Celery's is an empty task without a result, acknowledged early,
which a killed worker loses.

Workers import this module: `app` is ours, `peer` is plain Celery.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis
from bandmate_shared.jobs.execution.context import Done, Handler, JobContext
from bandmate_shared.jobs.model import NewJob
from bandmate_shared.queues.celery_app import service_app, worker_arguments
from bandmate_shared.runtime import Runtime, open_runtime
from bandmate_shared.settings import SharedSettings
from celery import Celery
from kombu.entity import Queue

from bandmate_bench.timing.figures import Figure
from bandmate_bench.timing.servers import redis_server

PACE_SECONDS = 0.03
STARTED = "bench-started"
MODULE = "bandmate_bench.timing.job_queue"

_client = redis.Redis.from_url(os.environ.get("REDIS_URL") or "redis://127.0.0.1:6379/0")


def _take(_: JobContext) -> Done:
    _client.rpush(STARTED, time.time())
    return Done({})


def _handlers() -> Mapping[str, Handler]:
    return {"take": _take}


app = service_app("generate", _handlers)

peer = Celery("peer", broker=os.environ.get("REDIS_URL") or None)
peer.conf.update(
    task_ignore_result=True,
    task_default_queue="peer",
    task_queues=[Queue("peer")],  # type: ignore[no-untyped-call]
)


@peer.task(name="peer.empty")  # type: ignore[untyped-decorator]
def empty() -> None:
    _client.rpush(STARTED, time.time())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2, help="throughput is measured with 1 and with this many")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = measure(Path(folder), options.jobs, sorted({1, options.workers}))
    print(json.dumps(report, indent=1) if options.json else _table(report))


def figures() -> list[Figure]:
    """For `make bench`. Measured in a process of its own: the settings of the runtime are environment variables."""
    command = f"python -m {MODULE} --jobs 1000 --workers 2 --json"
    completed = subprocess.run([sys.executable, *command.split()[1:]], stdout=subprocess.PIPE, text=True, check=True)
    report = json.loads(completed.stdout)
    own, peer = (report["latency_ms"][side] for side in ("bandmate", "celery"))
    latencies = [
        Figure(f"submit to start of work, {name}", own[name], "ms", command, "plain Celery", peer[name])
        for name in ("median", "p99")
    ]
    own, peer = (report["throughput_per_second"][side] for side in ("bandmate", "celery"))
    return latencies + [
        Figure(f"throughput, {count} worker(s)", own[count], "jobs/s", command, "plain Celery", peer.get(count))
        for count in own
    ]


def measure(folder: Path, jobs: int, worker_counts: list[int]) -> dict[str, Any]:
    """Run everything on one Redis; returns latencies in milliseconds and throughputs in jobs per second."""
    report: dict[str, Any] = {"jobs": jobs, "cores": os.cpu_count(), "latency_ms": {}, "throughput_per_second": {}}
    with redis_server(folder / "redis") as url, redis.Redis.from_url(url) as client:
        os.environ |= {"REDIS_URL": url, "BANDMATE_HOME": str(folder), "BANDMATE_QUEUE_QUOTA": "1000000"}
        runtime = open_runtime(SharedSettings())
        runtime.relay.start()
        plain = Celery("peer-client", broker=url)
        plain.conf.update(task_ignore_result=True)

        def submit_ours() -> None:
            runtime.store.submit(NewJob("take", {}))
            runtime.relay.kick()

        def submit_plain() -> None:
            plain.send_task("peer.empty", queue="peer")

        for side, attribute, submit in (("bandmate", "app", submit_ours), ("celery", "peer", submit_plain)):
            for count in worker_counts:
                with _workers(attribute, count, folder, client, submit):
                    if count == 1:
                        report["latency_ms"][side] = _latency(client, submit, jobs)
                        _wait_for_all_ended(runtime)
                    rate = _throughput(client, submit, jobs, lambda: _wait_for_all_ended(runtime))
                    report["throughput_per_second"].setdefault(side, {})[str(count)] = rate
        runtime.close()
        plain.close()
    report["latency_ratio"] = round(_ratio(report["latency_ms"], "median"), 2)
    report["throughput_ratio"] = round(_ratio(report["throughput_per_second"], str(worker_counts[0])), 3)
    return report


def _latency(client: redis.Redis, submit: Callable[[], None], jobs: int) -> dict[str, float]:
    client.delete(STARTED)
    sent_times = []
    begin = time.perf_counter()
    for number in range(jobs):
        time.sleep(max(0.0, begin + number * PACE_SECONDS - time.perf_counter()))
        sent_times.append(time.time())
        submit()
    started = _wait_for_starts(client, jobs)
    took = sorted((start - send) * 1000 for send, start in zip(sent_times, started, strict=True))
    return {"median": round(statistics.median(took), 2), "p99": round(took[int(len(took) * 0.99)], 2)}


def _throughput(client: redis.Redis, submit: Callable[[], None], jobs: int, settle: Callable[[], None]) -> float:
    client.delete(STARTED)
    begin = time.perf_counter()
    for _ in range(jobs):
        submit()
    _wait_for_starts(client, jobs)
    settle()
    return round(jobs / (time.perf_counter() - begin), 1)


def _wait_for_starts(client: redis.Redis, jobs: int) -> list[float]:
    deadline = time.monotonic() + 600
    while client.llen(STARTED) < jobs:
        if time.monotonic() > deadline:
            raise SystemExit(f"only {client.llen(STARTED)} of {jobs} jobs started within ten minutes")
        time.sleep(0.005)
    return sorted(float(start) for start in client.lrange(STARTED, 0, jobs - 1))


def _wait_for_all_ended(runtime: Runtime) -> None:
    while any(runtime.store.list_jobs("local", state=state, limit=1)[0] for state in ("queued", "running")):
        time.sleep(0.02)


@contextmanager
def _workers(
    attribute: str, count: int, folder: Path, client: redis.Redis, submit: Callable[[], None]
) -> Iterator[None]:
    """Start workers of this module's Celery app `attribute`, and wait until they work."""
    client.delete(STARTED)
    processes = []
    for number in range(count):
        arguments = worker_arguments("generate")
        arguments[arguments.index("bandmate_generate.tasks")] = f"{MODULE}:{attribute}"
        arguments[arguments.index("generate@%h")] = f"{number}@%h"
        if attribute == "peer":
            arguments[arguments.index("bandmate-generate")] = "peer"
        with (folder / "workers.log").open("ab") as log:
            processes.append(subprocess.Popen([sys.executable, *arguments], stdout=log, stderr=log))
    for _ in range(20 * count):
        submit()
    _wait_for_starts(client, 20 * count)
    time.sleep(2.0)  # The other workers, which may not have had one of these, start too.
    try:
        yield
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(30)


def _ratio(figures: dict[str, dict[str, float]], name: str) -> float:
    return figures["bandmate"][name] / figures["celery"][name]


def _table(report: dict[str, Any]) -> str:
    lines = [f"{report['jobs']} jobs on {report['cores']} cores", "", "latency, ms      median     p99"]
    for side, figures in report["latency_ms"].items():
        lines.append(f"{side:12} {figures['median']:10.2f} {figures['p99']:7.2f}")
    lines += [f"ratio of the medians {report['latency_ratio']}", "", "throughput, jobs/s"]
    for side, by_count in report["throughput_per_second"].items():
        lines += [f"{side:12} {count} worker(s) {rate:10.1f}" for count, rate in by_count.items()]
    lines.append(f"ratio with one worker {report['throughput_ratio']}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
