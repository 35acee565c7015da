"""Workers follow their queue: target tracking on messages per task, and a first step away from zero.

- **busy** keeps the share of the tasks that are at work near a target. It never says more than one, so it grows and
  shrinks a service gently.
- **backlog** adds tasks by the messages that wait for each, and takes none away: it answers bursts.
- datasets and trainings last minutes to hours and get **one** task each: waiting and at work together, one a task.
- **from zero**, where a service may have no task at all: its alarm goes off when messages wait and no task is wanted,
  and sets the number of tasks by the size of the backlog. Tracking cannot do that: it multiplies, and zero stays zero.

The tasks counted are those that are wanted: the ones still starting have been ordered already. The constants come from
`make simulate`, which reads them back out of the templates; see docs/decisions/0101-worker-scaling-policies.md.
"""

from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from bandmate_aws.names import Service
from bandmate_aws.sizes import Worker

WAITING, WORKING = "waiting", "FILL(working, 0)"


@dataclass(frozen=True)
class Target:
    """So many of the counted messages for each task that is wanted."""

    name: str
    counted: str
    per_task: float
    scales_in: bool = True


SONGS = (Target("busy", WORKING, 0.7), Target("backlog", WAITING, 10, scales_in=False))
ONE_EACH = (Target("backlog", f"{WAITING} + {WORKING}", 1),)
TARGETS: dict[Service, tuple[Target, ...]] = {
    "ingest": ONE_EACH,
    "train": ONE_EACH,
    "generate": SONGS,
    "vocal": SONGS,
}
OUT_COOLDOWN_SECONDS = 120
"""Longer than metrics take to show what an order has changed: a shorter one orders the same tasks twice."""
IN_COOLDOWN_SECONDS = 300
FIRST_STEPS: tuple[tuple[float, float], ...] = ((1, 0.0), (20, 0.1), (100, 0.5))
"""From zero: (at least so many messages, share of the most tasks, at least one task)."""


def follow_queue(
    scope: Construct, service: Service, worker: Worker, target: ecs.BaseService, cluster: str, queue: sqs.IQueue
) -> autoscaling.CfnScalableTarget:
    """Give a service its scalable target and its policies."""
    name = service.capitalize()
    min_tasks, max_tasks = worker.tasks
    scalable = autoscaling.CfnScalableTarget(
        scope,
        f"{name}Tasks",
        min_capacity=min_tasks,
        max_capacity=max_tasks,
        resource_id=f"service/{cluster}/{target.service_name}",
        scalable_dimension="ecs:service:DesiredCount",
        service_namespace="ecs",
    )
    for tracked_target in TARGETS[service]:
        _track(scope, service, tracked_target, target, cluster, queue, scalable)
    if min_tasks == 0:
        _start(scope, service, worker, target, cluster, queue, scalable)
    return scalable


def _track(
    scope: Construct,
    service: Service,
    tracked_target: Target,
    target: ecs.BaseService,
    cluster: str,
    queue: sqs.IQueue,
    scalable: autoscaling.CfnScalableTarget,
) -> None:
    policy = autoscaling.CfnScalingPolicy
    tasks = policy.TargetTrackingMetricDataQueryProperty(
        id="tasks",
        return_data=False,
        metric_stat=policy.TargetTrackingMetricStatProperty(
            stat="Average",
            metric=policy.TargetTrackingMetricProperty(
                namespace="ECS/ContainerInsights",
                metric_name="DesiredTaskCount",
                dimensions=[
                    policy.TargetTrackingMetricDimensionProperty(name="ClusterName", value=cluster),
                    policy.TargetTrackingMetricDimensionProperty(name="ServiceName", value=target.service_name),
                ],
            ),
        ),
    )

    def messages(identity: str, metric: str) -> autoscaling.CfnScalingPolicy.TargetTrackingMetricDataQueryProperty:
        return policy.TargetTrackingMetricDataQueryProperty(
            id=identity,
            return_data=False,
            metric_stat=policy.TargetTrackingMetricStatProperty(
                stat="Average",
                metric=policy.TargetTrackingMetricProperty(
                    namespace="AWS/SQS",
                    metric_name=metric,
                    dimensions=[policy.TargetTrackingMetricDimensionProperty(name="QueueName", value=queue.queue_name)],
                ),
            ),
        )

    metrics = [tasks]
    if WAITING in tracked_target.counted:
        metrics.append(messages("waiting", "ApproximateNumberOfMessagesVisible"))
    if WORKING in tracked_target.counted:
        metrics.append(messages("working", "ApproximateNumberOfMessagesNotVisible"))
    metrics.append(
        policy.TargetTrackingMetricDataQueryProperty(
            id="share",
            label=f"Messages per task: {tracked_target.name}",
            expression=f"({tracked_target.counted}) / IF(FILL(tasks, 1) < 1, 1, FILL(tasks, 1))",
            return_data=True,
        )
    )
    autoscaling.CfnScalingPolicy(
        scope,
        f"{service.capitalize()}{tracked_target.name.capitalize()}",
        policy_name=f"bandmate-{service}-{tracked_target.name}",
        policy_type="TargetTrackingScaling",
        scaling_target_id=scalable.ref,
        target_tracking_scaling_policy_configuration=policy.TargetTrackingScalingPolicyConfigurationProperty(
            target_value=tracked_target.per_task,
            scale_out_cooldown=OUT_COOLDOWN_SECONDS,
            scale_in_cooldown=IN_COOLDOWN_SECONDS,
            disable_scale_in=not tracked_target.scales_in,
            customized_metric_specification=policy.CustomizedMetricSpecificationProperty(metrics=metrics),
        ),
    )


def _start(
    scope: Construct,
    service: Service,
    worker: Worker,
    target: ecs.BaseService,
    cluster: str,
    queue: sqs.IQueue,
    scalable: autoscaling.CfnScalableTarget,
) -> None:
    name = service.capitalize()
    policy = autoscaling.CfnScalingPolicy
    bounds = [threshold for threshold, _ in FIRST_STEPS]
    steps = [
        policy.StepAdjustmentProperty(
            scaling_adjustment=max(1, round(share * worker.tasks[1])),
            metric_interval_lower_bound=threshold - bounds[0],
            metric_interval_upper_bound=bounds[index + 1] - bounds[0] if index + 1 < len(bounds) else None,
        )
        for index, (threshold, share) in enumerate(FIRST_STEPS)
    ]
    step_policy = autoscaling.CfnScalingPolicy(
        scope,
        f"{name}FromZero",
        policy_name=f"bandmate-{service}-from-zero",
        policy_type="StepScaling",
        scaling_target_id=scalable.ref,
        step_scaling_policy_configuration=policy.StepScalingPolicyConfigurationProperty(
            adjustment_type="ExactCapacity",
            cooldown=OUT_COOLDOWN_SECONDS,
            metric_aggregation_type="Maximum",
            step_adjustments=steps,
        ),
    )
    dimensions = {"ClusterName": cluster, "ServiceName": target.service_name}
    minute = Duration.minutes(1)
    desired_tasks = cloudwatch.Metric(
        namespace="ECS/ContainerInsights",
        metric_name="DesiredTaskCount",
        dimensions_map=dimensions,
        period=minute,
        statistic="Maximum",
    )
    waiting = queue.metric_approximate_number_of_messages_visible(period=minute, statistic="Maximum")
    alarm = cloudwatch.Alarm(
        scope,
        f"{name}Waiting",
        alarm_name=f"bandmate-{service}-waits-without-a-task",
        alarm_description=f"Messages wait in {queue.queue_name} and no task is wanted; starts the first ones",
        # An exact number of tasks is only ever set when none is wanted, so it can never take tasks away.
        metric=cloudwatch.MathExpression(
            expression="IF(FILL(tasks, 0) < 1, waiting, 0)",
            using_metrics={"tasks": desired_tasks, "waiting": waiting},
            period=minute,
            label="Messages that wait without a task",
        ),
        threshold=bounds[0],
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        evaluation_periods=1,
        datapoints_to_alarm=1,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )
    child = alarm.node.default_child
    assert isinstance(child, cloudwatch.CfnAlarm)
    child.alarm_actions = [step_policy.ref]
