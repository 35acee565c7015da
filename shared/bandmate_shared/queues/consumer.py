"""Celery's consumer, except that unreadable messages become dead letters."""

from collections.abc import Callable
from functools import partial
from typing import Any

from celery.worker.consumer import Consumer

from bandmate_shared.queues.envelope import add_dead_letter

_MALFORMED = (LookupError, TypeError, ValueError, AttributeError)
"""What Celery, which trusts the shape of a task's message, raises for one of another shape."""


class DeadLetterConsumer(Consumer):  # type: ignore[misc]
    """Stores unreadable messages with a reason where Celery drops them or stops."""

    def create_task_handler(self, *args: Any, **kwargs: Any) -> Callable[[Any], None]:
        receive = super().create_task_handler(*args, **kwargs)

        def receive_or_reject(message: Any) -> None:
            message.ack_log_error = partial(_or_reconnect, message.ack)
            message.reject_log_error = partial(_or_reconnect, message.reject)
            try:
                receive(message)
            except _MALFORMED as error:
                self._add_dead_letter(message, f"the message does not have the shape of a task: {error}")

        return receive_or_reject

    def on_decode_error(self, message: Any, exc: BaseException) -> None:
        self._add_dead_letter(message, f"the message cannot be decoded: {exc}")

    def on_unknown_message(self, body: Any, message: Any) -> None:  # noqa: ARG002
        self._add_dead_letter(message, "the message is not a Celery task")

    def on_unknown_task(self, body: Any, message: Any, exc: BaseException) -> None:  # noqa: ARG002
        self._add_dead_letter(message, f"there is no task called {exc}")

    def on_invalid_task(self, body: Any, message: Any, exc: BaseException) -> None:  # noqa: ARG002
        self._add_dead_letter(message, f"the task's message is broken: {exc}")

    def _add_dead_letter(self, message: Any, reason: str) -> None:
        info = message.delivery_info
        queue = info.get("routing_key") if isinstance(info, dict) else None
        add_dead_letter(str(queue or self.app.conf.task_default_queue), message.body, reason)
        message.ack()


def _or_reconnect(settle: Callable[..., None], _log: Any, _errors: Any, *options: Any, **named: Any) -> None:
    """Acknowledge or reject a message; an unreachable broker is an error, on which Celery connects anew.

    Celery's own versions log that error and go on with the dead connection. The message then counts as unacknowledged
    for good; with a prefetch limit of one, the worker never reads from its queue again.
    """
    settle(*options, **named)
