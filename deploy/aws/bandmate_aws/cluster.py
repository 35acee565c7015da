"""The ECS cluster with its capacity, and the one-off `operator` task: the database's schema and the first API key
are made with it before any service starts."""

from typing import Any

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from bandmate_aws.containers import Program, add_program
from bandmate_aws.gpu import gpu_capacity
from bandmate_aws.parts import Parts
from bandmate_aws.permissions import task_role

NAME = "bandmate"


class ClusterStack(Stack):
    """Run the operator with `migrate`, or with another entry point for `bandmate_shared.auth`; see the how-to."""

    def __init__(self, scope: Construct, name: str, *, parts: Parts, **properties: Any) -> None:
        super().__init__(scope, name, **properties)
        self.cluster = ecs.Cluster(
            self,
            "Cluster",
            cluster_name=NAME,
            vpc=parts.network.vpc,
            # The scaling policies count tasks by its metrics.
            container_insights_v2=ecs.ContainerInsights.ENABLED,
            enable_fargate_capacity_providers=True,
        )
        self.gpus = gpu_capacity(self, parts, self.cluster) if parts.size.uses_gpus else None
        task = ecs.FargateTaskDefinition(
            self,
            "Operator",
            family="bandmate-operator",
            cpu=256,
            memory_limit_mib=512,
            task_role=task_role(self, "OperatorRole", []),
            volumes=[ecs.Volume(name="home")],
        )
        add_program(task, self, parts, Program("generate", "migrate"))
        CfnOutput(self, "OperatorTask", value=task.task_definition_arn)
