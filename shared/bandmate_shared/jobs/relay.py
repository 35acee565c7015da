"""The outbox relay: sends job ids from the outbox to the queues.

A message leaves the outbox only with its job's claim. Until then it is sent again, with growing pauses: whatever
happens to relay, broker or worker, it is delivered at least once.
"""

import logging
import threading
from typing import Protocol

from bandmate_shared.jobs.model import Message
from bandmate_shared.jobs.store import JobStore

log = logging.getLogger(__name__)

POLL_SECONDS = 0.5
"""How often the thread checks for messages that became due: retries after their pause, resends."""

MAX_PAUSE_SECONDS = 4.0
"""The longest pause between two attempts to reach the broker."""

BATCH = 100


class Publisher(Protocol):
    """Sends to the queues. `publish` raises when the message may not have arrived."""

    def publish(self, queue: str, job_id: str) -> None: ...

    def close(self) -> None: ...


class Relay:
    """Sends what is pending: on `kick()`, and as a thread between `start()` and `stop()`."""

    def __init__(self, store: JobStore, publisher: Publisher) -> None:
        self._store = store
        self._publisher = publisher
        self._sending = threading.Lock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Run the relay as a thread until `stop()`."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread, if there is one."""
        if self._thread is not None:
            self._stopping.set()
            self._wake.set()
            self._thread.join()
            self._thread = None

    def kick(self) -> None:
        """Wake the thread, or without one send now.

        Never raises for an unreachable broker: the messages stay in the outbox, and a relay thread sends them later.
        """
        if self._thread is not None:
            self._wake.set()
            return
        try:
            self.send_pending()
        except Exception as error:
            log.warning("messages stay in the outbox: %s", error)

    def send_pending(self) -> int:
        """Publish everything that is due; returns how many messages. Raises what the publisher raises."""
        total = 0
        with self._sending:
            # Check first: taking messages has to wait for the write lock.
            while self._store.pending_messages(1) and (messages := self._store.take_messages(BATCH)):
                self._send(messages)
                total += len(messages)
        return total

    def _send(self, messages: list[Message]) -> None:
        sent = 0
        try:
            for message in messages:
                self._publisher.publish(message.queue, message.job_id)
                sent += 1
        finally:
            if sent < len(messages):
                self._store.give_back_messages(messages[sent:])

    def _run(self) -> None:
        broker_down = False
        pause = POLL_SECONDS
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                self.send_pending()
                if broker_down:
                    # It may have come back with an older state.
                    broker_down = False
                    log.info("the broker is back; sending %d unclaimed messages again", self._store.resend_all())
                    continue
                pause = POLL_SECONDS
            except Exception as error:
                if not broker_down:
                    log.warning("messages wait in the outbox until broker and database are back: %s", error)
                broker_down = True
                pause = min(pause * 2, MAX_PAUSE_SECONDS)
                self._stopping.wait(pause)
                continue
            self._wake.wait(pause)
