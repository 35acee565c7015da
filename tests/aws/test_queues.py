"""Each queue has a dead-letter queue, an alarm on it, and the settings that the broker code expects."""

import json

import pytest
from bandmate_shared.queues.sqs_queues import _DEAD_LETTER_ATTRIBUTES, QUEUES, QueueSpec

from tests.aws.templates import Installation

INCOMING = "bandmate-incoming"


@pytest.mark.parametrize("spec", QUEUES, ids=lambda spec: spec.name)
def test_a_queue_has_the_settings_of_its_spec(installation: Installation, spec: QueueSpec) -> None:
    queue = installation.only("SQS::Queue", QueueName=spec.name)
    dead = installation.only("SQS::Queue", QueueName=spec.dead_letter_name)
    assert queue.properties["RedrivePolicy"] == {
        "deadLetterTargetArn": f"<{dead.id}.Arn>",
        "maxReceiveCount": spec.max_receives,
    }
    expected = spec.attributes("any")
    for name in ("VisibilityTimeout", "MessageRetentionPeriod", "ReceiveMessageWaitTimeSeconds"):
        assert queue.properties[name] == int(expected[name]), name
    assert dead.properties["MessageRetentionPeriod"] == int(_DEAD_LETTER_ATTRIBUTES["MessageRetentionPeriod"])


def test_every_queue_has_a_spec(installation: Installation) -> None:
    known = {spec.name for spec in QUEUES} | {spec.dead_letter_name for spec in QUEUES}
    known |= {INCOMING, f"{INCOMING}-dlq"}  # Known to the function that it feeds only.
    assert {queue.properties["QueueName"] for queue in installation.of_type("SQS::Queue")} == known


def test_every_queue_is_encrypted_and_refuses_requests_without_tls(installation: Installation) -> None:
    refusing = {
        queue
        for policy in installation.of_type("SQS::QueuePolicy")
        for statement in policy.properties["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Deny" and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        for queue in policy.properties["Queues"]
    }
    for queue in installation.of_type("SQS::Queue"):
        assert queue.properties["SqsManagedSseEnabled"] is True
        assert f"<{queue.id}>" in refusing, queue.id


def test_every_dead_letter_queue_has_an_alarm_that_notifies(installation: Installation) -> None:
    watched = {
        alarm.properties["Dimensions"][0]["Value"].strip("<>").split(".")[0]
        for alarm in installation.of_type("CloudWatch::Alarm")
        if alarm.properties.get("MetricName") == "ApproximateNumberOfMessagesVisible"
        and alarm.properties["Threshold"] == 1
        and _notifies(installation, alarm.properties)
    }
    dead = {
        queue.properties["RedrivePolicy"]["deadLetterTargetArn"].strip("<>").split(".")[0]
        for queue in installation.of_type("SQS::Queue")
        if "RedrivePolicy" in queue.properties
    }
    assert len(dead) == 6
    assert watched == dead


def test_a_message_that_waits_too_long_raises_an_alarm(installation: Installation) -> None:
    late = {
        installation.by_reference(alarm.properties["Dimensions"][0]["Value"]).properties["QueueName"]
        for alarm in installation.of_type("CloudWatch::Alarm")
        if alarm.properties.get("MetricName") == "ApproximateAgeOfOldestMessage"
        and _notifies(installation, alarm.properties)
    }
    assert late == {spec.name for spec in QUEUES}


def test_only_its_own_queue_may_redrive_into_a_dead_letter_queue(installation: Installation) -> None:
    for spec in QUEUES:
        dead = installation.only("SQS::Queue", QueueName=spec.dead_letter_name)
        allowed = dead.properties["RedriveAllowPolicy"]
        assert allowed["redrivePermission"] == "byQueue"
        (source,) = allowed["sourceQueueArns"]
        assert source.endswith(f":{spec.name}"), json.dumps(allowed)


def _notifies(installation: Installation, alarm: dict[str, object]) -> bool:
    actions = alarm.get("AlarmActions")
    return isinstance(actions, list) and [installation.by_reference(action).type for action in actions] == [
        "AWS::SNS::Topic"
    ]
