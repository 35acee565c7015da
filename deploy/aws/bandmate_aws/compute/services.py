"""The long-running services: four APIs behind the load balancer, their workers, the intake, webhooks, the page."""

from typing import Any

from aws_cdk import Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from bandmate_aws import permissions
from bandmate_aws.compute.cluster import NAME as CLUSTER
from bandmate_aws.compute.cluster import ClusterStack
from bandmate_aws.compute.containers import Program, add_model, add_page, add_program
from bandmate_aws.compute.gateway import Gateway
from bandmate_aws.compute.scaling import follow_queue
from bandmate_aws.foundations.parts import Parts
from bandmate_aws.names import MODEL_PORT, SERVICES, SUBMISSIONS, Service
from bandmate_aws.workloads.sagemaker import SageMakerStack

API_CPU, API_MEMORY = 256, 1024
INTAKE_CPU, INTAKE_MEMORY = 256, 512
WEBHOOK_TASKS = 1
"""What one sends at a time, 16 webhooks, is enough; while it is replaced they wait in the database."""
GRACE_SECONDS = 90
BUSY_PERCENT = 60
MODEL_MEMORY_SHARE = 0.5
"""Of a GPU task's memory; the worker renders and mixes in the other half."""


class ServicesStack(Stack):
    """Deployed after the database has its schema and its first API key: without them nothing here starts."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        parts: Parts,
        cluster: ClusterStack,
        sagemaker: SageMakerStack,
        **properties: Any,
    ) -> None:
        super().__init__(scope, name, **properties)
        self._parts = parts
        self._cluster = cluster.cluster
        self._gpus = cluster.gpus
        self._sagemaker = sagemaker
        self.gateway = Gateway(self, "Gateway", parts=parts)
        self.balancer = self.gateway.balancer
        self.target_groups = {service: self._api(service) for service in SERVICES}
        self.workers = {service: self._worker(service) for service in SERVICES}
        self._intake()
        self._webhooks()
        self._page()

    def _api(self, service: Service) -> elb.ApplicationTargetGroup:
        program = Program(service, "api")
        statements = [*permissions.use_store(self._parts.storage.bucket), permissions.send(self._all_queues())]
        task = self._fargate_task(program.name, API_CPU, API_MEMORY, statements)
        add_program(task, self, self._parts, program, environment=self._model_settings(service))
        min_tasks, max_tasks = self._parts.size.api_tasks
        running = self._fargate_service(program.name, task, None, spot=False, grace=GRACE_SECONDS)
        group = self.gateway.attach_api(service, running)
        running.auto_scale_task_count(min_capacity=min_tasks, max_capacity=max_tasks).scale_on_cpu_utilization(
            "Busy",
            target_utilization_percent=BUSY_PERCENT,
            scale_in_cooldown=Duration.minutes(5),
            scale_out_cooldown=Duration.minutes(1),
        )
        return group

    def _worker(self, service: Service) -> ecs.BaseService:
        program = Program(service, "worker")
        worker = self._parts.size.workers[service]
        statements = [
            *permissions.use_store(self._parts.storage.bucket),
            permissions.send(self._all_queues()),
            *permissions.consume(self._parts.queues.queues[service], self._parts.queues.dead_letters[service]),
            permissions.guard_itself(self, CLUSTER),
            *self._own_statements(service),
        ]
        if worker.hardware == "gpu":
            running = self._gpu_worker(program, statements)
        else:
            task = self._fargate_task(program.name, worker.cpu_units, worker.memory, statements)
            self._add_containers(task, program)
            running = self._fargate_service(program.name, task, None, spot=True)
        follow_queue(self, service, worker, running, CLUSTER, self._parts.queues.queues[service])
        return running

    def _intake(self) -> None:
        program = Program("generate", "intake")
        queue, dead_letters = self._parts.queues.queues[SUBMISSIONS], self._parts.queues.dead_letters[SUBMISSIONS]
        statements = [
            *permissions.use_store(self._parts.storage.bucket),
            permissions.send(self._all_queues()),
            *permissions.consume(queue, dead_letters),
        ]
        task = self._fargate_task(program.name, INTAKE_CPU, INTAKE_MEMORY, statements)
        add_program(task, self, self._parts, program)
        self._fargate_service(program.name, task, self._parts.size.intake_tasks, spot=False)

    def _webhooks(self) -> None:
        """It needs the database and a way to the internet, and no permission."""
        program = Program("generate", "webhooks")
        task = self._fargate_task(program.name, INTAKE_CPU, INTAKE_MEMORY, [])
        add_program(task, self, self._parts, program)
        self._fargate_service(program.name, task, WEBHOOK_TASKS, spot=False)

    def _page(self) -> None:
        """The studio: files for browsers. It needs neither the database nor a permission."""
        task = self._fargate_task("studio", INTAKE_CPU, INTAKE_MEMORY, [])
        add_page(task, self, self._parts)
        tasks, _ = self._parts.size.api_tasks
        self.gateway.attach_page(self._fargate_service("studio", task, tasks, spot=False, grace=GRACE_SECONDS))

    def _own_statements(self, service: Service) -> list[iam.PolicyStatement]:
        """Permissions that only this service's worker has."""
        if service == "train":
            return permissions.train(self, self._sagemaker.role)
        if service == "vocal" and self._parts.size.speech_engine == "polly":
            return [permissions.speak()]
        endpoint = self._parts.size.sagemaker_endpoint
        if service == "generate" and endpoint != "none":
            return [permissions.invoke(self, self._sagemaker.endpoint_name, asynchronous=endpoint == "async")]
        return []

    def _add_containers(self, task: ecs.TaskDefinition, program: Program) -> None:
        """Put a worker's container into its task, and the model beside the generate worker."""
        memory = gpus = None
        worker = self._parts.size.workers[program.service]
        if worker.hardware == "gpu":  # On an instance each container names its memory; on Fargate the task does.
            gpus, memory = 1, int(worker.memory * MODEL_MEMORY_SHARE)
        settings = self._model_settings(program.service)
        container = add_program(task, self, self._parts, program, environment=settings, memory=memory)
        if program.service == "generate" and self._parts.size.sagemaker_endpoint == "none":
            model = add_model(task, self, self._parts, gpus=gpus, memory=memory)
            container.add_container_dependencies(
                ecs.ContainerDependency(container=model, condition=ecs.ContainerDependencyCondition.HEALTHY)
            )

    def _model_settings(self, service: Service) -> dict[str, str]:
        """How a service reaches the model container or what stands in for it."""
        endpoint = self._parts.size.sagemaker_endpoint
        if service == "train":
            return self._sagemaker.trainer_settings
        if service != "generate":
            return {}
        if endpoint == "none":
            return {"BANDMATE_MODEL_ENDPOINT": "http", "BANDMATE_MODEL_URL": f"http://127.0.0.1:{MODEL_PORT}"}
        return self._sagemaker.endpoint_settings

    def _gpu_worker(self, program: Program, statements: list[iam.PolicyStatement]) -> ecs.BaseService:
        assert self._gpus is not None
        task = ecs.Ec2TaskDefinition(
            self,
            f"{program.name}-task",
            family=f"bandmate-{program.name}",
            network_mode=ecs.NetworkMode.AWS_VPC,
            task_role=permissions.task_role(self, f"{program.name}-role", statements),
            volumes=[ecs.Volume(name="home")],
        )
        self._add_containers(task, program)
        return ecs.Ec2Service(
            self,
            program.name,
            service_name=f"bandmate-{program.name}",
            cluster=self._cluster,
            task_definition=task,
            min_healthy_percent=0,  # Workers serve no clients directly, and a second GPU may not exist.
            max_healthy_percent=100,
            circuit_breaker=ecs.DeploymentCircuitBreaker(rollback=True),
            enable_execute_command=False,
            security_groups=[self._parts.network.tasks],
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
            capacity_provider_strategies=[
                ecs.CapacityProviderStrategy(capacity_provider=self._gpus.capacity_provider_name, weight=1)
            ],
        )

    def _fargate_task(
        self, name: str, cpu: int, memory: int, statements: list[iam.PolicyStatement]
    ) -> ecs.FargateTaskDefinition:
        return ecs.FargateTaskDefinition(
            self,
            f"{name}-task",
            family=f"bandmate-{name}",
            cpu=cpu,
            memory_limit_mib=memory,
            task_role=permissions.task_role(self, f"{name}-role", statements),
            volumes=[ecs.Volume(name="home")],
            ephemeral_storage_gib=50 if name == "ingest-worker" else None,
        )

    def _fargate_service(
        self,
        name: str,
        task: ecs.FargateTaskDefinition,
        tasks: int | None,
        *,
        spot: bool,
        grace: int | None = None,
    ) -> ecs.FargateService:
        share = round(10 * self._parts.size.spot_share) if spot else 0
        strategies = [
            ecs.CapacityProviderStrategy(capacity_provider=name, weight=weight)
            for name, weight in (("FARGATE", 10 - share), ("FARGATE_SPOT", share))
            if weight
        ]
        return ecs.FargateService(
            self,
            name,
            service_name=f"bandmate-{name}",
            cluster=self._cluster,
            task_definition=task,
            desired_count=tasks,  # None where a scaler decides: a number here would reset it at every deployment.
            assign_public_ip=False,
            min_healthy_percent=100,
            max_healthy_percent=200,
            circuit_breaker=ecs.DeploymentCircuitBreaker(rollback=True),
            enable_execute_command=False,
            platform_version=ecs.FargatePlatformVersion.LATEST,
            health_check_grace_period=Duration.seconds(grace) if grace else None,
            security_groups=[self._parts.network.tasks],
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
            capacity_provider_strategies=strategies,
        )

    def _all_queues(self) -> list[sqs.Queue]:
        return [self._parts.queues.queues[service] for service in SERVICES]
