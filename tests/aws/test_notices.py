"""Alarms reach subscribers: the policies of the topic and of its key let CloudWatch publish."""

from typing import Any

import pytest

from tests.aws.templates import Installation, Resource

SOURCE = {"StringEquals": {"aws:SourceAccount": "<AccountId>"}}


def test_cloudwatch_may_publish_every_alarm(installation: Installation) -> None:
    alarms = [alarm for alarm in installation.of_type("CloudWatch::Alarm") if "AlarmActions" in alarm.properties]
    topics = {
        action
        for alarm in alarms
        for action in [*alarm.properties["AlarmActions"], *alarm.properties.get("OKActions", [])]
        if installation.by_reference(action).type == "AWS::SNS::Topic"
    }
    assert len(alarms) >= 15
    assert topics
    for topic in topics:
        assert_may_publish(
            installation, installation.by_reference(topic), {"Service": "cloudwatch.amazonaws.com"}, SOURCE
        )


@pytest.mark.parametrize("publisher", ["events.amazonaws.com"])
def test_other_publishers_may_publish(installation: Installation, publisher: str) -> None:
    assert_may_publish(installation, installation.only("SNS::Topic"), {"Service": publisher}, SOURCE)


def test_auto_scaling_may_report_instances_that_do_not_start(installation: Installation) -> None:
    topic = installation.only("SNS::Topic")
    for group in installation.of_type("AutoScaling::AutoScalingGroup"):
        (notification,) = group.properties["NotificationConfigurations"]
        assert installation.by_reference(notification["TopicARN"]).id == topic.id
    role = "role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling*"
    root = {"AWS": "arn:<Partition>:iam::<AccountId>:root"}
    assert_may_publish(
        installation, topic, root, {"ArnLike": {"aws:PrincipalArn": f"arn:<Partition>:iam::<AccountId>:{role}"}}
    )


def assert_may_publish(
    installation: Installation, topic: Resource, principal: dict[str, str], conditions: dict[str, Any]
) -> None:
    """The topic's policy allows it and denies it only without TLS; so does the policy of the key behind the topic."""
    statements = [
        statement
        for policy in installation.of_type("SNS::TopicPolicy")
        if f"<{topic.id}>" in policy.properties["Topics"]
        for statement in policy.properties["PolicyDocument"]["Statement"]
    ]
    assert allowed(statements, "sns:Publish", principal, conditions)
    denied = [statement for statement in statements if statement["Effect"] == "Deny"]
    assert all(statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}} for statement in denied)
    key = installation.by_reference(topic.properties["KmsMasterKeyId"])
    for action in ("kms:Decrypt", "kms:GenerateDataKey*"):
        assert allowed(key.properties["KeyPolicy"]["Statement"], action, principal, conditions), action


def allowed(
    statements: list[dict[str, Any]], action: str, principal: dict[str, str], conditions: dict[str, Any]
) -> bool:
    for statement in statements:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        ((kind, name),) = principal.items()
        principals = statement["Principal"].get(kind, []) if isinstance(statement["Principal"], dict) else []
        names = principals if isinstance(principals, list) else [principals]
        matches = action in actions and name in names and statement.get("Condition", {}) == conditions
        if statement["Effect"] == "Allow" and matches:
            return True
    return False
