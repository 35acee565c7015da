"""The ECS cluster with its capacity, and what is run by hand: the database's schema and the first API key
are made with it before any service starts."""

from collections.abc import Sequence
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from bandmate_aws.compute.containers import Program, add_program
from bandmate_aws.compute.gpu import gpu_capacity
from bandmate_aws.foundations.parts import Parts
from bandmate_aws.permissions import task_role

NAME = "bandmate"


class ClusterStack(Stack):
    """Beside the cluster two tasks that are run once: `bandmate-operator` and `bandmate-keys`; see the how-to."""

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
        self._one_off(parts, "operator", Program("generate", "migrate"))
        # Without a command it lists the keys; `create TENANT` and `revoke ID` are given when it is run.
        self._one_off(parts, "keys", Program("generate", "keys"), ["python", "-m", "bandmate_shared.auth"], ["list"])

    def _one_off(
        self,
        parts: Parts,
        family: str,
        program: Program,
        entry_point: Sequence[str] | None = None,
        command: Sequence[str] | None = None,
    ) -> None:
        """A task that is run by hand and ends by itself."""
        task = ecs.FargateTaskDefinition(
            self,
            family.capitalize(),
            family=f"bandmate-{family}",
            cpu=256,
            memory_limit_mib=512,
            task_role=task_role(self, f"{family.capitalize()}Role", []),
            volumes=[ecs.Volume(name="home")],
        )
        add_program(task, self, parts, program, entry_point=entry_point, command=command)
