"""The heartbeat thread of a worker process: renews the leases of running jobs and learns of cancellations."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from bandmate_shared.jobs.execution.context import JobContext, cancelled, taken_over
from bandmate_shared.jobs.model import Lease, StaleLease
from bandmate_shared.jobs.store import JobStore

log = logging.getLogger(__name__)


class LeaseHeartbeat:
    """Renews every running job's lease each `seconds`. The thread starts with the first job and waits between jobs."""

    def __init__(self, store: JobStore, seconds: float) -> None:
        self._store = store
        self._seconds = seconds
        self._running: dict[Lease, JobContext] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stopping = False

    @contextmanager
    def keep_alive(self, lease: Lease, context: JobContext) -> Iterator[None]:
        """Renew the lease until the block ends; stop the context when the job is cancelled or taken over."""
        with self._changed:
            self._running[lease] = context
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="lease-heartbeat", daemon=True)
                self._thread.start()
            elif len(self._running) == 1:
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                self._running.pop(lease, None)

    def running_jobs(self) -> list[tuple[Lease, JobContext]]:
        """The jobs that run in this process."""
        with self._changed:
            return list(self._running.items())

    def stop(self) -> None:
        """End the thread, if it was started."""
        with self._changed:
            thread, self._thread, self._stopping = self._thread, None, True
            self._changed.notify()
        if thread is not None:
            thread.join()
        self._stopping = False

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._running and not self._stopping:
                    self._changed.wait()
                self._changed.wait_for(lambda: self._stopping, self._seconds)
                if self._stopping:
                    return
                running = list(self._running.items())
            for lease, context in running:
                self._renew(lease, context)

    def _renew(self, lease: Lease, context: JobContext) -> None:
        try:
            if self._store.heartbeat(lease).cancel_requested:
                context.stop(cancelled(lease.job_id))
        except StaleLease:
            context.stop(taken_over(lease.job_id))
        except Exception as error:
            log.warning("the heartbeat of %s failed, the next is in %s s: %s", lease.job_id, self._seconds, error)
