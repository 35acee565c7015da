"""Each queue has a dead-letter queue, an alarm on it, and the numbers that the code of the broker expects."""

import json

import pytest
from bandmate_shared.sqs_queues import _DEAD_LETTER_ATTRIBUTES, QUEUES, QueueSpec

from tests.aws.templates import Installation

INCOMING = "bandmate-incoming"


@pytest.mark.parametrize("spec", QUEUES, ids=lambda spec: spec.name)
def test_a_queue_has_the_numbers_of_the_code(found: Installation, spec: QueueSpec) -> None:
    queue = found.one("SQS::Queue", QueueName=spec.name)
    dead = found.one("SQS::Queue", QueueName=spec.dead_letter_name)
    assert queue.properties["RedrivePolicy"] == {
        "deadLetterTargetArn": f"<{dead.id}.Arn>",
        "maxReceiveCount": spec.max_receives,
    }
    wanted = spec.attributes("any")
    for name in ("VisibilityTimeout", "MessageRetentionPeriod", "ReceiveMessageWaitTimeSeconds"):
        assert queue.properties[name] == int(wanted[name]), name
    assert dead.properties["MessageRetentionPeriod"] == int(_DEAD_LETTER_ATTRIBUTES["MessageRetentionPeriod"])


def test_the_code_knows_every_queue(found: Installation) -> None:
    known = {spec.name for spec in QUEUES} | {spec.dead_letter_name for spec in QUEUES}
    known |= {INCOMING, f"{INCOMING}-dlq"}  # Known to the function that it feeds only.
    assert {queue.properties["QueueName"] for queue in found.of_type("SQS::Queue")} == known


def test_every_queue_is_encrypted_and_takes_nothing_without_tls(found: Installation) -> None:
    refusing = {
        queue
        for policy in found.of_type("SQS::QueuePolicy")
        for one in policy.properties["PolicyDocument"]["Statement"]
        if one["Effect"] == "Deny" and one["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        for queue in policy.properties["Queues"]
    }
    for queue in found.of_type("SQS::Queue"):
        assert queue.properties["SqsManagedSseEnabled"] is True
        assert f"<{queue.id}>" in refusing, queue.id


def test_every_dead_letter_queue_has_an_alarm_that_tells_somebody(found: Installation) -> None:
    watched = {
        alarm.properties["Dimensions"][0]["Value"].strip("<>").split(".")[0]
        for alarm in found.of_type("CloudWatch::Alarm")
        if alarm.properties.get("MetricName") == "ApproximateNumberOfMessagesVisible"
        and alarm.properties["Threshold"] == 1
        and _tells(found, alarm.properties)
    }
    dead = {
        queue.properties["RedrivePolicy"]["deadLetterTargetArn"].strip("<>").split(".")[0]
        for queue in found.of_type("SQS::Queue")
        if "RedrivePolicy" in queue.properties
    }
    assert len(dead) == 6
    assert watched == dead


def test_a_message_that_waits_too_long_is_told(found: Installation) -> None:
    late = {
        found.by_reference(alarm.properties["Dimensions"][0]["Value"]).properties["QueueName"]
        for alarm in found.of_type("CloudWatch::Alarm")
        if alarm.properties.get("MetricName") == "ApproximateAgeOfOldestMessage" and _tells(found, alarm.properties)
    }
    assert late == {spec.name for spec in QUEUES}


def test_only_a_queue_of_its_own_may_redrive_into_a_dead_letter_queue(found: Installation) -> None:
    for spec in QUEUES:
        dead = found.one("SQS::Queue", QueueName=spec.dead_letter_name)
        allowed = dead.properties["RedriveAllowPolicy"]
        assert allowed["redrivePermission"] == "byQueue"
        (source,) = allowed["sourceQueueArns"]
        assert source.endswith(f":{spec.name}"), json.dumps(allowed)


def _tells(found: Installation, alarm: dict[str, object]) -> bool:
    actions = alarm.get("AlarmActions")
    return isinstance(actions, list) and [found.by_reference(one).type for one in actions] == ["AWS::SNS::Topic"]
