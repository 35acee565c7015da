"""The heart of a worker process: one thread that renews the leases of the jobs in hand and hears of cancellations."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from bandmate_shared.jobs.context import JobContext, cancelled, taken_over
from bandmate_shared.jobs.model import Lease, StaleLease
from bandmate_shared.jobs.store import JobStore

log = logging.getLogger(__name__)


class Heart:
    """Beats every `seconds` while there is a job; starts by itself with the first one, and rests in between."""

    def __init__(self, store: JobStore, seconds: float) -> None:
        self._store = store
        self._seconds = seconds
        self._in_hand: dict[Lease, JobContext] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stopping = False

    @contextmanager
    def beating(self, lease: Lease, context: JobContext) -> Iterator[None]:
        """Keep the lease until the block ends; stop the context when the job is no longer ours to do."""
        with self._changed:
            self._in_hand[lease] = context
            if self._thread is None:
                self._thread = threading.Thread(target=self._beat, name="heart", daemon=True)
                self._thread.start()
            elif len(self._in_hand) == 1:
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                self._in_hand.pop(lease, None)

    def in_hand(self) -> list[tuple[Lease, JobContext]]:
        """The jobs at work in this process."""
        with self._changed:
            return list(self._in_hand.items())

    def stop(self) -> None:
        """End the thread, if it has begun."""
        with self._changed:
            thread, self._thread, self._stopping = self._thread, None, True
            self._changed.notify()
        if thread is not None:
            thread.join()
        self._stopping = False

    def _beat(self) -> None:
        while True:
            with self._changed:
                while not self._in_hand and not self._stopping:
                    self._changed.wait()
                self._changed.wait_for(lambda: self._stopping, self._seconds)
                if self._stopping:
                    return
                in_hand = list(self._in_hand.items())
            for lease, context in in_hand:
                self._renew(lease, context)

    def _renew(self, lease: Lease, context: JobContext) -> None:
        try:
            if self._store.heartbeat(lease).cancel_requested:
                context.stop(cancelled(lease.job_id))
        except StaleLease:
            context.stop(taken_over(lease.job_id))
        except Exception as error:
            log.warning("the heartbeat of %s failed, the next is in %s s: %s", lease.job_id, self._seconds, error)
