"""Sends a message to `bandmate-submissions`, or a note to its dead-letter queue.

They know no database. That a song comes only once is up to the intake, which knows it by its idempotency key; a
table of keys here would be a second truth beside the job store's.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any

from bandmate_shared.aws import aws_client
from bandmate_shared.errors import BandmateError, LimitExceeded

MAX_MESSAGE_BYTES = 1_048_576
"""SQS' limit on a message with its attributes."""
_ATTRIBUTE_BYTES = 512
"""More than our attribute takes with its name and type."""

_clients: dict[str, Any] = {}


def client(service: str) -> Any:
    """A client that lives as long as the function stays warm."""
    if service not in _clients:
        _clients[service] = aws_client(service)
    return _clients[service]


def idempotency_key(kind: str, *parts: str) -> str:
    """A key of at most 200 characters that is the same for the same parts, and only for these."""
    return f"{kind}-{hashlib.sha256(json.dumps(parts).encode()).hexdigest()}"


def submit(request: Mapping[str, Any], key: str) -> str:
    """Send a song request; returns the message's id.

    Raises:
        LimitExceeded: no message can hold it.
        botocore's errors, where SQS does not answer.
    """
    body = json.dumps(request, ensure_ascii=False)
    size = len(body.encode())
    if size + _ATTRIBUTE_BYTES > MAX_MESSAGE_BYTES:
        raise LimitExceeded(
            f"the request has {size:,} bytes and a queue's message holds {MAX_MESSAGE_BYTES:,}; "
            "send it to POST /v1/songs, with the prompt as an upload"
        )
    answer = client("sqs").send_message(
        QueueUrl=os.environ["BANDMATE_SUBMISSIONS_URL"],
        MessageBody=body,
        MessageAttributes={"idempotency_key": {"DataType": "String", "StringValue": key}},
    )
    return str(answer["MessageId"])


def refuse(error: BandmateError, source: Mapping[str, Any]) -> None:
    """Put aside what can never become a song, with the reason, for a person to look at."""
    note = {"type": error.type, "title": error.title, "detail": error.detail, "source": dict(source)}
    client("sqs").send_message(
        QueueUrl=os.environ["BANDMATE_SUBMISSIONS_DLQ_URL"], MessageBody=json.dumps(note, ensure_ascii=False)
    )
