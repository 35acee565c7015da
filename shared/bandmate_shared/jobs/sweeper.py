"""The sweeper thread: requeues or ends the jobs of dead workers. One in a deployment is enough, more do no harm."""

import logging
import threading

from bandmate_shared.jobs.relay import Relay
from bandmate_shared.jobs.store import JobStore

log = logging.getLogger(__name__)


class Sweeper:
    """Sweeps every `seconds` between `start()` and `stop()`, and has the relay send what became due by it."""

    def __init__(self, store: JobStore, relay: Relay, seconds: float) -> None:
        self._store = store
        self._relay = relay
        self._seconds = seconds
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start. First, messages sent before this process started are sent again: they may be lost."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="sweeper", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread, if there is one."""
        if self._thread is not None:
            self._stopping.set()
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        started = False
        while not self._stopping.is_set():
            try:
                if not started:
                    self._store.resend_all()
                    started = True
                counts = {name: count for name, count in self._store.sweep().items() if count}
                if counts:
                    log.info("swept: %s", counts)
                    self._relay.kick()
            except Exception:
                log.exception("a sweep failed; the next one is in %s s", self._seconds)
            self._stopping.wait(self._seconds)
