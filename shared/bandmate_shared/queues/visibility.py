"""Extends the visibility timeout of messages whose jobs still run: a step of the Celery consumer.

Without it a job that takes longer than the visibility timeout is delivered a second time while it runs. The database
rejects that delivery; it still costs a query, and on SQS brings the message nearer to the dead-letter queue.
"""

import logging
from typing import Any

from celery import bootsteps

log = logging.getLogger(__name__)

EXTENSIONS_PER_TIMEOUT = 3
"""Two of three extensions may fail."""


class VisibilityHeartbeat(bootsteps.StartStopStep):  # type: ignore[misc]
    """Extends the channel's unacknowledged messages; see `extend_visibility` of both transports."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **kwargs: Any) -> None:
        super().__init__(consumer, **kwargs)
        self._timer: Any = None

    def start(self, consumer: Any) -> None:
        seconds = consumer.app.conf.broker_transport_options["visibility_timeout"] / EXTENSIONS_PER_TIMEOUT
        self._timer = consumer.timer.call_repeatedly(seconds, self._extend, (consumer,))

    def stop(self, consumer: Any) -> None:  # noqa: ARG002
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _extend(self, consumer: Any) -> None:
        try:
            channel = consumer.task_consumer.channel
            qos = channel.qos
            unacknowledged = [tag for tag in list(qos._delivered) if tag not in qos._dirty]
            if unacknowledged:
                channel.extend_visibility(unacknowledged)
        except Exception as error:
            log.warning("messages of running jobs may be delivered twice: %s", error)
