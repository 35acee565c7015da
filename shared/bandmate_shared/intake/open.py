"""Opens the source of submissions that belongs to the configured broker."""

from bandmate_shared.intake.source import SubmissionSource
from bandmate_shared.intake.submission_stream import SubmissionStream
from bandmate_shared.queues.broker import Broker
from bandmate_shared.settings import SharedSettings


def open_source(settings: SharedSettings) -> SubmissionSource:
    """The Redis stream or SQS queue of the broker in the settings. Nothing is connected to yet."""
    broker = Broker.of(settings)
    if broker.is_sqs:
        from bandmate_shared.intake.submission_queue import SubmissionQueue  # optional extra: boto3

        return SubmissionQueue()
    return SubmissionStream(broker.url)
