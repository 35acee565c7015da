"""Permissions: each task has its own role, which allows exactly what the table below lists."""

import re

import pytest

from tests.aws.templates import Installation, Statement, containers, family, statements

STORE = {"s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"}
SEND = {"sqs:SendMessage", "sqs:GetQueueUrl", "sqs:GetQueueAttributes"}
TAKE = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", *SEND - {"sqs:SendMessage"}}
QUEUES = ("ingest", "train", "generate", "vocal")

EVERYONE = {("store/bandmate/*", action) for action in STORE} | {("store", "s3:ListBucket")}
EVERYONE |= {(f"queue:bandmate-{queue}", action) for queue in QUEUES for action in SEND}


def takes(queue: str) -> set[tuple[str, str]]:
    return {(f"queue:bandmate-{queue}", action) for action in TAKE} | {
        (f"queue:bandmate-{queue}-dlq", action) for action in ("sqs:SendMessage", "sqs:GetQueueUrl")
    }


GUARD = {("ecs:task/bandmate/*", action) for action in ("ecs:GetTaskProtection", "ecs:UpdateTaskProtection")}
TRAIN = {
    ("sagemaker:training-job/bandmate-*", f"sagemaker:{action}")
    for action in ("CreateTrainingJob", "DescribeTrainingJob", "StopTrainingJob", "AddTags")
} | {
    ("logs:log-group:/aws/sagemaker/TrainingJobs:*", f"logs:{action}")
    for action in ("GetLogEvents", "DescribeLogStreams")
}
TRAIN |= {("role:ModelRole", "iam:PassRole")}

ALLOWED = {
    **{f"{service}-api": EVERYONE for service in QUEUES},
    "ingest-worker": EVERYONE | takes("ingest") | GUARD,
    "train-worker": EVERYONE | takes("train") | GUARD | TRAIN,
    "generate-worker": EVERYONE | takes("generate") | GUARD,
    "vocal-worker": EVERYONE | takes("vocal") | GUARD,
    "generate-intake": EVERYONE | takes("submissions"),
    "generate-webhooks": set(),
    "studio": set(),
    "operator": set(),
    "keys": set(),
}

ON_EVERYTHING = {
    "ecr:GetAuthorizationToken": "the login of a registry exists for the whole account only",
    "polly:DescribeVoices": "has no resource",
    "polly:SynthesizeSpeech": "has no resource but a lexicon",
    "cloudwatch:PutMetricData": "has no resource; a condition names the namespace",
    "ecs:DiscoverPollEndpoint": "asked by an instance before it has joined a cluster",
    "ecs:Poll": "a condition names the cluster",
    "ecs:StartTelemetrySession": "a condition names the cluster",
    "logs:CreateLogStream": "of the GPU instances' agent, as the CDK grants it: writing logs, not reading them",
    "logs:PutLogEvents": "as above",
}
"""Actions that may be allowed on every resource, and why."""
CONDITIONAL = {"cloudwatch:PutMetricData", "ecs:Poll", "ecs:StartTelemetrySession"}


@pytest.mark.parametrize("name", ALLOWED)
def test_a_task_has_exactly_the_permissions_of_the_table(installation: Installation, name: str) -> None:
    (task,) = [task for task in installation.of_type("ECS::TaskDefinition") if family(task) == name]
    role = task.properties["TaskRoleArn"].strip("<>").split(".")[0]
    allowed = {
        (_short(installation, resource), action)
        for statement in statements(installation)
        if statement.role == role
        for resource in statement.resources
        for action in statement.actions
    }
    assert allowed == ALLOWED[name] | _by_size(installation, name)


def test_no_two_tasks_share_a_role(installation: Installation) -> None:
    tasks = installation.of_type("ECS::TaskDefinition")
    assert len({task.properties["TaskRoleArn"] for task in tasks}) == len(tasks)
    assert len({task.properties["ExecutionRoleArn"] for task in tasks}) == len(tasks)


def test_no_statement_allows_every_action(installation: Installation) -> None:
    for statement in statements(installation):
        assert statement.effect == "Allow"
        for action in statement.actions:
            service, _, verb = action.partition(":")
            assert service != "*", statement
            assert verb != "*", statement
            assert "*" not in verb or (action, statement.resources) == ("ecs:Submit*", _cluster(installation)), (
                statement
            )


def test_only_listed_actions_are_allowed_on_every_resource(installation: Installation) -> None:
    for statement in statements(installation):
        if "*" in statement.resources:
            assert set(statement.actions) <= set(ON_EVERYTHING), statement
            assert statement.conditions or not CONDITIONAL & set(statement.actions), statement


def test_roles_are_passed_to_sagemaker_only(installation: Installation) -> None:
    for statement in statements(installation):
        if "iam:PassRole" in statement.actions:
            assert statement.conditions == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
            assert all("ModelRole" in resource for resource in statement.resources)


def test_no_managed_policy_of_aws_is_attached(installation: Installation) -> None:
    for role in installation.of_type("IAM::Role"):
        assert role.properties.get("ManagedPolicyArns", []) == [], role.id


def test_only_ecs_in_this_account_assumes_the_roles_of_tasks(installation: Installation) -> None:
    for task in installation.of_type("ECS::TaskDefinition"):
        role = installation.by_reference(task.properties["TaskRoleArn"])
        (trust,) = role.properties["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
        assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": "<AccountId>"}}


def test_a_task_starts_with_its_own_images_logs_and_secrets(installation: Installation) -> None:
    for task, _ in containers(installation):
        role = task.properties["ExecutionRoleArn"].strip("<>").split(".")[0]
        granted: list[Statement] = [statement for statement in statements(installation) if statement.role == role]
        actions = {action for statement in granted for action in statement.actions}
        secrets = set() if family(task) == "studio" else {"secretsmanager"}
        assert {action.split(":")[0] for action in actions} == {"ecr", "logs"} | secrets
        assert not {action for action in actions if re.search("Delete|PutImage|PutSecret|Update", action)}


def _by_size(installation: Installation, name: str) -> set[tuple[str, str]]:
    if name == "vocal-worker" and installation.size != "dev":
        return {("*", "polly:DescribeVoices"), ("*", "polly:SynthesizeSpeech")}
    if name == "generate-worker" and installation.endpoint != "none":
        action = "sagemaker:InvokeEndpointAsync" if installation.endpoint == "async" else "sagemaker:InvokeEndpoint"
        return {("sagemaker:endpoint/bandmate-model", action)}
    return set()


def _short(installation: Installation, resource: str) -> str:
    """`queue:bandmate-vocal`, `store/bandmate/*`, `ecs:task/…`: as the table above writes it."""
    match = re.fullmatch(r"<([^>]+)\.Arn>(.*)", resource)
    if match is None:
        return re.sub(r"^arn:<Partition>:([a-z]+):us-east-1:<AccountId>:", r"\1:", resource)
    target = installation.by_reference(f"<{match[1]}>")
    match target.type:
        case "AWS::SQS::Queue":
            return f"queue:{target.properties['QueueName']}"
        case "AWS::S3::Bucket":
            return f"store{match[2]}"
        case "AWS::IAM::Role":
            return f"role:{match[1].split('/')[1][:-8]}"
    return resource


def _cluster(installation: Installation) -> tuple[str, ...]:
    return (f"<{installation.only('ECS::Cluster').id}.Arn>",)
