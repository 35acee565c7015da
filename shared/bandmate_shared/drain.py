"""How a Celery worker stops: it takes no more messages, lets its jobs finish for a while, and gives back the rest.

Celery offers to wait without limit (SIGTERM), or to sleep through a fixed time in its signal handler (SIGQUIT), in
which it acknowledges nothing, extends no visibility, and does not see that all jobs have long ended. Here the event
loop goes on while the worker drains, and the process ends as soon as there is nothing in its hands.

SIGTERM and SIGINT begin to drain for BANDMATE_DRAIN_SECONDS. SIGQUIT, or any of them a second time, ends the waiting.
"""

import logging
import os
import signal
import threading
import time
from typing import Any

from celery import bootsteps, signals
from celery.worker import state

from bandmate_shared.settings import shared_settings

log = logging.getLogger(__name__)

UNWIND_SECONDS = 100.0
"""How long a job that was told to stop may clean up, such as a training that saves a checkpoint."""

LOOK_SECONDS = 0.05
LAST_WORDS_SECONDS = 0.3
"""What idle processes get to tell their telemetry that they end."""


class Drain(bootsteps.StartStopStep):  # type: ignore[misc]
    """A step of the consumer: while it is started, the event loop hears the signals by way of a pipe."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **kwargs: Any) -> None:
        super().__init__(consumer, **kwargs)
        self._pipe: tuple[int, int] | None = None
        self._in_loop = self._heard = False
        self._deadline: float | None = None
        self._told: list[int] | None = None
        """Process ids of the jobs that were told to stop."""

    def start(self, consumer: Any) -> None:
        if self._pipe is None:
            self._pipe = os.pipe()
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
                signal.signal(number, self._hear)
        consumer.hub.add_reader(self._pipe[0], self._begin, consumer)
        self._in_loop = True

    def stop(self, consumer: Any) -> None:  # noqa: ARG002
        """The loop has ended, because the connection was lost: perhaps with a signal unheard, or in the midst of it."""
        self._in_loop = False
        if self._heard:
            self._stop_celerys_way()

    def _hear(self, number: int, _frame: Any) -> None:
        self._heard = True
        if self._in_loop and self._pipe is not None:
            os.write(self._pipe[1], bytes([number]))
        else:
            self._stop_celerys_way()

    def _stop_celerys_way(self) -> None:
        """While the broker is away, Celery looks at this flag between two tries to reach it.

        It ends the worker processes by a signal, on which they give their jobs back.
        """
        state.should_terminate = os.EX_OK
        too_long = threading.Timer(UNWIND_SECONDS, os._exit, [1])
        too_long.daemon = True
        too_long.start()

    def _begin(self, consumer: Any) -> None:
        assert self._pipe is not None
        numbers = os.read(self._pipe[0], 64)
        first = self._deadline is None
        if not first or signal.SIGQUIT in numbers or len(numbers) > 1:
            self._deadline = time.monotonic()
        else:
            self._deadline = time.monotonic() + shared_settings().drain_seconds
        if first:
            log.info("the worker stops; %d jobs in hand", len(state.reserved_requests))
            consumer.task_consumer.cancel()
            consumer.timer.call_repeatedly(LOOK_SECONDS, self._look, (consumer,))

    def _look(self, consumer: Any) -> None:
        assert self._deadline is not None
        past = time.monotonic() - self._deadline
        if self._told is not None:
            if past > UNWIND_SECONDS or not any(map(_is_alive, self._told)):
                self._end(consumer)
        elif not state.reserved_requests:
            self._end(consumer)
        elif past >= 0:
            self._told = [request.worker_pid for request in state.active_requests if request.worker_pid]
            consumer.cancel_active_requests()

    def _end(self, consumer: Any) -> None:
        """End at once. What is left of Celery's way down waits for processes that have nothing to say any more."""
        try:
            consumer.connection.close()  # Gives back what was not acknowledged.
        except Exception as error:
            log.warning("messages come back after their visibility timeout: %s", error)
        signals.worker_shutdown.send(sender=consumer.controller)
        children = [process.pid for process in consumer.pool._pool._pool]
        for child in children:
            _send(child, signal.SIGTERM)
        time_is_up = time.monotonic() + LAST_WORDS_SECONDS
        while any(map(_is_alive, children)) and time.monotonic() < time_is_up:
            time.sleep(0.01)
        for child in children:
            _send(child, signal.SIGKILL)
        logging.shutdown()
        os._exit(os.EX_OK)


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
