"""How every container runs: as an unprivileged user, on a read-only root, with a health check and time to drain."""

import re
from typing import Any

import pytest

from tests.aws.templates import ROOT, Installation, containers, environment, family

FARGATE_STOP_SECONDS = 120
WORKERS = ("ingest-worker", "train-worker", "generate-worker", "vocal-worker")
APIS = ("ingest-api", "train-api", "generate-api", "vocal-api")


def test_the_task_families(installation: Installation) -> None:
    tasks = {family(task) for task in installation.of_type("ECS::TaskDefinition")}
    assert tasks == {*WORKERS, *APIS, "generate-intake", "generate-webhooks", "studio", "operator", "keys"}


def test_every_container_is_confined(installation: Installation) -> None:
    for task, container in containers(installation):
        where = f"{family(task)}/{container['Name']}"
        assert container["ReadonlyRootFilesystem"] is True, where
        assert container["User"] == "10001:10001", where
        assert container.get("Privileged") is not True, where
        linux = container["LinuxParameters"]
        assert linux["Capabilities"] == {"Drop": ["ALL"]}, where
        assert [mount["ContainerPath"] for mount in linux["Tmpfs"]] == ["/tmp"], where
        assert [(mount["ContainerPath"], mount["ReadOnly"]) for mount in container["MountPoints"]] == [
            ("/var/lib/bandmate", container["Name"] == "model")
        ], where


def test_every_container_has_a_health_check_and_logs(installation: Installation) -> None:
    for task, container in containers(installation):
        command = container["HealthCheck"]["Command"]
        module = "bandmate_model" if container["Name"] == "model" else "bandmate_shared.service"
        assert command[:4] == ["CMD", "python", "-m", module], family(task)
        assert command[4] == ("ping" if container["Name"] == "model" else "healthcheck")
        group = installation.by_reference(container["LogConfiguration"]["Options"]["awslogs-group"])
        assert group.properties["RetentionInDays"] <= 90


def test_the_commands_of_the_templates_exist() -> None:
    """The entry points know the commands that the templates run."""
    from bandmate_shared.service.__main__ import COMMANDS

    assert {"api", "worker", "intake", "webhooks", "migrate"} <= set(COMMANDS)
    service = (ROOT / "shared/bandmate_shared/service/__main__.py").read_text()
    assert '"healthcheck"' in service
    ping = (ROOT / "services/model/bandmate_model/__main__.py").read_text()
    assert '"ping"' in ping
    assert '"serve"' in ping


def test_containers_run_the_command_in_their_name(installation: Installation) -> None:
    for task, container in containers(installation):
        if container["Name"] == "model":
            assert container["Command"] == ["serve"]
            assert family(task) == "generate-worker"
            continue
        if container["Name"] == "studio":  # The image has one command.
            assert family(task) == "studio"
            assert not {"EntryPoint", "Command", "Secrets"} & set(container)
            continue
        service, _, command = container["Name"].partition("-")
        if command == "keys":
            assert container["EntryPoint"] == ["python", "-m", "bandmate_shared.auth"]
            assert container["Command"] == ["list"]
            assert family(task) == "keys"
            continue
        assert "EntryPoint" not in container
        assert container["Command"] == [command]
        assert environment(container)["BANDMATE_SERVICE"] == service
        assert family(task) == (container["Name"] if command != "migrate" else "operator")


def test_workers_have_time_to_drain_before_they_are_killed(installation: Installation) -> None:
    for task, container in containers(installation):
        if family(task) in WORKERS:
            assert container["StopTimeout"] <= FARGATE_STOP_SECONDS
            if container["Name"] != "model":
                assert int(environment(container)["BANDMATE_DRAIN_SECONDS"]) + 15 <= container["StopTimeout"]


def test_the_model_runs_beside_the_worker_unless_sagemaker_serves_it(installation: Installation) -> None:
    (task,) = [task for task in installation.of_type("ECS::TaskDefinition") if family(task) == "generate-worker"]
    siblings = {container["Name"]: container for container in task.properties["ContainerDefinitions"]}
    worker = environment(siblings["generate-worker"])
    if installation.endpoint == "none":
        assert worker["BANDMATE_MODEL_ENDPOINT"] == "http"
        port = environment(siblings["model"])["BANDMATE_MODEL_PORT"]
        assert worker["BANDMATE_MODEL_URL"] == f"http://127.0.0.1:{port}"
        assert environment(siblings["model"])["BANDMATE_MODEL_HOST"] == "127.0.0.1"
        depends = siblings["generate-worker"]["DependsOn"]
        assert depends == [{"Condition": "HEALTHY", "ContainerName": "model"}]
        assert _volume(siblings["model"]) == _volume(siblings["generate-worker"])
    else:
        assert set(siblings) == {"generate-worker"}
        assert (
            worker["BANDMATE_SAGEMAKER_ENDPOINT"] == installation.only("SageMaker::Endpoint").properties["EndpointName"]
        )


@pytest.mark.parametrize("path", ["services/Dockerfile", "services/model/Dockerfile"])
def test_an_image_declares_the_mounted_folder_as_a_volume(path: str) -> None:
    """ECS gives an empty volume to root, unless the image declares it as a VOLUME that belongs to its user."""
    dockerfile = (ROOT / path).read_text()
    declared = " ".join(re.findall(r"^VOLUME (.+)$", dockerfile, re.MULTILINE))
    assert re.search(r"/var/lib/bandmate(?=[\"\s\],]|$)", declared), f"{path}: {declared or 'no VOLUME'}"


def test_tasks_allow_no_shell_and_have_no_public_address(installation: Installation) -> None:
    for service in installation.of_type("ECS::Service"):
        assert service.properties["EnableExecuteCommand"] is False
        network = service.properties["NetworkConfiguration"]["AwsvpcConfiguration"]
        assert network.get("AssignPublicIp", "DISABLED") == "DISABLED"
        assert service.properties["DeploymentConfiguration"]["DeploymentCircuitBreaker"] == {
            "Enable": True,
            "Rollback": True,
        }


def _volume(container: dict[str, Any]) -> list[str]:
    return [mount["SourceVolume"] for mount in container["MountPoints"]]
