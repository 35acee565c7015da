"""Which broker carries the job ids, and how Celery is to speak to it."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from kombu.transport import TRANSPORT_ALIASES

from bandmate_shared.settings import SharedSettings

CONNECT_SECONDS = 2.0
SOCKET_SECONDS = 15.0
"""Longer than Celery's own polls of ten seconds, so that only a dead connection runs into it."""

LONG_POLL_SECONDS = 10
"""How long SQS holds a request for messages open; kombu's HTTP client gives up after 20."""

SUBMISSIONS = "bandmate-submissions"
"""The stream (Redis) or queue (SQS) to which programs add song requests."""

TRANSPORT_ALIASES["sqs"] = "bandmate_shared.sqs_transport:Transport"


@dataclass(frozen=True)
class Broker:
    """A broker's address: `redis://…`, `rediss://…`, `sqs://`, or empty where there is none.

    `visibility_seconds`: a message that nobody acknowledged, and whose worker no longer says that it is at work, comes
    back after this. The database decides what that means.
    """

    url: str
    visibility_seconds: int = 60

    @classmethod
    def of(cls, settings: SharedSettings) -> "Broker":
        return cls(settings.resolved_broker_url, settings.visibility_seconds)

    @property
    def is_sqs(self) -> bool:
        return urlsplit(self.url).scheme == "sqs"

    def transport_options(self) -> dict[str, Any]:
        """Celery's `broker_transport_options`."""
        if self.is_sqs:
            # kombu keeps connections for the whole process and tells them apart by address and options alone.
            endpoint = os.environ.get("AWS_ENDPOINT_URL_SQS") or os.environ.get("AWS_ENDPOINT_URL", "")
            return {
                "visibility_timeout": self.visibility_seconds,
                "wait_time_seconds": LONG_POLL_SECONDS,
                "endpoint": endpoint,
            }
        return {
            "visibility_timeout": self.visibility_seconds,
            # How often overdue messages are looked for; by default every hundred seconds.
            "unacked_restore_interval": self.visibility_seconds / 6,
            "unacked_restore_throttle": 1,
            "socket_timeout": SOCKET_SECONDS,
            "socket_connect_timeout": CONNECT_SECONDS,
            "socket_keepalive": True,
            "health_check_interval": 10,
        }


def broker_check(broker: Broker, queue: str, seconds: float) -> Callable[[], None]:
    """A function that raises where the broker, or on SQS the queue, cannot be reached within `seconds`."""
    if not broker.is_sqs:
        return lambda: _ping_redis(broker.url, seconds)
    clients: list[Any] = []

    def ask_sqs() -> None:
        from bandmate_shared.aws import aws_client
        from bandmate_shared.sqs_queues import queue_url

        if not clients:
            clients.append(aws_client("sqs", read_seconds=seconds, attempts=1))
        queue_url(clients[0], queue)

    return ask_sqs


def _ping_redis(url: str, seconds: float) -> None:
    import redis

    with redis.Redis.from_url(url, socket_timeout=seconds, socket_connect_timeout=seconds) as client:
        client.ping()
