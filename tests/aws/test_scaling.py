"""Every worker scales with its queue, and one that may be at zero starts for the first message."""

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


def test_a_worker_scales_with_the_messages_of_its_own_queue(installation: Installation, service: str) -> None:
    queue = installation.only("SQS::Queue", QueueName=f"bandmate-{service}")
    worker = _worker(installation, service)
    for policy in _trackings(installation, service):
        tracking = policy.properties["TargetTrackingScalingPolicyConfiguration"]
        metrics = {metric["Id"]: metric for metric in tracking["CustomizedMetricSpecification"]["Metrics"]}
        for name, state in (("waiting", "Visible"), ("working", "NotVisible")):
            if name in metrics:
                messages = metrics[name]["MetricStat"]["Metric"]
                assert messages["MetricName"] == f"ApproximateNumberOfMessages{state}"
                assert messages["Dimensions"] == [{"Name": "QueueName", "Value": f"<{queue.id}.QueueName>"}]
        tasks = metrics["tasks"]["MetricStat"]["Metric"]
        assert tasks["MetricName"] == "DesiredTaskCount"
        dimensions = {dimension["Name"]: dimension["Value"] for dimension in tasks["Dimensions"]}
        assert dimensions["ServiceName"] == f"<{worker.id}.Name>"
        (share,) = [metric for metric in metrics.values() if metric["ReturnData"]]
        assert set(re.findall("tasks|waiting|working", share["Expression"])) == set(metrics) - {share["Id"]}
        assert tracking["ScaleOutCooldown"] >= 120, "a metric is a minute old, and a minute long"
        assert tracking["ScaleInCooldown"] >= tracking["ScaleOutCooldown"]


def test_song_workers_scale_by_busy_tasks_and_by_backlog(installation: Installation) -> None:
    for service in ("generate", "vocal"):
        busy, backlog = (policy.properties for policy in _trackings(installation, service))
        assert (busy["PolicyName"], backlog["PolicyName"]) == (
            f"bandmate-{service}-busy",
            f"bandmate-{service}-backlog",
        )
        assert 0 < busy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] < 1
        assert busy["TargetTrackingScalingPolicyConfiguration"]["DisableScaleIn"] is False
        assert backlog["TargetTrackingScalingPolicyConfiguration"]["DisableScaleIn"] is True


def test_datasets_and_trainings_get_one_task_per_message(installation: Installation) -> None:
    for service in ("ingest", "train"):
        (policy,) = _trackings(installation, service)
        assert policy.properties["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 1


def test_the_ranges_are_those_of_the_size(installation: Installation, service: str) -> None:
    sizes = tomllib.loads((ROOT / "deploy/aws/sizes.toml").read_text())
    target = _target(installation, service)
    expected = sizes[installation.size]["workers"][service]["tasks"]
    if service == "generate" and installation.hardware == "gpu":
        expected = sizes["gpu"]["tasks"]
    assert [target.properties["MinCapacity"], target.properties["MaxCapacity"]] == expected


def test_a_deployment_does_not_reset_the_number_of_tasks(installation: Installation) -> None:
    """Where a scaler decides how many tasks run, the template names no number; the intake has no scaler."""
    scaled = {
        target.properties["ResourceId"].rsplit("/", 1)[1].removesuffix(".Name>")
        for target in installation.of_type("ApplicationAutoScaling::ScalableTarget")
        if target.properties["ServiceNamespace"] == "ecs"
    }
    services = {service.id.split("/")[1]: service.properties for service in installation.of_type("ECS::Service")}
    assert len(scaled) == 8
    assert scaled < set(services)
    assert {name for name, properties in services.items() if "DesiredCount" in properties} == set(services) - scaled


def test_a_service_at_zero_starts_for_one_message(installation: Installation, service: str) -> None:
    target = _target(installation, service)
    policies = [
        policy for policy in _policies(installation, target) if policy.properties["PolicyType"] == "StepScaling"
    ]
    if target.properties["MinCapacity"] > 0:
        assert policies == []
        return
    (policy,) = policies
    steps = policy.properties["StepScalingPolicyConfiguration"]
    assert steps["AdjustmentType"] == "ExactCapacity"
    adjustments = steps["StepAdjustments"]
    assert adjustments[0]["MetricIntervalLowerBound"] == 0
    assert "MetricIntervalUpperBound" not in adjustments[-1]
    for lower, upper in pairwise(adjustments):
        assert lower["MetricIntervalUpperBound"] == upper["MetricIntervalLowerBound"]
        assert lower["ScalingAdjustment"] <= upper["ScalingAdjustment"]
    assert adjustments[0]["ScalingAdjustment"] >= 1
    assert adjustments[-1]["ScalingAdjustment"] <= target.properties["MaxCapacity"]
    (alarm,) = [
        alarm
        for alarm in installation.of_type("CloudWatch::Alarm")
        if alarm.properties.get("AlarmActions") == [f"<{policy.id}>"]
    ]
    _fires_for_one_message_without_a_task(alarm.properties)


def test_gpu_instances_start_at_zero_and_are_protected_while_a_task_runs(installation: Installation) -> None:
    groups = installation.of_type("AutoScaling::AutoScalingGroup")
    if installation.hardware != "gpu":
        assert groups == []
        return
    (group,) = groups
    assert group.properties["MinSize"] == "0"
    assert int(group.properties["MaxSize"]) == _target(installation, "generate").properties["MaxCapacity"]
    assert group.properties["NewInstancesProtectedFromScaleIn"] is True
    mixed = group.properties["MixedInstancesPolicy"]
    kinds = {override["InstanceType"].split(".")[0] for override in mixed["LaunchTemplate"]["Overrides"]}
    assert kinds == {"g4dn", "g5", "g6"}
    assert mixed["InstancesDistribution"]["OnDemandPercentageAboveBaseCapacity"] < 100
    provider = installation.only("ECS::CapacityProvider").properties["AutoScalingGroupProvider"]
    assert provider["ManagedScaling"]["Status"] == "ENABLED"
    assert provider["ManagedTerminationProtection"] == "ENABLED"
    (service,) = [
        service
        for service in installation.of_type("ECS::Service")
        if service.properties["ServiceName"] == "bandmate-generate-worker"
    ]
    assert [strategy["CapacityProvider"] for strategy in service.properties["CapacityProviderStrategy"]] == [
        f"<{installation.only('ECS::CapacityProvider').id}>"
    ]
    task = installation.by_reference(service.properties["TaskDefinition"])
    model = next(container for container in task.properties["ContainerDefinitions"] if container["Name"] == "model")
    assert model["ResourceRequirements"] == [{"Type": "GPU", "Value": "1"}]


def test_apis_are_never_at_zero(installation: Installation) -> None:
    for service in SERVICES:
        (target,) = [
            target
            for target in installation.of_type("ApplicationAutoScaling::ScalableTarget")
            if f"{service}apiService" in target.properties["ResourceId"]
        ]
        assert target.properties["MinCapacity"] >= 1


def _fires_for_one_message_without_a_task(alarm: dict[str, Any]) -> None:
    assert alarm["Threshold"] == 1
    assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
    assert alarm["EvaluationPeriods"] == 1
    assert alarm["TreatMissingData"] == "notBreaching"
    (returned,) = [metric for metric in alarm["Metrics"] if metric.get("ReturnData", True)]
    assert returned["Expression"] == "IF(FILL(tasks, 0) < 1, waiting, 0)"
    names = {
        metric["Id"]: metric["MetricStat"]["Metric"]["MetricName"]
        for metric in alarm["Metrics"]
        if "MetricStat" in metric
    }
    assert names == {"tasks": "DesiredTaskCount", "waiting": "ApproximateNumberOfMessagesVisible"}


def _worker(installation: Installation, service: str) -> Resource:
    return installation.only("ECS::Service", ServiceName=f"bandmate-{service}-worker")


def _target(installation: Installation, service: str) -> Resource:
    worker = _worker(installation, service)
    (target,) = [
        target
        for target in installation.of_type("ApplicationAutoScaling::ScalableTarget")
        if target.properties["ResourceId"].endswith(f"/<{worker.id}.Name>")
    ]
    return target


def _policies(installation: Installation, target: Resource) -> list[Resource]:
    return [
        policy
        for policy in installation.of_type("ApplicationAutoScaling::ScalingPolicy")
        if policy.properties["ScalingTargetId"] == f"<{target.id}>"
    ]


def _trackings(installation: Installation, service: str) -> list[Resource]:
    return sorted(
        (
            policy
            for policy in _policies(installation, _target(installation, service))
            if policy.properties["PolicyType"] == "TargetTrackingScaling"
        ),
        key=lambda policy: policy.properties["PolicyName"],
        reverse=True,
    )
