"""Graceful shutdown of a worker process: on SIGTERM or SIGQUIT its job goes back to the queue and the process ends.

Celery raises an exception from the signal handler, wherever the process happens to be. Inside a transaction that
leaves the connection behind with the database's write lock, for which releasing the job then waits for ever. Here a
thread receives the signal, even while the main thread computes in C, and asks the handler to stop at its next check,
as a cancellation does. A job whose handler does not check in time is released by the thread; what the handler still
writes is refused, for its lease is gone.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from celery import signals

from bandmate_shared.jobs.execution.heartbeat import LeaseHeartbeat
from bandmate_shared.jobs.model import Lease
from bandmate_shared.jobs.store import JobStore

log = logging.getLogger(__name__)

GRACE_SECONDS = 1.0
"""How long the handler has until the thread releases the job. It may go on cleaning up afterwards."""

_POLL_SECONDS = 0.02
_SIGNALS = (signal.SIGTERM, signal.SIGQUIT)


class WorkerStopping(BaseException):
    """Raised inside a handler whose worker is told to stop. Not an Exception: no handler may take it for a failure."""


class GracefulShutdown:
    """Stops one worker process. `running` is entered in the main thread around each job."""

    def __init__(self, store: JobStore, heartbeat: LeaseHeartbeat) -> None:
        self._store = store
        self._heartbeat = heartbeat
        self._pipe: tuple[int, int] | None = None
        self._running = self._signalled = False
        self._exiting = threading.Lock()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run a job. If the process is told to stop, the block raises WorkerStopping, and the process ends here."""
        self._install_handlers()
        self._running = True
        try:
            yield
        except WorkerStopping:
            self._exit()
        finally:
            self._running = False
            if self._signalled:
                self._exit()

    def _install_handlers(self) -> None:
        # Celery sets handlers of its own after every hook that it offers, so ours are set with the first job.
        if self._pipe is not None:
            return
        self._pipe = os.pipe()
        os.set_blocking(self._pipe[1], False)
        threading.Thread(target=self._wait_for_signal, args=(self._pipe[0],), name="shutdown", daemon=True).start()
        for number in _SIGNALS:
            signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(self._pipe[1], warn_on_full_buffer=False)

    def _wait_for_signal(self, pipe: int) -> None:
        while not _SIGNALS_AS_BYTES.intersection(os.read(pipe, 64)):
            pass  # Another signal, such as that of the time limit.
        self._signalled = True
        grace_ends = time.monotonic() + GRACE_SECONDS
        released: set[Lease] = set()
        while self._running:
            for lease, context in self._heartbeat.running_jobs():
                context.stop(WorkerStopping())
                if time.monotonic() > grace_ends and lease not in released:
                    self._release(lease)
                    released.add(lease)
            time.sleep(_POLL_SECONDS)
        self._exit()

    def _release(self, lease: Lease) -> None:
        try:
            self._store.release(lease)
            log.info("%s is released while its handler still runs", lease.job_id)
        except Exception as error:  # It has just ended, or the database is unreachable: then the sweeper requeues it.
            log.warning("%s could not be released: %s", lease.job_id, error)

    def _exit(self) -> None:
        """End the process without Celery's own shutdown, which takes a second and reports a result."""
        with self._exiting:  # The first of the two threads exits; the other waits here for it.
            try:
                signals.worker_process_shutdown.send(sender=None, pid=os.getpid(), exitcode=0)
                logging.shutdown()
            finally:
                os._exit(0)


_SIGNALS_AS_BYTES = frozenset(int(number) for number in _SIGNALS)
