"""The message broker's address and Celery's options for it."""

import os
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

TRANSPORT_ALIASES["sqs"] = "bandmate_shared.queues.sqs_transport:Transport"


@dataclass(frozen=True)
class Broker:
    """A broker's address: `redis://…`, `rediss://…`, `sqs://`, or empty where there is none.

    `visibility_seconds`: a message that is not acknowledged, and that its worker no longer extends, is delivered again
    after this. A claim then decides whether there is anything to do.
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
