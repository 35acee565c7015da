"""How a Celery worker stops: it takes no more messages, lets its jobs finish for a while, and requeues the rest.

Celery offers to wait without limit (SIGTERM), or to sleep through a fixed time in its signal handler (SIGQUIT), in
which it acknowledges nothing, extends no visibility, and does not notice that all jobs have ended. Here the event loop
goes on while the worker drains, and the process ends as soon as no job is left.

SIGTERM and SIGINT begin to drain for BANDMATE_DRAIN_SECONDS. SIGQUIT, or any of them a second time, ends the waiting.
Before the event loop runs there is no job, and each of them ends the worker at once.
"""

import logging
import os
import signal
import threading
import time
from typing import Any, NoReturn

from billiard import active_children
from celery import bootsteps, signals
from celery.worker import state

from bandmate_shared.settings import shared_settings

log = logging.getLogger(__name__)

UNWIND_SECONDS = 100.0
"""How long a job that was told to stop may clean up, such as a training that saves a checkpoint."""

POLL_SECONDS = 0.05
EXIT_GRACE_SECONDS = 0.3
"""How long idle processes may take to send their telemetry."""

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)


class StopDuringStart(bootsteps.StartStopStep):  # type: ignore[misc]
    """A step of the worker: from its start until `Drain` takes over, a signal ends the worker at once.

    Celery only notes the signal and goes on starting. It stops when the broker has answered, the event loop runs and
    the pool is up, which on a loaded machine, or with a broker that does not answer, takes longer than callers wait.
    """

    def start(self, parent: Any) -> None:  # noqa: ARG002
        self._pid = os.getpid()
        for number in _SIGNALS:
            signal.signal(number, self._exit)
        if state.should_stop is not None or state.should_terminate is not None:
            self._exit()  # The signal came between Celery's handlers and these.

    def _exit(self, *_: Any) -> NoReturn:
        if os.getpid() == self._pid:  # A pool process inherits the handler.
            _end_processes([child.pid for child in active_children()])
        os._exit(os.EX_OK)


class Drain(bootsteps.StartStopStep):  # type: ignore[misc]
    """A step of the consumer: while it is started, signals reach the event loop through a pipe."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **kwargs: Any) -> None:
        super().__init__(consumer, **kwargs)
        self._pipe: tuple[int, int] | None = None
        self._in_loop = self._signalled = False
        self._deadline: float | None = None
        self._stopping: list[int] | None = None
        """Ids of the processes whose jobs were told to stop."""

    def start(self, consumer: Any) -> None:
        if self._pipe is None:
            self._pipe = os.pipe()
            for number in _SIGNALS:
                signal.signal(number, self._on_signal)
        consumer.hub.add_reader(self._pipe[0], self._begin, consumer)
        self._in_loop = True

    def stop(self, consumer: Any) -> None:  # noqa: ARG002
        """The loop has ended because the connection was lost, perhaps before it read a signal or while it drained."""
        self._in_loop = False
        if self._signalled:
            self._stop_by_celery()

    def _on_signal(self, number: int, _frame: Any) -> None:
        self._signalled = True
        if self._in_loop and self._pipe is not None:
            os.write(self._pipe[1], bytes([number]))
        else:
            self._stop_by_celery()

    def _stop_by_celery(self) -> None:
        """While the broker is unreachable, Celery checks this flag between two attempts to connect.

        It ends the worker processes by a signal, on which they release their jobs.
        """
        state.should_terminate = os.EX_OK
        deadline = threading.Timer(UNWIND_SECONDS, os._exit, [1])
        deadline.daemon = True
        deadline.start()

    def _begin(self, consumer: Any) -> None:
        assert self._pipe is not None
        numbers = os.read(self._pipe[0], 64)
        first = self._deadline is None
        if not first or signal.SIGQUIT in numbers or len(numbers) > 1:
            self._deadline = time.monotonic()
        else:
            self._deadline = time.monotonic() + shared_settings().drain_seconds
        if first:
            log.info("the worker stops; %d jobs running", len(state.reserved_requests))
            consumer.task_consumer.cancel()
            consumer.timer.call_repeatedly(POLL_SECONDS, self._poll, (consumer,))

    def _poll(self, consumer: Any) -> None:
        assert self._deadline is not None
        past = time.monotonic() - self._deadline
        if self._stopping is not None:
            if past > UNWIND_SECONDS or not any(map(_is_alive, self._stopping)):
                self._exit(consumer)
        elif not state.reserved_requests:
            self._exit(consumer)
        elif past >= 0:
            self._stopping = [request.worker_pid for request in state.active_requests if request.worker_pid]
            consumer.cancel_active_requests()

    def _exit(self, consumer: Any) -> None:
        """End at once: the rest of Celery's shutdown waits for processes that have nothing left to do."""
        try:
            consumer.connection.close()  # Returns the unacknowledged messages to the queue.
        except Exception as error:
            log.warning("messages come back after their visibility timeout: %s", error)
        signals.worker_shutdown.send(sender=consumer.controller)
        _end_processes([process.pid for process in consumer.pool._pool._pool])
        logging.shutdown()
        os._exit(os.EX_OK)


def _end_processes(children: list[int]) -> None:
    """SIGTERM, a moment for their telemetry, SIGKILL."""
    for child in children:
        _send(child, signal.SIGTERM)
    deadline = time.monotonic() + EXIT_GRACE_SECONDS
    while any(map(_is_alive, children)) and time.monotonic() < deadline:
        time.sleep(0.01)
    for child in children:
        _send(child, signal.SIGKILL)


def _is_alive(child: int) -> bool:
    try:
        return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    except ChildProcessError:  # Celery has taken note of its end.
        return False


def _send(child: int, number: signal.Signals) -> None:
    try:
        os.kill(child, number)
    except ProcessLookupError:
        pass
