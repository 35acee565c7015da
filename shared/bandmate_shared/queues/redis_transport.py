"""kombu's Redis transport, except that an item that is not a message does not stop the worker.

Any client of the Redis can push anything onto the list that is a queue. kombu parses an item as it comes, inside the
worker's event loop, where an exception ends the process and the item is lost.
"""

import json
import time
from collections.abc import Iterable
from queue import Empty
from typing import Any

from kombu.transport import redis

from bandmate_shared.queues.envelope import add_dead_letter, is_envelope


class Channel(redis.Channel):
    """Items that are not JSON become dead letters."""

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[no-untyped-call]
        except json.JSONDecodeError as error:
            item: Any = error.doc
        except UnicodeDecodeError as error:
            item = error.object
        except RecursionError:
            item = "(nested too deeply to show)"
        queue = next(iter(self.active_queues), "unknown")  # A worker of ours consumes one queue.
        add_dead_letter(queue, item, "what was put on the queue is not JSON")
        raise Empty  # As after an empty poll: kombu polls on.

    def extend_visibility(self, delivery_tags: Iterable[str]) -> None:
        """Count messages whose jobs still run as just delivered. Raises redis-py's errors."""
        now = time.time()
        with self.conn_or_acquire() as client:
            client.zadd(self.unacked_index_key, dict.fromkeys(delivery_tags, now), xx=True)


class Transport(redis.Transport):
    """JSON that is not an envelope of kombu's becomes a dead letter."""

    Channel = Channel

    def _deliver(self, message: Any, queue: str) -> None:
        if is_envelope(message):
            super()._deliver(message, queue)  # type: ignore[no-untyped-call]
        else:
            add_dead_letter(queue, json.dumps(message), "what was put on the queue is JSON, but not a Celery message")
