"""Who may do what: each task has a role of its own, and the table below is all that it can do."""

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
def test_a_task_may_do_what_it_has_to_and_nothing_else(found: Installation, name: str) -> None:
    (task,) = [one for one in found.of_type("ECS::TaskDefinition") if family(one) == name]
    role = task.properties["TaskRoleArn"].strip("<>").split(".")[0]
    may = {
        (_short(found, resource), action)
        for one in statements(found)
        if one.role == role
        for resource in one.resources
        for action in one.actions
    }
    assert may == ALLOWED[name] | _by_size(found, name)


def test_no_two_tasks_share_a_role(found: Installation) -> None:
    tasks = found.of_type("ECS::TaskDefinition")
    assert len({one.properties["TaskRoleArn"] for one in tasks}) == len(tasks)
    assert len({one.properties["ExecutionRoleArn"] for one in tasks}) == len(tasks)


def test_nobody_may_do_everything(found: Installation) -> None:
    for one in statements(found):
        assert one.effect == "Allow"
        for action in one.actions:
            service, _, verb = action.partition(":")
            assert service != "*", one
            assert verb != "*", one
            assert "*" not in verb or (action, one.resources) == ("ecs:Submit*", _cluster(found)), one


def test_everything_is_named_but_what_has_no_name(found: Installation) -> None:
    for one in statements(found):
        if "*" in one.resources:
            assert set(one.actions) <= set(ON_EVERYTHING), one
            assert one.conditions or not CONDITIONAL & set(one.actions), one


def test_roles_are_lent_to_sagemaker_only(found: Installation) -> None:
    for one in statements(found):
        if "iam:PassRole" in one.actions:
            assert one.conditions == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
            assert all("ModelRole" in resource for resource in one.resources)


def test_no_policy_of_aws_is_attached(found: Installation) -> None:
    for role in found.of_type("IAM::Role"):
        assert role.properties.get("ManagedPolicyArns", []) == [], role.id


def test_only_services_of_this_account_take_the_roles_of_tasks(found: Installation) -> None:
    for task in found.of_type("ECS::TaskDefinition"):
        role = found.by_reference(task.properties["TaskRoleArn"])
        (trust,) = role.properties["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
        assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": "<AccountId>"}}


def test_a_task_starts_with_its_own_images_logs_and_secrets(found: Installation) -> None:
    for task, _ in containers(found):
        role = task.properties["ExecutionRoleArn"].strip("<>").split(".")[0]
        given: list[Statement] = [one for one in statements(found) if one.role == role]
        actions = {action for one in given for action in one.actions}
        assert {action.split(":")[0] for action in actions} == {"ecr", "logs", "secretsmanager"}
        assert not {action for action in actions if re.search("Delete|PutImage|PutSecret|Update", action)}


def _by_size(found: Installation, name: str) -> set[tuple[str, str]]:
    if name == "vocal-worker" and found.size != "dev":
        return {("*", "polly:DescribeVoices"), ("*", "polly:SynthesizeSpeech")}
    if name == "generate-worker" and found.endpoint != "none":
        action = "sagemaker:InvokeEndpointAsync" if found.endpoint == "async" else "sagemaker:InvokeEndpoint"
        return {("sagemaker:endpoint/bandmate-model", action)}
    return set()


def _short(found: Installation, resource: str) -> str:
    """`queue:bandmate-vocal`, `store/bandmate/*`, `ecs:task/…`: as the table above writes it."""
    match = re.fullmatch(r"<([^>]+)\.Arn>(.*)", resource)
    if match is None:
        return re.sub(r"^arn:<Partition>:([a-z]+):us-east-1:<AccountId>:", r"\1:", resource)
    target = found.by_reference(f"<{match[1]}>")
    match target.type:
        case "AWS::SQS::Queue":
            return f"queue:{target.properties['QueueName']}"
        case "AWS::S3::Bucket":
            return f"store{match[2]}"
        case "AWS::IAM::Role":
            return f"role:{match[1].split('/')[1][:-8]}"
    return resource


def _cluster(found: Installation) -> tuple[str, ...]:
    return (f"<{found.one('ECS::Cluster').id}.Arn>",)
