"""A platform with one queue: relay and sweeper in the test's process, Celery workers as separate processes.

The workers run `tests/integration/queue_worker.py`, whose handlers log each run to a file.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from bandmate_shared.jobs.model import Job, NewJob
from bandmate_shared.jobs.sweeper import Sweeper
from bandmate_shared.queues.celery_app import worker_arguments
from bandmate_shared.runtime import Runtime, open_runtime
from bandmate_shared.settings import SharedSettings

from tests.conftest import wait_until

HANDLERS = Path(__file__).parents[1] / "integration"


class QueuePlatform:
    """Start it, submit jobs, kill and stop workers, read `runs()`."""

    def __init__(self, settings: SharedSettings, folder: Path, environment: Mapping[str, str]) -> None:
        self.runtime: Runtime = open_runtime(settings)
        self.log = folder / "runs.log"
        self.worker_log = folder / "worker.log"
        self.workers: list[subprocess.Popen[bytes]] = []
        self._environment = environment
        self._sweeper = Sweeper(self.runtime.store, self.runtime.relay, settings.sweep_seconds)

    def start(self, workers: int = 1) -> None:
        self.runtime.relay.start()
        self._sweeper.start()
        for _ in range(workers):
            self.start_worker()

    def start_worker(self, **environment: str) -> subprocess.Popen[bytes]:
        settings = self.runtime.settings
        variables = {
            **os.environ,
            "PYTHONPATH": str(HANDLERS),
            "REDIS_URL": settings.redis_url,
            "BANDMATE_BROKER_URL": settings.broker_url,
            "BANDMATE_HOME": str(settings.home),
            "BANDMATE_LEASE_SECONDS": str(settings.lease_seconds),
            "BANDMATE_HEARTBEAT_SECONDS": str(settings.heartbeat_seconds),
            "BANDMATE_VISIBILITY_SECONDS": str(settings.visibility_seconds),
            "BANDMATE_DRAIN_SECONDS": str(settings.drain_seconds),
            **self._environment,
            **environment,
        }
        arguments = worker_arguments("generate")
        arguments[arguments.index("bandmate_generate.tasks")] = "queue_worker"
        with self.worker_log.open("ab") as log:
            command = [sys.executable, *arguments]
            worker = subprocess.Popen(command, env=variables, stdout=log, stderr=log, process_group=0)
        self.workers.append(worker)
        return worker

    def stop(self) -> None:
        for worker in self.workers:
            if worker.poll() is None:
                worker.send_signal(signal.SIGQUIT)
        for worker in self.workers:
            try:
                # One that is still importing on a busy machine stops when it has done so.
                worker.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(worker.pid, signal.SIGKILL)
                worker.wait(10)
                raise
        self._sweeper.stop()
        self.runtime.close()

    def submit(self, act: str, kind: str = "take") -> str:
        job_id = self.runtime.store.submit(NewJob(kind, {"act": act, "log": str(self.log)})).job.id
        self.runtime.relay.kick()
        return job_id

    def release_waiting_jobs(self) -> None:
        """Let the jobs of the act 'wait' finish, including later ones."""
        self.log.with_suffix(".go").touch()

    def runs(self) -> list[list[str]]:
        """[job id, attempt, process id] of each run that began, in order."""
        return [line.split() for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def idle_deliveries(self) -> int:
        """How many messages reached a worker that had nothing to do for them."""
        return self.worker_log.read_text().count("nothing to do for")

    def job(self, job_id: str) -> Job:
        return self.runtime.store.get(job_id)

    def wait_for_end(self, job_id: str) -> Job:
        wait_until(lambda: self.job(job_id).state.is_final, f"{job_id} to end")
        return self.job(job_id)

    def wait_for_runs(self, count: int) -> None:
        wait_until(lambda: len(self.runs()) >= count, f"{count} runs to begin")
