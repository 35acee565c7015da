"""Task permissions. One role per task, composed of the few statements below, each on named resources.

task              store              queues                            besides
<service>-api     reads, writes      sends to all four                 sees the depths of all
<service>-worker  reads, writes      takes from its own, sends to all  guards itself while it works
  train                                                                SageMaker training jobs
  generate                                                             SageMaker endpoint, if there is one
  vocal                                                                Polly, if it speaks
generate-intake   reads, writes      takes submissions, sends to all
generate-webhooks nothing            nothing                           (database and pepper, and HTTPS to the internet)
studio            nothing            nothing
operator, keys    nothing            nothing                           (database and pepper come as secrets)
"""

from collections.abc import Iterable, Sequence

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from bandmate_aws.names import STORE_PREFIX

SAGEMAKER_PREFIX = "bandmate-"
"""Name prefix of our training jobs, models and endpoints."""


def task_role(scope: Construct, name: str, statements: Iterable[iam.PolicyStatement]) -> iam.Role:
    """A role that only ECS tasks of this account may take."""
    role = iam.Role(
        scope,
        name,
        assumed_by=iam.ServicePrincipal(
            "ecs-tasks.amazonaws.com",
            conditions={"StringEquals": {"aws:SourceAccount": Stack.of(scope).account}},
        ),
    )
    for statement in statements:
        role.add_to_policy(statement)
    return role


def use_store(bucket: s3.IBucket) -> list[iam.PolicyStatement]:
    """Read, write and delete objects below the store's prefix; list them. Nothing about the bucket itself."""
    return [
        _allow(
            "StoreObjects",
            [
                "s3:GetObject",
                "s3:PutObject",
                "s3:DeleteObject",
                "s3:AbortMultipartUpload",
                "s3:ListMultipartUploadParts",
            ],
            [bucket.arn_for_objects(f"{STORE_PREFIX}/*")],
        ),
        # Without the right to list, S3 says "forbidden" for an object that is not there.
        iam.PolicyStatement(
            sid="StoreKeys",
            actions=["s3:ListBucket"],
            resources=[bucket.bucket_arn],
            conditions={"StringLike": {"s3:prefix": ["", f"{STORE_PREFIX}/*"]}},
        ),
    ]


def send(queues: Sequence[sqs.IQueue]) -> iam.PolicyStatement:
    """Publish job ids, as the outbox relay in every API and worker does, and see how many wait."""
    return _allow(
        "Send", ["sqs:SendMessage", "sqs:GetQueueUrl", "sqs:GetQueueAttributes"], [queue.queue_arn for queue in queues]
    )


def consume(queue: sqs.IQueue, dead_letters: sqs.IQueue) -> list[iam.PolicyStatement]:
    """Take messages of one queue, keep them while at work, and put what cannot be read aside."""
    return [
        _allow(
            "Consume",
            [
                "sqs:ReceiveMessage",
                "sqs:DeleteMessage",
                "sqs:ChangeMessageVisibility",
                "sqs:GetQueueUrl",
                "sqs:GetQueueAttributes",
            ],
            [queue.queue_arn],
        ),
        _allow("PutAside", ["sqs:SendMessage", "sqs:GetQueueUrl"], [dead_letters.queue_arn]),
    ]


def guard_itself(scope: Construct, cluster: str) -> iam.PolicyStatement:
    """Scale-in protection while a job runs, asked for through the task's own ECS agent."""
    return _allow(
        "GuardItself",
        ["ecs:GetTaskProtection", "ecs:UpdateTaskProtection"],
        [Stack.of(scope).format_arn(service="ecs", resource="task", resource_name=f"{cluster}/*")],
    )


def speak() -> iam.PolicyStatement:
    """Polly. Its only resource is a lexicon; speech without one can be allowed on everything or not at all."""
    return _allow("Speak", ["polly:DescribeVoices", "polly:SynthesizeSpeech"], ["*"])


def train(scope: Construct, role: iam.IRole) -> list[iam.PolicyStatement]:
    """Start, watch and stop training jobs of ours, with one role and no other."""
    stack = Stack.of(scope)
    jobs = stack.format_arn(service="sagemaker", resource="training-job", resource_name=f"{SAGEMAKER_PREFIX}*")
    logs = stack.format_arn(
        service="logs",
        resource="log-group",
        resource_name="/aws/sagemaker/TrainingJobs:*",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )
    return [
        _allow(
            "Train",
            [
                "sagemaker:CreateTrainingJob",
                "sagemaker:DescribeTrainingJob",
                "sagemaker:StopTrainingJob",
                "sagemaker:AddTags",
            ],
            [jobs],
        ),
        _allow("ReadTrainingLogs", ["logs:GetLogEvents", "logs:DescribeLogStreams"], [logs]),
        iam.PolicyStatement(
            sid="LendTheTrainingRole",
            actions=["iam:PassRole"],
            resources=[role.role_arn],
            conditions={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
        ),
    ]


def invoke(scope: Construct, endpoint: str, *, asynchronous: bool) -> iam.PolicyStatement:
    """Ask one endpoint to compose."""
    action = "sagemaker:InvokeEndpointAsync" if asynchronous else "sagemaker:InvokeEndpoint"
    arn = Stack.of(scope).format_arn(service="sagemaker", resource="endpoint", resource_name=endpoint)
    return _allow("Compose", [action], [arn])


def _allow(sid: str, actions: list[str], resources: list[str]) -> iam.PolicyStatement:
    return iam.PolicyStatement(sid=sid, actions=actions, resources=resources)
