"""What kombu's senders wrap around a task, and whether something has that shape."""

import base64
from typing import Any


def is_envelope(message: Any) -> bool:
    """Whether kombu can take the message from the queue, hand it on, and give it back."""
    try:
        properties = message["properties"]
        info = properties["delivery_info"]
        strings = message["body"], properties["delivery_tag"], info["exchange"], info["routing_key"]
        if properties.get("body_encoding") == "base64":
            base64.b64decode(message["body"], validate=True)
    except (LookupError, TypeError, ValueError, AttributeError):
        return False
    return all(isinstance(string, str) for string in strings) and isinstance(message.get("headers", {}), dict)
