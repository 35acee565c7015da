"""The container definitions: user, read-only root, health check, logs, environment, secrets, stop timeout."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import Size as Bytes
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from constructs import Construct

from bandmate_aws.foundations.parts import Parts
from bandmate_aws.foundations.retention import retention
from bandmate_aws.names import API_PORT, HOME, MODEL_PORT, STORE_PREFIX, USER, Service

API_STOP_SECONDS = 30
WORKER_STOP_SECONDS = 120
"""The most that Fargate allows."""
DRAIN_SECONDS = 90
"""After SIGTERM a worker lets its job finish for this long, then gives it back; that takes a few seconds more."""
SCRATCH_MIB = 256
"""MiB of /tmp, which lies in memory: the image's own is read-only."""


@dataclass(frozen=True)
class Program:
    """What a container of a service runs: `python -m bandmate_shared.service <command>`."""

    service: Service
    command: str

    @property
    def name(self) -> str:
        """`generate-worker`."""
        return f"{self.service}-{self.command}"

    @property
    def is_api(self) -> bool:
        return self.command == "api"


def log_group(scope: Construct, parts: Parts, name: str) -> logs.LogGroup:
    return logs.LogGroup(
        scope,
        f"{name}-logs",
        log_group_name=f"/bandmate/{name}",
        retention=retention(parts.size.log_days),
        removal_policy=RemovalPolicy.DESTROY,
    )


def add_program(
    task: ecs.TaskDefinition,
    scope: Construct,
    parts: Parts,
    program: Program,
    *,
    environment: Mapping[str, str] | None = None,
    entry_point: Sequence[str] | None = None,
    command: Sequence[str] | None = None,
    memory: int | None = None,
) -> ecs.ContainerDefinition:
    """Add the container of a service's program to a task; without an entry point and command those of its image."""
    container = task.add_container(
        program.name,
        image=ecs.ContainerImage.from_ecr_repository(parts.images.repositories[program.service], parts.tag),
        entry_point=entry_point,
        command=command or [program.command],
        environment=environment_of(parts, program) | dict(environment or {}),
        secrets=secrets_of(parts),
        memory_limit_mib=memory,
        user=USER,
        readonly_root_filesystem=True,
        linux_parameters=_linux(scope, program.name),
        health_check=_health_check(),
        logging=_logging(log_group(scope, parts, program.name)),
        stop_timeout=Duration.seconds(API_STOP_SECONDS if program.is_api else WORKER_STOP_SECONDS),
        port_mappings=[ecs.PortMapping(container_port=API_PORT)] if program.is_api else None,
    )
    mount_home(container)
    return container


def add_model(
    task: ecs.TaskDefinition, scope: Construct, parts: Parts, *, gpus: int | None, memory: int | None
) -> ecs.ContainerDefinition:
    """The model container beside a generate worker. It accepts connections from this task only, and has no secrets."""
    container = task.add_container(
        "model",
        image=ecs.ContainerImage.from_ecr_repository(parts.images.repositories["model"], parts.tag),
        command=["serve"],
        environment={
            "BANDMATE_HOME": HOME,
            "BANDMATE_MODEL_HOST": "127.0.0.1",
            "BANDMATE_MODEL_PORT": str(MODEL_PORT),
        },
        gpu_count=gpus,
        memory_limit_mib=memory,
        user=USER,
        readonly_root_filesystem=True,
        linux_parameters=_linux(scope, "model"),
        health_check=ecs.HealthCheck(
            command=["CMD", "python", "-m", "bandmate_model", "ping"],
            interval=Duration.seconds(10),
            timeout=Duration.seconds(5),
            retries=3,
            start_period=Duration.seconds(60),
        ),
        logging=_logging(log_group(scope, parts, "model")),
        stop_timeout=Duration.seconds(WORKER_STOP_SECONDS),
    )
    mount_home(container, read_only=True)  # It loads models from there, which the worker has fetched.
    return container


def add_page(task: ecs.TaskDefinition, scope: Construct, parts: Parts) -> ecs.ContainerDefinition:
    """The container of the studio's page. It has the page's files, and no secrets."""
    container = task.add_container(
        "studio",
        image=ecs.ContainerImage.from_ecr_repository(parts.images.repositories["studio"], parts.tag),
        environment={"BANDMATE_PORT": str(API_PORT)},
        user=USER,
        readonly_root_filesystem=True,
        linux_parameters=_linux(scope, "studio"),
        health_check=_health_check(),
        logging=_logging(log_group(scope, parts, "studio")),
        stop_timeout=Duration.seconds(API_STOP_SECONDS),
        port_mappings=[ecs.PortMapping(container_port=API_PORT)],
    )
    mount_home(container)  # The image declares it; without a mount ECS would make one that nothing bounds.
    return container


def mount_home(container: ecs.ContainerDefinition, *, read_only: bool = False) -> None:
    """The one writable folder, on the task's own disk; containers of a task see the same one.

    The images declare it as a VOLUME, which is how ECS learns that it belongs to their user.
    """
    container.add_mount_points(ecs.MountPoint(container_path=HOME, source_volume="home", read_only=read_only))


def environment_of(parts: Parts, program: Program) -> dict[str, str]:
    """Every setting that is not a secret."""
    values = {
        "BANDMATE_SERVICE": program.service,
        "BANDMATE_MODE": "service",
        "BANDMATE_HOST": "0.0.0.0",  # noqa: S104 - inside a task, behind its security group
        "BANDMATE_PORT": str(API_PORT),
        "BANDMATE_HOME": HOME,
        "BANDMATE_BROKER_URL": "sqs://",
        "BANDMATE_STORAGE_URL": f"s3://{parts.storage.bucket.bucket_name}/{STORE_PREFIX}",
        "BANDMATE_SUBMISSIONS_TENANT": parts.size.tenant,
        "AWS_REGION": parts.size.region,
    }
    if program.command == "worker":
        values["BANDMATE_DRAIN_SECONDS"] = str(DRAIN_SECONDS)
    if program.service == "vocal":
        values["BANDMATE_SPEECH_ENGINE"] = parts.size.speech_engine
    return values


def secrets_of(parts: Parts) -> dict[str, ecs.Secret]:
    """The database's address and password, and the pepper; ECS reads them at the start of a task."""
    fields = {"HOST": "host", "PORT": "port", "NAME": "dbname", "USER": "username", "PASSWORD": "password"}
    database = {
        f"BANDMATE_DATABASE_{name}": ecs.Secret.from_secrets_manager(parts.database.secret, field)
        for name, field in fields.items()
    }
    return database | {"BANDMATE_KEY_PEPPER": ecs.Secret.from_secrets_manager(parts.database.pepper)}


def _health_check() -> ecs.HealthCheck:
    return ecs.HealthCheck(
        command=["CMD", "python", "-m", "bandmate_shared.service", "healthcheck"],
        interval=Duration.seconds(15),
        timeout=Duration.seconds(10),
        retries=4,
        start_period=Duration.seconds(60),
    )


def _linux(scope: Construct, name: str) -> ecs.LinuxParameters:
    """No capabilities, an init process that reaps children, /tmp in memory."""
    parameters = ecs.LinuxParameters(scope, f"{name}-linux", init_process_enabled=True)
    parameters.drop_capabilities(ecs.Capability.ALL)
    parameters.add_tmpfs(
        ecs.Tmpfs(
            container_path="/tmp",  # noqa: S108
            size=SCRATCH_MIB,
            mount_options=[ecs.TmpfsMountOption.NOSUID, ecs.TmpfsMountOption.NODEV],
        )
    )
    return parameters


def _logging(group: logs.LogGroup) -> ecs.LogDriver:
    # Non-blocking: a slow log service loses lines instead of delaying songs.
    return ecs.LogDriver.aws_logs(
        stream_prefix="task",
        log_group=group,
        mode=ecs.AwsLogDriverMode.NON_BLOCKING,
        max_buffer_size=Bytes.mebibytes(4),
    )
