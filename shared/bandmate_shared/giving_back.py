"""How a worker process that is told to stop gives its job back.

Celery's way is an exception out of the signal handler, wherever the process happens to be. If that was inside a
transaction, the connection stays behind with the database's write lock, the process waits for that lock to give the
job back, and never stops. Here a thread hears the signal, even while the main thread computes in C, and asks the job to
stop as a cancellation does: at the handler's next look. A job that does not look in time is given back by the thread;
what it still writes hits nothing, for its lease is gone.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bandmate_shared.jobs.model import Lease
from bandmate_shared.runtime import Runtime

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 1.0
"""How long the handler has until the thread gives the job back. It may go on cleaning up afterwards."""

_POLL_SECONDS = 0.02
_SIGNALS = (signal.SIGTERM, signal.SIGQUIT)


class WorkerStopping(BaseException):
    """Raised inside a handler whose worker is told to stop. Not an Exception: no handler may take it for a failure."""


class GivingBack:
    """One worker process's readiness to stop. `at_work` is entered in the main thread around each job."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._pipe: tuple[int, int] | None = None
        self._at_work = self._heard = False
        self._leaving = threading.Lock()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Run a job. If the process is told to stop, the block raises WorkerStopping, and the process ends here."""
        self._listen()
        self._at_work = True
        try:
            yield
        except WorkerStopping:
            self._leave()
        finally:
            self._at_work = False
            if self._heard:
                self._leave()

    def _listen(self) -> None:
        # Celery sets handlers of its own after every hook that it offers, so ours are set with the first job.
        if self._pipe is not None:
            return
        self._pipe = os.pipe()
        os.set_blocking(self._pipe[1], False)
        threading.Thread(target=self._wait, args=(self._pipe[0],), name="giving-back", daemon=True).start()
        for number in _SIGNALS:
            signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(self._pipe[1], warn_on_full_buffer=False)

    def _wait(self, pipe: int) -> None:
        while not _SIGNALS_AS_BYTES.intersection(os.read(pipe, 64)):
            pass  # Another signal, such as that of the time limit.
        self._heard = True
        patience_ends = time.monotonic() + PATIENCE_SECONDS
        released: set[Lease] = set()
        while self._at_work:
            for lease, context in self._runtime.heart.in_hand():
                context.stop(WorkerStopping())
                if time.monotonic() > patience_ends and lease not in released:
                    self._release(lease)
                    released.add(lease)
            time.sleep(_POLL_SECONDS)
        self._leave()

    def _release(self, lease: Lease) -> None:
        try:
            self._runtime.store.release(lease)
            log.info("%s is given back while its handler is still at work", lease.job_id)
        except Exception as error:  # It has just ended, or the database is away: then the sweeper sees to it.
            log.warning("%s could not be given back: %s", lease.job_id, error)

    def _leave(self) -> None:
        """End the process without Celery's ways of ending one, which take a second and report a result."""
        from celery import signals

        with self._leaving:  # For the one of the two threads that comes first; the other waits here for the end.
            try:
                signals.worker_process_shutdown.send(sender=None, pid=os.getpid(), exitcode=0)
                logging.shutdown()
            finally:
                os._exit(0)


_SIGNALS_AS_BYTES = frozenset(int(number) for number in _SIGNALS)
