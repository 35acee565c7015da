"""The SQS queues: names, attributes, creation and addresses.

    python -m bandmate_shared.queues.sqs_queues create

makes them, or brings those that exist to these numbers, as often as it is run. A deployment whose infrastructure code
owns the queues takes the numbers from here, and gives its services no right to create any.
"""

import json
import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from bandmate_shared.aws import aws_client
from bandmate_shared.contracts.jobs import ServiceName
from bandmate_shared.errors import BandmateError
from bandmate_shared.jobs.model import queue_name
from bandmate_shared.queues.names import SUBMISSIONS

log = logging.getLogger(__name__)

DEAD_LETTER_SUFFIX = "-dlq"

LONG_POLL_SECONDS = 20
"""For receivers that do not say how long to wait."""

RETENTION_SECONDS = 4 * 86_400
"""A job id that waited longer is sent again: the outbox keeps it until the job is claimed."""

SUBMISSION_RETENTION_SECONDS = DEAD_LETTER_RETENTION_SECONDS = 14 * 86_400
"""The most that SQS allows. Submissions, and messages that killed a worker, are stored nowhere else."""

VISIBILITY_SECONDS = 60
"""Workers extend it while their jobs run, and set it themselves (BANDMATE_VISIBILITY_SECONDS); this is for others."""

MAX_RECEIVES = 10
"""After so many deliveries without acknowledgement SQS moves a message to the dead-letter queue.

Higher than the attempts a job has: jobs that kill their workers are failed by the job store. This is for messages that
kill a worker before it can claim their job.
"""


class QueueMissing(BandmateError):
    """The queue does not exist, or the credentials do not allow to see it."""

    type = "queue-missing"
    title = "SQS queue not found"
    status = 503


@dataclass(frozen=True)
class QueueSpec:
    """How one queue is set up; its dead-letter queue is called the same with `-dlq` behind it."""

    name: str
    retention_seconds: int
    visibility_seconds: int = VISIBILITY_SECONDS
    long_poll_seconds: int = LONG_POLL_SECONDS
    max_receives: int = MAX_RECEIVES

    @property
    def dead_letter_name(self) -> str:
        return self.name + DEAD_LETTER_SUFFIX

    def attributes(self, dead_letter_arn: str) -> dict[str, str]:
        """As SQS' CreateQueue takes them: all values are strings."""
        redrive = {"deadLetterTargetArn": dead_letter_arn, "maxReceiveCount": self.max_receives}
        return {
            "VisibilityTimeout": str(self.visibility_seconds),
            "MessageRetentionPeriod": str(self.retention_seconds),
            "ReceiveMessageWaitTimeSeconds": str(self.long_poll_seconds),
            "RedrivePolicy": json.dumps(redrive),
        }


QUEUES = (
    *(QueueSpec(queue_name(service), RETENTION_SECONDS) for service in get_args(ServiceName)),
    QueueSpec(SUBMISSIONS, SUBMISSION_RETENTION_SECONDS),
)

_DEAD_LETTER_ATTRIBUTES = {"MessageRetentionPeriod": str(DEAD_LETTER_RETENTION_SECONDS)}


def queue_url(client: Any, name: str) -> str:
    """Ask SQS for a queue's address (GetQueueUrl).

    Raises QueueMissing; botocore's errors where SQS does not answer.
    """
    try:
        return str(client.get_queue_url(QueueName=name)["QueueUrl"])
    except client.exceptions.QueueDoesNotExist:
        region = client.meta.region_name
        how = "create it with `python -m bandmate_shared.queues.sqs_queues create`, or deploy the stack that owns it"
        raise QueueMissing(f"there is no SQS queue {name!r} in {region}, or no right to see it; {how}") from None


def create_queues(client: Any) -> dict[str, str]:
    """Make every queue with its dead-letter queue, or set up anew what exists. Returns each queue's address."""
    addresses = {}
    for spec in QUEUES:
        dead_letters = _ensure(client, spec.dead_letter_name, _DEAD_LETTER_ATTRIBUTES)
        answer = client.get_queue_attributes(QueueUrl=dead_letters, AttributeNames=["QueueArn"])
        addresses[spec.dead_letter_name] = dead_letters
        addresses[spec.name] = _ensure(client, spec.name, spec.attributes(answer["Attributes"]["QueueArn"]))
    return addresses


def _ensure(client: Any, name: str, attributes: Mapping[str, str]) -> str:
    # CreateQueue with other attributes than the queue has is an error, so attributes are set in a step of their own.
    address = str(client.create_queue(QueueName=name)["QueueUrl"])
    client.set_queue_attributes(QueueUrl=address, Attributes=dict(attributes))
    return address


if __name__ == "__main__":
    if sys.argv[1:] != ["create"]:
        raise SystemExit("usage: python -m bandmate_shared.queues.sqs_queues create")
    for name, url in sorted(create_queues(aws_client("sqs")).items()):
        sys.stdout.write(f"{name}  {url}\n")
