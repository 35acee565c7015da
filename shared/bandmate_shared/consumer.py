"""The part of a Celery worker that meets messages before any task does: what it cannot read becomes a dead letter."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from celery.worker.consumer import Consumer

log = logging.getLogger(__name__)

_MISSHAPEN = (LookupError, TypeError, ValueError, AttributeError)
"""What Celery, which trusts the shape of a task's message, stumbles with over one of another shape."""


class DeadLetterConsumer(Consumer):  # type: ignore[misc]
    """Celery's consumer, except that it keeps unreadable messages with a reason where Celery drops them or stops."""

    def create_task_handler(self, *args: Any, **kwargs: Any) -> Callable[[Any], None]:
        receive = super().create_task_handler(*args, **kwargs)

        def receive_or_bury(message: Any) -> None:
            message.ack_log_error = partial(_or_reconnect, message.ack)
            message.reject_log_error = partial(_or_reconnect, message.reject)
            try:
                receive(message)
            except _MISSHAPEN as error:
                self._bury(message, f"the message does not have the shape of a task: {error}")

        return receive_or_bury

    def on_decode_error(self, message: Any, exc: BaseException) -> None:
        self._bury(message, f"the message cannot be decoded: {exc}")

    def on_unknown_message(self, body: Any, message: Any) -> None:  # noqa: ARG002
        self._bury(message, "the message is not a Celery task")

    def on_unknown_task(self, body: Any, message: Any, exc: BaseException) -> None:  # noqa: ARG002
        self._bury(message, f"there is no task called {exc}")

    def on_invalid_task(self, body: Any, message: Any, exc: BaseException) -> None:  # noqa: ARG002
        self._bury(message, f"the task's message is broken: {exc}")

    def _bury(self, message: Any, reason: str) -> None:
        info = message.delivery_info
        queue = info.get("routing_key") if isinstance(info, dict) else None
        bury(str(queue or self.app.conf.task_default_queue), message.body, reason)
        message.ack()


def _or_reconnect(settle: Callable[..., None], _log: Any, _errors: Any, *options: Any, **named: Any) -> None:
    """Acknowledge or reject a message; a broker that is away is an error, on which Celery connects anew.

    Celery's own versions log that error and go on with the dead connection. The message then counts as unacknowledged
    for good; with a prefetch limit of one, the worker never reads from its queue again.
    """
    settle(*options, **named)


def bury(queue: str, payload: Any, reason: str) -> None:
    """Keep what came from the queue as a dead letter.

    The store is opened and closed on the spot: worker processes are forked from this one, and must not inherit open
    connections to a database.
    """
    from bandmate_shared.jobs.store import JobStore
    from bandmate_shared.settings import shared_settings

    log.warning("dead letter in %s: %s", queue, reason)
    text = payload.decode(errors="replace") if isinstance(payload, bytes) else str(payload)
    store = JobStore.open(shared_settings())
    try:
        store.add_dead_letter(queue, text, reason[:1000])
    finally:
        store.close()
