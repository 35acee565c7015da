"""The dashboard: errors, waiting times, and scaling."""

from collections.abc import Mapping
from typing import Any

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_elasticloadbalancingv2 as elb
from constructs import Construct

from bandmate_aws.compute.cluster import NAME
from bandmate_aws.foundations.parts import Parts
from bandmate_aws.names import QUEUES, SERVICES, Service, queue_name

MINUTE = Duration.minutes(1)
ERROR_SHARE_PERCENT = 5
SLOW_SECONDS = 2


class ObservabilityStack(Stack):
    """Dashboard `bandmate`, and alarms on the load balancer; those of queues and database live beside them."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        parts: Parts,
        balancer: elb.ApplicationLoadBalancer,
        target_groups: Mapping[Service, elb.ApplicationTargetGroup],
        **properties: Any,
    ) -> None:
        super().__init__(scope, name, **properties)
        board = cloudwatch.Dashboard(self, "Dashboard", dashboard_name="bandmate")
        board.add_widgets(
            self._graph("Requests a minute", [balancer.metrics.request_count(period=MINUTE)]),
            self._graph("Errors", self._errors(balancer)),
            self._graph("Seconds to answer (p50, p99)", self._times(balancer)),
        )
        queues = parts.queues
        board.add_widgets(
            self._graph(
                "Messages waiting",
                [
                    queues.queues[queue_name].metric_approximate_number_of_messages_visible(period=MINUTE)
                    for queue_name in QUEUES
                ],
            ),
            self._graph(
                "Age of the oldest message, s",
                [
                    queues.queues[queue_name].metric_approximate_age_of_oldest_message(period=MINUTE)
                    for queue_name in QUEUES
                ],
            ),
            self._graph(
                "Dead letters",
                [
                    queues.dead_letters[queue_name].metric_approximate_number_of_messages_visible(period=MINUTE)
                    for queue_name in QUEUES
                ],
            ),
        )
        board.add_widgets(
            self._graph("Workers wanted", [_tasks("DesiredTaskCount", service) for service in SERVICES]),
            self._graph("Workers running", [_tasks("RunningTaskCount", service) for service in SERVICES]),
            self._graph(
                "Database: CPU %, connections",
                [
                    parts.database.instance.metric_cpu_utilization(),
                    parts.database.instance.metric_database_connections(),
                ],
            ),
        )
        self._alarms(parts, balancer, target_groups)

    def _alarms(
        self,
        parts: Parts,
        balancer: elb.ApplicationLoadBalancer,
        target_groups: Mapping[Service, elb.ApplicationTargetGroup],
    ) -> None:
        errors = cloudwatch.MathExpression(
            expression="100 * FILL(errors, 0) / requests",
            using_metrics={
                "errors": balancer.metrics.http_code_target(elb.HttpCodeTarget.TARGET_5XX_COUNT, period=MINUTE),
                "requests": balancer.metrics.request_count(period=MINUTE),
            },
            period=MINUTE,
            label="Share of requests that end in an error of ours, %",
        )
        parts.notices.tell(
            errors.create_alarm(
                self,
                "Errors",
                alarm_description="More than one request in twenty ends in an error of ours",
                threshold=ERROR_SHARE_PERCENT,
                evaluation_periods=5,
                datapoints_to_alarm=3,
                treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            )
        )
        for service, group in target_groups.items():
            parts.notices.tell(
                group.metrics.unhealthy_host_count(period=MINUTE).create_alarm(
                    self,
                    f"{service.capitalize()}Unhealthy",
                    alarm_description=f"A {service} API has not been ready for five minutes",
                    threshold=1,
                    evaluation_periods=5,
                    treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
                )
            )

    @staticmethod
    def _errors(balancer: elb.ApplicationLoadBalancer) -> list[cloudwatch.IMetric]:
        return [
            balancer.metrics.http_code_target(code, period=MINUTE)
            for code in (elb.HttpCodeTarget.TARGET_4XX_COUNT, elb.HttpCodeTarget.TARGET_5XX_COUNT)
        ]

    @staticmethod
    def _times(balancer: elb.ApplicationLoadBalancer) -> list[cloudwatch.IMetric]:
        return [
            balancer.metrics.target_response_time(statistic=percentile, period=MINUTE) for percentile in ("p50", "p99")
        ]

    @staticmethod
    def _graph(title: str, metrics: list[cloudwatch.IMetric]) -> cloudwatch.GraphWidget:
        return cloudwatch.GraphWidget(title=title, left=metrics, width=8)


def _tasks(metric: str, service: Service) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace="ECS/ContainerInsights",
        metric_name=metric,
        dimensions_map={"ClusterName": NAME, "ServiceName": f"bandmate-{service}-worker"},
        period=MINUTE,
        label=queue_name(service),
    )
