"""kombu's SQS transport, except that it creates no queues, survives what SQS answers, and wastes no time between jobs.

- A queue's address comes from GetQueueUrl; kombu lists all queues, and creates those it does not find.
- A poll that fails is tried again; in kombu the exception ends the polling, and the worker idles for good.
- While all worker processes are busy, kombu looks once a second whether one is free; here the acknowledgement says so.
- What is not a message becomes a dead letter.
- A message that a stopping worker gives back is visible at once; kombu hides it for as long as it polls.
"""

import logging
from collections.abc import Callable, Iterable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from kombu.asynchronous.aws.sqs.connection import AsyncSQSConnection
from kombu.transport import SQS
from kombu.utils.json import loads

from bandmate_shared.aws import aws_client
from bandmate_shared.queues.envelope import add_dead_letter, is_envelope
from bandmate_shared.queues.sqs_queues import queue_url

log = logging.getLogger(__name__)

READ_SECONDS = 10.0
ATTEMPTS = 2
"""Acknowledgements are sent from the worker's event loop, which stands still meanwhile."""

FIRST_PAUSE_SECONDS = 0.5
MAX_PAUSE_SECONDS = 8.0
BATCH = 10
"""The most messages that SQS takes in one request."""

_UNREACHABLE = (ClientError, BotoCoreError, OSError)


class _Polls(AsyncSQSConnection):
    """Logs why a poll failed, and treats it as an empty one."""

    def __init__(self, client: Any, on_failure: Callable[[str], None], on_answer: Callable[[], None]) -> None:
        super().__init__(client)  # type: ignore[no-untyped-call]
        self._on_failure = on_failure
        self._on_answer = on_answer

    def _on_list_ready(self, parent: Any, markers: Any, operation: str, response: Any) -> Any:
        if response.status != self.STATUS_CODE_OK:
            body = response.read() or b""
            self._on_failure(f"{response.status} {response.reason} {body.decode(errors='replace')[:300]}".strip())
            return {}
        self._on_answer()
        return super()._on_list_ready(parent, markers, operation, response)  # type: ignore[no-untyped-call]


class Channel(SQS.Channel):
    """The channel of a worker or publisher. Only a worker has a `hub`, its event loop, and polls."""

    hub: Any
    _sqs: Any
    _asynsqs: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._full: set[str] = set()
        self._pause = 0.0
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]

    # Addresses and clients.

    def _update_queue_cache(self, queue_name_prefix: str) -> None:
        pass

    def _new_queue(self, queue: str, **_: Any) -> str:
        addresses: dict[str, str] = self._queue_cache
        if queue not in addresses:
            addresses[queue] = queue_url(self.sqs(), queue)
        return addresses[queue]

    def _size(self, queue: str) -> int:  # noqa: ARG002
        return 0  # For a declaration's answer, which nobody reads.

    def sqs(self, queue: str | None = None) -> Any:  # noqa: ARG002
        if self._sqs is None:
            self._sqs = aws_client("sqs", read_seconds=READ_SECONDS, attempts=ATTEMPTS)
        return self._sqs

    def asynsqs(self, queue: str | None = None) -> _Polls:  # noqa: ARG002
        if self._asynsqs is None:
            self._asynsqs = _Polls(self.sqs(), self._poll_failed, self._poll_answered)
        polls: _Polls = self._asynsqs
        return polls

    def _new_release_client(self, client: Any) -> Any:
        return client

    # Polling: one request at a time for each queue, while a worker process is free.

    def _schedule_queue(self, queue: str) -> None:
        if queue not in self._active_queues:
            return
        if self.qos.can_consume():
            super()._schedule_queue(queue)  # type: ignore[no-untyped-call]
        else:
            self._full.add(queue)

    def _loop1(self, queue: str, messages_fetched: int | None = None) -> None:  # noqa: ARG002
        # By the hub's timer even without a pause: `call_soon` may wait until something else wakes the event loop.
        self.hub.call_later(self._pause, self._schedule_queue, queue)

    def _resume_polling(self) -> None:
        while self._full and self.qos.can_consume():
            self._loop1(self._full.pop())

    def _poll_failed(self, reason: str) -> None:
        if not self._pause:
            log.warning("SQS does not give messages; asking again until it does: %s", reason)
        self._pause = min(max(self._pause * 2, FIRST_PAUSE_SECONDS), MAX_PAUSE_SECONDS)

    def _poll_answered(self) -> None:
        if self._pause:
            log.info("SQS gives messages again")
        self._pause = 0.0

    def _get_from_sqs(
        self, queue_name: str, queue_url: str, connection: _Polls, count: int = 1, callback: Any = None
    ) -> Any:
        return connection.receive_message(
            queue_name,
            queue_url,
            number_messages=count,
            visibility_timeout=self.visibility_timeout,
            wait_time_seconds=self.wait_time_seconds,
            callback=callback,
        )  # type: ignore[no-untyped-call]

    # Received messages.

    def _on_messages_ready(self, queue: str, qname: str, messages: Any) -> int:
        readable = []
        for message in messages.get("Messages") or ():
            if is_envelope(_unwrapped(self, message)):
                readable.append(message)
            else:
                self._add_dead_letter(queue, qname, message)
        return int(super()._on_messages_ready(queue, qname, {"Messages": readable}))  # type: ignore[no-untyped-call]

    def _add_dead_letter(self, address: str, queue: str, message: Any) -> None:
        try:
            add_dead_letter(queue, message["Body"], "what was put on the queue is not a Celery message")
            self.sqs().delete_message(QueueUrl=address, ReceiptHandle=message["ReceiptHandle"])
        except Exception as error:  # It comes again; after MAX_RECEIVES times SQS puts it aside.
            log.warning("an unreadable message stays in %s: %s", queue, error)

    # Acknowledged, rejected and returned messages.

    def basic_ack(self, delivery_tag: str, multiple: bool = False) -> None:
        try:
            super().basic_ack(delivery_tag, multiple)  # type: ignore[no-untyped-call]
        except Exception as error:
            # kombu has forgotten it. It comes again, and its claim then finds nothing to do.
            log.warning("a message could not be deleted and will come again: %s", error)
        self._resume_polling()

    def basic_reject(self, delivery_tag: str, requeue: bool = False) -> None:
        super().basic_reject(delivery_tag, requeue=requeue)  # type: ignore[no-untyped-call]
        self._resume_polling()

    def basic_qos(self, *args: Any, **kwargs: Any) -> None:
        super().basic_qos(*args, **kwargs)  # type: ignore[no-untyped-call]
        self._resume_polling()

    def _restore(self, message: Any, *_: Any) -> None:
        """Let another worker have the message at once."""
        info = message.delivery_info
        try:
            self.sqs().change_message_visibility(
                QueueUrl=info["sqs_queue"], ReceiptHandle=message.delivery_tag, VisibilityTimeout=0
            )
        except _UNREACHABLE as error:
            log.warning("a message could not be given back and comes after its visibility timeout: %s", error)

    def extend_visibility(self, delivery_tags: Iterable[str]) -> None:
        """Hide messages whose jobs still run from other consumers for another visibility timeout.

        Raises botocore's errors where SQS does not answer. SQS keeps a message back for twelve hours at most; then it
        is delivered again, and its claim finds nothing to do, because the job is leased.
        """
        by_queue: dict[str, list[str]] = {}
        for tag in delivery_tags:
            by_queue.setdefault(self.qos.get(tag).delivery_info["sqs_queue"], []).append(tag)
        for address, tags in by_queue.items():
            for start in range(0, len(tags), BATCH):
                entries = [
                    {"Id": str(number), "ReceiptHandle": tag, "VisibilityTimeout": self.visibility_timeout}
                    for number, tag in enumerate(tags[start : start + BATCH])
                ]
                answer = self.sqs().change_message_visibility_batch(QueueUrl=address, Entries=entries)
                for failed in answer.get("Failed", ()):
                    log.warning("a message at work will be seen by others: %s", failed.get("Message", failed["Code"]))


def _unwrapped(channel: Channel, message: Any) -> Any:
    """The body as kombu will read it, or None."""
    try:
        return loads(channel._decode_python_message_body(message["Body"]).decode())  # type: ignore[no-untyped-call]
    except Exception:  # Untrusted bytes: not base64, not JSON, nested too deeply, or of a type that kombu mishandles.
        return None


class Transport(SQS.Transport):
    """Used by Celery for `sqs://` (see broker.py)."""

    Channel = Channel
