"""The autoscaling policies, read from the synthesised templates: the simulated policies are the deployed ones."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "cdk.out"


@dataclass(frozen=True)
class Tracking:
    """One target: messages per wanted task. Which messages: those that wait, those at work, or both."""

    target: float
    waiting: bool
    working: bool
    scales_in: bool = True


@dataclass(frozen=True)
class Policy:
    """How one service's workers follow their queue. Times in seconds.

    `steps`: (at least so many messages more than the first, tasks to have); empty where a service is never at zero.
    """

    service: str
    fewest: int
    most: int
    trackings: tuple[Tracking, ...]
    out_cooldown: float
    in_cooldown: float
    steps: tuple[tuple[float, int], ...]
    step_threshold: float
    step_periods: int
    cores: float
    memory_gib: float
    gpu: bool


def read_policy(variant: str, service: str, folder: Path = TEMPLATES) -> Policy:
    """A service's policy in a variant's templates. Raises FileNotFoundError where `make synth` has not run."""
    path = folder / variant / "BandmateServices.template.json"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; the simulation reads the templates that `make synth` writes")
    resources: dict[str, dict[str, Any]] = json.loads(path.read_text())["Resources"]

    def find_resource(kind: str, **properties: Any) -> tuple[str, dict[str, Any]]:
        (match,) = [
            (name, resource["Properties"])
            for name, resource in resources.items()
            if resource["Type"] == kind
            and all(resource["Properties"].get(key) == value for key, value in properties.items())
        ]
        return match

    _, task = find_resource("AWS::ECS::TaskDefinition", Family=f"bandmate-{service}-worker")
    scaling = "AWS::ApplicationAutoScaling::ScalingPolicy"
    policies = [
        (name, resource["Properties"])
        for name, resource in resources.items()
        if resource["Type"] == scaling and resource["Properties"]["PolicyName"].startswith(f"bandmate-{service}-")
    ]
    configurations = [
        properties["TargetTrackingScalingPolicyConfiguration"]
        for _, properties in policies
        if properties["PolicyType"] == "TargetTrackingScaling"
    ]
    (scalable,) = {properties["ScalingTargetId"]["Ref"] for _, properties in policies}
    capacity = resources[scalable]["Properties"]
    (out_cooldown,) = {configuration["ScaleOutCooldown"] for configuration in configurations}
    (in_cooldown,) = {configuration["ScaleInCooldown"] for configuration in configurations}
    gpu = any("ResourceRequirements" in container for container in task["ContainerDefinitions"])
    steps: tuple[tuple[float, int], ...] = ()
    threshold, periods = 1.0, 1
    if capacity["MinCapacity"] == 0:
        name, from_zero = find_resource(scaling, PolicyName=f"bandmate-{service}-from-zero")
        steps = tuple(
            (float(step["MetricIntervalLowerBound"]), int(step["ScalingAdjustment"]))
            for step in from_zero["StepScalingPolicyConfiguration"]["StepAdjustments"]
        )
        _, alarm = find_resource("AWS::CloudWatch::Alarm", AlarmActions=[{"Ref": name}])
        threshold, periods = float(alarm["Threshold"]), int(alarm["EvaluationPeriods"])
    return Policy(
        service=service,
        fewest=capacity["MinCapacity"],
        most=capacity["MaxCapacity"],
        trackings=tuple(_tracking(configuration) for configuration in configurations),
        out_cooldown=float(out_cooldown),
        in_cooldown=float(in_cooldown),
        steps=steps,
        step_threshold=threshold,
        step_periods=periods,
        cores=int(task.get("Cpu", 4096)) / 1024,
        memory_gib=int(task.get("Memory", 16384)) / 1024,
        gpu=gpu,
    )


def _tracking(configuration: dict[str, Any]) -> Tracking:
    (expression,) = [
        metric["Expression"]
        for metric in configuration["CustomizedMetricSpecification"]["Metrics"]
        if metric["ReturnData"]
    ]
    counted, _, _ = expression.partition("/")
    return Tracking(
        target=float(configuration["TargetValue"]),
        waiting="waiting" in counted,
        working="working" in counted,
        scales_in=not configuration.get("DisableScaleIn", False),
    )
