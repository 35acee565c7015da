"""The message envelope of kombu: whether a message has its shape, and what becomes of one that has not."""

import base64
import logging
from typing import Any

from bandmate_shared.jobs.store import JobStore
from bandmate_shared.settings import shared_settings

log = logging.getLogger(__name__)


def is_envelope(message: Any) -> bool:
    """Whether kombu can take the message from the queue, hand it on, and return it."""
    try:
        properties = message["properties"]
        info = properties["delivery_info"]
        strings = message["body"], properties["delivery_tag"], info["exchange"], info["routing_key"]
        if properties.get("body_encoding") == "base64":
            base64.b64decode(message["body"], validate=True)
    except (LookupError, TypeError, ValueError, AttributeError):
        return False
    return all(isinstance(string, str) for string in strings) and isinstance(message.get("headers", {}), dict)


def add_dead_letter(queue: str, payload: Any, reason: str) -> None:
    """Store an unreadable message of the queue as a dead letter.

    The store is opened and closed on the spot: worker processes are forked from this one, and must not inherit open
    connections to a database.
    """
    log.warning("dead letter in %s: %s", queue, reason)
    text = payload.decode(errors="replace") if isinstance(payload, bytes) else str(payload)
    store = JobStore.open(shared_settings())
    try:
        store.add_dead_letter(queue, text, reason[:1000])
    finally:
        store.close()
