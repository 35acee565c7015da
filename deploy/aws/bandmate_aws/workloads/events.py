"""Song requests from files dropped into the bucket and from schedules.

incoming/… --Object Created--> EventBridge --> bandmate-incoming --> function --> bandmate-submissions
EventBridge Scheduler ---------------------------------------------> function --> bandmate-submissions
"""

from pathlib import Path
from typing import Any

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as functions
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_logs as logs
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from bandmate_aws.foundations.parts import Parts
from bandmate_aws.foundations.retention import retention
from bandmate_aws.names import INCOMING, SUBMISSIONS

ARCHIVE = Path(__file__).parents[4] / "out" / "lambda" / "bandmate-lambda.zip"
"""Built by `deploy/lambda/package.py`; the same code gives the same bytes."""
FUNCTION_SECONDS = 30
MEMORY_MIB = 256
BATCH = 10
RECEIVES = 5
EXAMPLE_REQUEST = {"style": "folk", "bars": 16}


class EventsStack(Stack):
    """Triggers for new files and for schedules; each sends one message to `bandmate-submissions`."""

    def __init__(self, scope: Construct, name: str, *, parts: Parts, **properties: Any) -> None:
        super().__init__(scope, name, **properties)
        if not ARCHIVE.is_file():
            raise FileNotFoundError(f"{ARCHIVE} is missing; make it with: python deploy/lambda/package.py {ARCHIVE}")
        self._parts = parts
        self._arrivals()
        self._schedule()

    def _arrivals(self) -> None:
        bucket = self._parts.storage.bucket
        function = self._function(
            "incoming",
            "bandmate_lambda.objects.handler",
            [
                iam.PolicyStatement(
                    sid="DroppedFiles",
                    actions=["s3:GetObject", "s3:GetObjectVersion"],
                    resources=[bucket.arn_for_objects(f"{INCOMING}*")],
                ),
                iam.PolicyStatement(
                    sid="FilesBesideThem",
                    actions=["s3:ListBucket"],
                    resources=[bucket.bucket_arn],
                    conditions={"StringLike": {"s3:prefix": [f"{INCOMING}*"]}},
                ),
            ],
        )
        queue = self._queue()
        function.add_event_source(
            sources.SqsEventSource(
                queue,
                batch_size=BATCH,
                max_batching_window=Duration.seconds(1),
                report_batch_item_failures=True,  # Only the failed events of a batch are delivered again.
            )
        )
        events.Rule(
            self,
            "FileArrived",
            description=f"A file was dropped under {INCOMING}",
            event_pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={
                    "bucket": {"name": [bucket.bucket_name]},
                    "object": {"key": [{"prefix": INCOMING}]},
                },
            ),
            targets=[targets.SqsQueue(queue)],
        )

    def _queue(self) -> sqs.Queue:
        common: dict[str, Any] = {
            "encryption": sqs.QueueEncryption.SQS_MANAGED,
            "enforce_ssl": True,
            "retention_period": Duration.days(14),
        }
        dead_letters = sqs.Queue(self, "IncomingDead", queue_name="bandmate-incoming-dlq", **common)
        waiting = dead_letters.metric_approximate_number_of_messages_visible(
            period=Duration.minutes(1), statistic="max"
        )
        self._parts.notices.tell(
            waiting.create_alarm(
                self,
                "IncomingDeadLetters",
                alarm_description="bandmate-incoming-dlq holds events of files that no song could be made of",
                threshold=1,
                evaluation_periods=1,
                treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            )
        )
        return sqs.Queue(
            self,
            "Incoming",
            queue_name="bandmate-incoming",
            # Six times the function's own limit, as an event source asks for.
            visibility_timeout=Duration.seconds(6 * FUNCTION_SECONDS),
            dead_letter_queue=sqs.DeadLetterQueue(queue=dead_letters, max_receive_count=RECEIVES),
            **common,
        )

    def _schedule(self) -> None:
        """A disabled example: a song every morning. The scheduled time in its key prevents a second one."""
        function = self._function("schedule", "bandmate_lambda.schedule.handler", [])
        role = iam.Role(
            self,
            "CallerRole",
            assumed_by=iam.ServicePrincipal(
                "scheduler.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": self.account}}
            ),
        )
        role.add_to_policy(iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[function.function_arn]))
        scheduler.CfnSchedule(
            self,
            "MorningSong",
            name="bandmate-morning-song",
            description="Example: a song every morning at seven. Switch it on, or make schedules like it",
            state="DISABLED",
            schedule_expression="cron(0 7 * * ? *)",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=function.function_arn,
                role_arn=role.role_arn,
                input=self.to_json_string(
                    {
                        "schedule_arn": "<aws.scheduler.schedule-arn>",
                        "scheduled_time": "<aws.scheduler.scheduled-time>",
                        "request": EXAMPLE_REQUEST,
                    }
                ),
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=3600, maximum_retry_attempts=10
                ),
            ),
        )

    def _function(self, name: str, handler: str, statements: list[iam.PolicyStatement]) -> functions.Function:
        """A function with a role of its own: its logs, submissions, and what it is given."""
        title = name.capitalize()
        submissions = self._parts.queues.queues[SUBMISSIONS]
        refused = self._parts.queues.dead_letters[SUBMISSIONS]
        group = logs.LogGroup(
            self,
            f"{title}Logs",
            log_group_name=f"/bandmate/function-{name}",
            retention=retention(self._parts.size.log_days),
            removal_policy=RemovalPolicy.DESTROY,
        )
        role = iam.Role(self, f"{title}Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        group.grant_write(role)
        role.add_to_policy(
            iam.PolicyStatement(
                sid="Submit", actions=["sqs:SendMessage"], resources=[submissions.queue_arn, refused.queue_arn]
            )
        )
        for statement in statements:
            role.add_to_policy(statement)
        return functions.Function(
            self,
            f"{title}Function",
            function_name=f"bandmate-{name}",
            runtime=functions.Runtime.PYTHON_3_11,
            architecture=functions.Architecture.ARM_64,
            code=functions.Code.from_asset(str(ARCHIVE)),
            handler=handler,
            role=role,
            log_group=group,
            logging_format=functions.LoggingFormat.JSON,
            memory_size=MEMORY_MIB,
            timeout=Duration.seconds(FUNCTION_SECONDS),
            environment={
                "BANDMATE_SUBMISSIONS_URL": submissions.queue_url,
                "BANDMATE_SUBMISSIONS_DLQ_URL": refused.queue_url,
                "BANDMATE_INCOMING_PREFIX": INCOMING,
            },
        )
