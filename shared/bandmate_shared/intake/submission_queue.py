"""Submissions from SQS: the body of a message is a SongRequest as JSON.

    aws sqs send-message --queue-url "$URL" --message-body '{"style":"folk","bars":8}'

A message attribute `idempotency_key`, a String, is optional; without one the message's id serves as key, which stays
the same when SQS delivers a message twice, but not when a program sends it twice.
"""

from collections.abc import Iterable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from bandmate_shared.aws import aws_client
from bandmate_shared.intake.source import Submission
from bandmate_shared.queues.names import SUBMISSIONS
from bandmate_shared.queues.sqs_queues import queue_url

KEY = "idempotency_key"
WAIT_SECONDS = 4
"""How long SQS holds a request open, and so the longest an intake takes to stop."""

VISIBILITY_SECONDS = 60
BATCH = 10
"""SQS's limit on messages a request."""


class SubmissionQueue:
    """The messages of the queue `bandmate-submissions`."""

    connection_errors: tuple[type[Exception], ...] = (BotoCoreError, ClientError)

    def __init__(self) -> None:
        self._client = aws_client("sqs", read_seconds=WAIT_SECONDS + 10.0, attempts=2)
        self._url = ""

    def receive(self) -> list[Submission]:
        """Raises QueueMissing."""
        if not self._url:
            self._url = queue_url(self._client, SUBMISSIONS)
        answer = self._client.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=BATCH,
            WaitTimeSeconds=WAIT_SECONDS,
            VisibilityTimeout=VISIBILITY_SECONDS,
            MessageAttributeNames=[KEY],
        )
        return [_submission(message) for message in answer.get("Messages", ())]

    def extend(self, submissions: Iterable[Submission]) -> None:
        self._change_visibility(submissions, VISIBILITY_SECONDS)

    def remove(self, submission: Submission) -> None:
        self._client.delete_message(QueueUrl=self._url, ReceiptHandle=submission.receipt)

    def release(self, submissions: Iterable[Submission]) -> None:
        self._change_visibility(submissions, 0)

    def close(self) -> None:
        self._client.close()

    def _change_visibility(self, submissions: Iterable[Submission], seconds: int) -> None:
        receipts = [submission.receipt for submission in submissions]
        for start in range(0, len(receipts), BATCH):
            entries = [
                {"Id": str(number), "ReceiptHandle": receipt, "VisibilityTimeout": seconds}
                for number, receipt in enumerate(receipts[start : start + BATCH])
            ]
            # A message whose receipt has expired is received again, and recognised by its id.
            self._client.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)


def _submission(message: dict[str, Any]) -> Submission:
    fields = {"request": message["Body"]}
    problem = ""
    attribute = message.get("MessageAttributes", {}).get(KEY)
    if attribute is not None:
        fields[KEY] = attribute.get("StringValue", "")
        if not fields[KEY]:
            problem = f"the message attribute {KEY!r} must be a String; it is a {attribute['DataType']}"
    return Submission(
        message["MessageId"], message["Body"], fields.get(KEY), fields, problem, receipt=message["ReceiptHandle"]
    )
