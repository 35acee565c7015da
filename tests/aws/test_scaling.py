"""Every worker follows its queue, and one that may be at zero can leave it."""

import re
import tomllib
from itertools import pairwise
from typing import Any

import pytest

from tests.aws.templates import ROOT, Installation, Resource

SERVICES = ("ingest", "train", "generate", "vocal")


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_worker_follows_the_messages_of_its_own_queue(found: Installation, service: str) -> None:
    queue = found.one("SQS::Queue", QueueName=f"bandmate-{service}")
    worker = _worker(found, service)
    for policy in _trackings(found, service):
        tracking = policy.properties["TargetTrackingScalingPolicyConfiguration"]
        metrics = {one["Id"]: one for one in tracking["CustomizedMetricSpecification"]["Metrics"]}
        for name, metric in (("waiting", "Visible"), ("working", "NotVisible")):
            if name in metrics:
                said = metrics[name]["MetricStat"]["Metric"]
                assert said["MetricName"] == f"ApproximateNumberOfMessages{metric}"
                assert said["Dimensions"] == [{"Name": "QueueName", "Value": f"<{queue.id}.QueueName>"}]
        tasks = metrics["tasks"]["MetricStat"]["Metric"]
        assert tasks["MetricName"] == "DesiredTaskCount"
        counted = {one["Name"]: one["Value"] for one in tasks["Dimensions"]}
        assert counted["ServiceName"] == f"<{worker.id}.Name>"
        (share,) = [one for one in metrics.values() if one["ReturnData"]]
        assert set(re.findall("tasks|waiting|working", share["Expression"])) == set(metrics) - {share["Id"]}
        assert tracking["ScaleOutCooldown"] >= 120, "a metric is a minute old, and a minute long"
        assert tracking["ScaleInCooldown"] >= tracking["ScaleOutCooldown"]


def test_songs_are_followed_by_busy_tasks_and_by_what_waits(found: Installation) -> None:
    for service in ("generate", "vocal"):
        busy, backlog = (one.properties for one in _trackings(found, service))
        assert (busy["PolicyName"], backlog["PolicyName"]) == (
            f"bandmate-{service}-busy",
            f"bandmate-{service}-backlog",
        )
        assert 0 < busy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] < 1
        assert busy["TargetTrackingScalingPolicyConfiguration"]["DisableScaleIn"] is False
        assert backlog["TargetTrackingScalingPolicyConfiguration"]["DisableScaleIn"] is True


def test_a_training_gets_a_task_and_no_spare_one(found: Installation) -> None:
    for service in ("ingest", "train"):
        (one,) = _trackings(found, service)
        assert one.properties["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 1


def test_the_ranges_are_those_of_the_size(found: Installation, service: str) -> None:
    sizes = tomllib.loads((ROOT / "deploy/aws/sizes.toml").read_text())
    target = _target(found, service)
    wanted = sizes[found.size]["workers"][service]["tasks"]
    if service == "generate" and found.hardware == "gpu":
        wanted = sizes["gpu"]["tasks"]
    assert [target.properties["MinCapacity"], target.properties["MaxCapacity"]] == wanted
    assert _worker(found, service).properties["DesiredCount"] == wanted[0]


def test_a_service_at_zero_can_leave_it(found: Installation, service: str) -> None:
    target = _target(found, service)
    policies = [one for one in _policies(found, target) if one.properties["PolicyType"] == "StepScaling"]
    if target.properties["MinCapacity"] > 0:
        assert policies == []
        return
    (policy,) = policies
    steps = policy.properties["StepScalingPolicyConfiguration"]
    assert steps["AdjustmentType"] == "ExactCapacity"
    adjustments = steps["StepAdjustments"]
    assert adjustments[0]["MetricIntervalLowerBound"] == 0
    assert "MetricIntervalUpperBound" not in adjustments[-1]
    for one, next_one in pairwise(adjustments):
        assert one["MetricIntervalUpperBound"] == next_one["MetricIntervalLowerBound"]
        assert one["ScalingAdjustment"] <= next_one["ScalingAdjustment"]
    assert adjustments[0]["ScalingAdjustment"] >= 1
    assert adjustments[-1]["ScalingAdjustment"] <= target.properties["MaxCapacity"]
    (alarm,) = [
        one for one in found.of_type("CloudWatch::Alarm") if one.properties.get("AlarmActions") == [f"<{policy.id}>"]
    ]
    _fires_for_one_message_without_a_task(alarm.properties)


def test_gpus_begin_at_zero_and_are_not_taken_from_a_working_task(found: Installation) -> None:
    groups = found.of_type("AutoScaling::AutoScalingGroup")
    if found.hardware != "gpu":
        assert groups == []
        return
    (group,) = groups
    assert group.properties["MinSize"] == "0"
    assert int(group.properties["MaxSize"]) == _target(found, "generate").properties["MaxCapacity"]
    assert group.properties["NewInstancesProtectedFromScaleIn"] is True
    mixed = group.properties["MixedInstancesPolicy"]
    kinds = {one["InstanceType"].split(".")[0] for one in mixed["LaunchTemplate"]["Overrides"]}
    assert kinds == {"g4dn", "g5", "g6"}
    assert mixed["InstancesDistribution"]["OnDemandPercentageAboveBaseCapacity"] < 100
    provider = found.one("ECS::CapacityProvider").properties["AutoScalingGroupProvider"]
    assert provider["ManagedScaling"]["Status"] == "ENABLED"
    assert provider["ManagedTerminationProtection"] == "ENABLED"
    (service,) = [
        one for one in found.of_type("ECS::Service") if one.properties["ServiceName"] == "bandmate-generate-worker"
    ]
    assert [one["CapacityProvider"] for one in service.properties["CapacityProviderStrategy"]] == [
        f"<{found.one('ECS::CapacityProvider').id}>"
    ]
    task = found.by_reference(service.properties["TaskDefinition"])
    model = next(one for one in task.properties["ContainerDefinitions"] if one["Name"] == "model")
    assert model["ResourceRequirements"] == [{"Type": "GPU", "Value": "1"}]


def test_apis_are_never_at_zero(found: Installation) -> None:
    for service in SERVICES:
        (target,) = [
            one
            for one in found.of_type("ApplicationAutoScaling::ScalableTarget")
            if f"{service}apiService" in one.properties["ResourceId"]
        ]
        assert target.properties["MinCapacity"] >= 1


def _fires_for_one_message_without_a_task(alarm: dict[str, Any]) -> None:
    assert alarm["Threshold"] == 1
    assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
    assert alarm["EvaluationPeriods"] == 1
    assert alarm["TreatMissingData"] == "notBreaching"
    (returned,) = [one for one in alarm["Metrics"] if one.get("ReturnData", True)]
    assert returned["Expression"] == "IF(FILL(tasks, 0) < 1, waiting, 0)"
    named = {one["Id"]: one["MetricStat"]["Metric"]["MetricName"] for one in alarm["Metrics"] if "MetricStat" in one}
    assert named == {"tasks": "DesiredTaskCount", "waiting": "ApproximateNumberOfMessagesVisible"}


def _worker(found: Installation, service: str) -> Resource:
    return found.one("ECS::Service", ServiceName=f"bandmate-{service}-worker")


def _target(found: Installation, service: str) -> Resource:
    worker = _worker(found, service)
    (target,) = [
        one
        for one in found.of_type("ApplicationAutoScaling::ScalableTarget")
        if one.properties["ResourceId"].endswith(f"/<{worker.id}.Name>")
    ]
    return target


def _policies(found: Installation, target: Resource) -> list[Resource]:
    return [
        one
        for one in found.of_type("ApplicationAutoScaling::ScalingPolicy")
        if one.properties["ScalingTargetId"] == f"<{target.id}>"
    ]


def _trackings(found: Installation, service: str) -> list[Resource]:
    return sorted(
        (
            one
            for one in _policies(found, _target(found, service))
            if one.properties["PolicyType"] == "TargetTrackingScaling"
        ),
        key=lambda one: one.properties["PolicyName"],
        reverse=True,
    )
