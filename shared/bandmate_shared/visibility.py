"""A Celery consumer's step that tells the broker, as long as a message is being worked on, not to hand it out again.

Without it a job that takes longer than the visibility timeout is delivered a second time while it runs. The database
turns that delivery away; it still costs a look, and on SQS brings the message nearer to the dead-letter queue.
"""

import logging
from typing import Any

from celery import bootsteps

log = logging.getLogger(__name__)

BEATS = 3
"""How often within a visibility timeout: two may fail."""


class VisibilityHeartbeat(bootsteps.StartStopStep):  # type: ignore[misc]
    """Extends what the channel has handed out and not got back; see `extend_visibility` of both transports."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **kwargs: Any) -> None:
        super().__init__(consumer, **kwargs)
        self._timer: Any = None

    def start(self, consumer: Any) -> None:
        seconds = consumer.app.conf.broker_transport_options["visibility_timeout"] / BEATS
        self._timer = consumer.timer.call_repeatedly(seconds, self._beat, (consumer,))

    def stop(self, consumer: Any) -> None:  # noqa: ARG002
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _beat(self, consumer: Any) -> None:
        try:
            channel = consumer.task_consumer.channel
            qos = channel.qos
            in_hand = [tag for tag in list(qos._delivered) if tag not in qos._dirty]
            if in_hand:
                channel.extend_visibility(in_hand)
        except Exception as error:
            log.warning("messages at work may be delivered twice: %s", error)
