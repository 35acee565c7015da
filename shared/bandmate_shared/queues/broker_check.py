"""Readiness of the broker: whether it answers, and on SQS whether the queue exists."""

from collections.abc import Callable
from functools import cache, partial

import redis

from bandmate_shared.aws import aws_client
from bandmate_shared.queues.broker import Broker
from bandmate_shared.queues.sqs_queues import queue_url


def broker_check(broker: Broker, queue: str, seconds: float) -> Callable[[], None]:
    """A function that raises where the broker, or on SQS the queue, cannot be reached within `seconds`."""
    if not broker.is_sqs:
        return partial(_ping_redis, broker.url, seconds)
    client = cache(partial(aws_client, "sqs", read_seconds=seconds, attempts=1))

    def find_queue() -> None:
        queue_url(client(), queue)

    return find_queue


def _ping_redis(url: str, seconds: float) -> None:
    with redis.Redis.from_url(url, socket_timeout=seconds, socket_connect_timeout=seconds) as client:
        client.ping()
