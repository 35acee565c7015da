"""The autoscaling policies, read back out of the synthesised templates: what is simulated is what is deployed."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "cdk.out"


@dataclass(frozen=True)
class Policy:
    """How one service's workers follow their queue. Times in seconds.

    `steps`: (at least so many messages more than the first, tasks to have); empty where a service is never at zero.
    """

    service: str
    fewest: int
    most: int
    target: float
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

    def one(kind: str, **wanted: Any) -> tuple[str, dict[str, Any]]:
        (found,) = [
            (name, resource["Properties"])
            for name, resource in resources.items()
            if resource["Type"] == kind
            and all(resource["Properties"].get(key) == value for key, value in wanted.items())
        ]
        return found

    scaling = "AWS::ApplicationAutoScaling::ScalingPolicy"
    _, tracking = one(scaling, PolicyName=f"bandmate-{service}-backlog-per-task")
    configuration = tracking["TargetTrackingScalingPolicyConfiguration"]
    capacity = resources[tracking["ScalingTargetId"]["Ref"]]["Properties"]
    _, task = one("AWS::ECS::TaskDefinition", Family=f"bandmate-{service}-worker")
    gpu = any("ResourceRequirements" in container for container in task["ContainerDefinitions"])
    steps: tuple[tuple[float, int], ...] = ()
    threshold, periods = 1.0, 1
    if capacity["MinCapacity"] == 0:
        name, from_zero = one(scaling, PolicyName=f"bandmate-{service}-from-zero")
        steps = tuple(
            (float(step["MetricIntervalLowerBound"]), int(step["ScalingAdjustment"]))
            for step in from_zero["StepScalingPolicyConfiguration"]["StepAdjustments"]
        )
        _, alarm = one("AWS::CloudWatch::Alarm", AlarmActions=[{"Ref": name}])
        threshold, periods = float(alarm["Threshold"]), int(alarm["EvaluationPeriods"])
    return Policy(
        service=service,
        fewest=capacity["MinCapacity"],
        most=capacity["MaxCapacity"],
        target=float(configuration["TargetValue"]),
        out_cooldown=float(configuration["ScaleOutCooldown"]),
        in_cooldown=float(configuration["ScaleInCooldown"]),
        steps=steps,
        step_threshold=threshold,
        step_periods=periods,
        cores=int(task.get("Cpu", 4096)) / 1024,
        memory_gib=int(task.get("Memory", 16384)) / 1024,
        gpu=gpu,
    )
