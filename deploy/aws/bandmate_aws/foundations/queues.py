"""The queues, each with a dead-letter queue beside it and alarms on both."""

from typing import Any

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from bandmate_aws.foundations.notices import NoticesStack
from bandmate_aws.names import QUEUES, SUBMISSIONS, queue_name

VISIBILITY_SECONDS = 60
"""A worker extends it while it works, so this is how soon a dead worker's message comes back."""
RECEIVES = 10
"""The database counts attempts and gives a job up after three; a message that comes back more often than this
is one that no worker could even look up."""
RETENTION_DAYS = 4
"""A job id that waited longer is sent again by the outbox; submissions and dead letters are kept nowhere else."""
LONG_RETENTION_DAYS = 14
LATE_SECONDS = 1800
"""A message this old means that workers are missing or stuck."""


class QueuesStack(Stack):
    """`queues[name]` and `dead_letters[name]` for every name in `QUEUES`."""

    def __init__(self, scope: Construct, name: str, *, notices: NoticesStack, **properties: Any) -> None:
        super().__init__(scope, name, **properties)
        self.queues: dict[str, sqs.Queue] = {}
        self.dead_letters: dict[str, sqs.Queue] = {}
        for queue in QUEUES:
            self._add(queue, notices)

    def _add(self, name: str, notices: NoticesStack) -> None:
        common: dict[str, Any] = {
            "encryption": sqs.QueueEncryption.SQS_MANAGED,
            "enforce_ssl": True,
        }
        title = name.capitalize()
        dead_letters = sqs.Queue(
            self,
            f"{title}Dead",
            queue_name=f"{queue_name(name)}-dlq",
            retention_period=Duration.days(LONG_RETENTION_DAYS),
            **common,
        )
        queue = sqs.Queue(
            self,
            title,
            queue_name=queue_name(name),
            retention_period=Duration.days(LONG_RETENTION_DAYS if name == SUBMISSIONS else RETENTION_DAYS),
            visibility_timeout=Duration.seconds(VISIBILITY_SECONDS),
            receive_message_wait_time=Duration.seconds(20),
            dead_letter_queue=sqs.DeadLetterQueue(queue=dead_letters, max_receive_count=RECEIVES),
            **common,
        )
        # The dead-letter queue also names the queue that may move messages to it.
        child = dead_letters.node.default_child
        assert isinstance(child, sqs.CfnQueue)
        child.redrive_allow_policy = {
            "redrivePermission": "byQueue",
            "sourceQueueArns": [self.format_arn(service="sqs", resource=queue_name(name))],
        }
        self.queues[name], self.dead_letters[name] = queue, dead_letters
        notices.tell(
            dead_letters.metric_approximate_number_of_messages_visible(
                period=Duration.minutes(1), statistic="max"
            ).create_alarm(
                self,
                f"{title}DeadLetters",
                alarm_description=f"{queue_name(name)}-dlq holds messages: see the runbook, 'poison message'",
                threshold=1,
                evaluation_periods=1,
                treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            )
        )
        notices.tell(
            queue.metric_approximate_age_of_oldest_message(period=Duration.minutes(1), statistic="max").create_alarm(
                self,
                f"{title}Late",
                alarm_description=f"{queue_name(name)} has a message of half an hour: see the runbook, 'stuck queue'",
                threshold=LATE_SECONDS,
                evaluation_periods=5,
                treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            )
        )
