"""How every container runs: as nobody, on a read-only root, with a health check, and time to put its work down."""

import re
from typing import Any

import pytest

from tests.aws.templates import ROOT, Installation, containers, environment, family

FARGATE_STOP_SECONDS = 120
WORKERS = ("ingest-worker", "train-worker", "generate-worker", "vocal-worker")
APIS = ("ingest-api", "train-api", "generate-api", "vocal-api")


def test_the_tasks_are_these(found: Installation) -> None:
    tasks = {family(task) for task in found.of_type("ECS::TaskDefinition")}
    assert tasks == {*WORKERS, *APIS, "generate-intake", "operator", "keys"}


def test_every_container_is_confined(found: Installation) -> None:
    for task, container in containers(found):
        where = f"{family(task)}/{container['Name']}"
        assert container["ReadonlyRootFilesystem"] is True, where
        assert container["User"] == "10001:10001", where
        assert container.get("Privileged") is not True, where
        linux = container["LinuxParameters"]
        assert linux["Capabilities"] == {"Drop": ["ALL"]}, where
        assert [one["ContainerPath"] for one in linux["Tmpfs"]] == ["/tmp"], where
        assert [(one["ContainerPath"], one["ReadOnly"]) for one in container["MountPoints"]] == [
            ("/var/lib/bandmate", container["Name"] == "model")
        ], where


def test_every_container_is_watched_and_heard(found: Installation) -> None:
    for task, container in containers(found):
        command = container["HealthCheck"]["Command"]
        module = "bandmate_model" if container["Name"] == "model" else "bandmate_shared.service"
        assert command[:4] == ["CMD", "python", "-m", module], family(task)
        assert command[4] == ("ping" if container["Name"] == "model" else "healthcheck")
        group = found.by_reference(container["LogConfiguration"]["Options"]["awslogs-group"])
        assert group.properties["RetentionInDays"] <= 90


def test_the_commands_exist() -> None:
    """The words that the templates say are words that the entry points know."""
    from bandmate_shared.service.__main__ import USAGE

    known = set(re.findall(r"\b[a-z]+\b", USAGE.partition("bandmate_shared.service")[2]))
    assert {"api", "worker", "intake", "migrate", "healthcheck"} <= known
    ping = (ROOT / "services/model/bandmate_model/__main__.py").read_text()
    assert '"ping"' in ping
    assert '"serve"' in ping


def test_containers_run_what_their_task_is_named_for(found: Installation) -> None:
    for task, container in containers(found):
        if container["Name"] == "model":
            assert container["Command"] == ["serve"]
            assert family(task) == "generate-worker"
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


def test_workers_have_the_time_to_put_their_work_down(found: Installation) -> None:
    for task, container in containers(found):
        if family(task) in WORKERS:
            assert container["StopTimeout"] <= FARGATE_STOP_SECONDS
            if container["Name"] != "model":
                assert int(environment(container)["BANDMATE_DRAIN_SECONDS"]) + 15 <= container["StopTimeout"]


def test_the_model_stands_beside_the_worker_unless_sagemaker_has_it(found: Installation) -> None:
    (task,) = [one for one in found.of_type("ECS::TaskDefinition") if family(one) == "generate-worker"]
    inside = {one["Name"]: one for one in task.properties["ContainerDefinitions"]}
    worker = environment(inside["generate-worker"])
    if found.endpoint == "none":
        assert worker["BANDMATE_MODEL_ENDPOINT"] == "http"
        port = environment(inside["model"])["BANDMATE_MODEL_PORT"]
        assert worker["BANDMATE_MODEL_URL"] == f"http://127.0.0.1:{port}"
        assert environment(inside["model"])["BANDMATE_MODEL_HOST"] == "127.0.0.1"
        depends = inside["generate-worker"]["DependsOn"]
        assert depends == [{"Condition": "HEALTHY", "ContainerName": "model"}]
        assert _volume(inside["model"]) == _volume(inside["generate-worker"])
    else:
        assert set(inside) == {"generate-worker"}
        assert worker["BANDMATE_SAGEMAKER_ENDPOINT"] == found.one("SageMaker::Endpoint").properties["EndpointName"]


@pytest.mark.parametrize("image", ["ingest", "train", "generate", "vocal", "model"])
def test_an_image_declares_the_folder_that_is_mounted(image: str) -> None:
    """ECS gives an empty volume to root, unless the image declares it as a VOLUME that belongs to its user."""
    dockerfile = (ROOT / f"services/{image}/Dockerfile").read_text()
    declared = " ".join(re.findall(r"^VOLUME (.+)$", dockerfile, re.MULTILINE))
    assert re.search(r"/var/lib/bandmate(?=[\"\s\],]|$)", declared), (
        f"services/{image}/Dockerfile: {declared or 'no VOLUME'}"
    )


def test_nobody_can_open_a_shell_in_a_task(found: Installation) -> None:
    for service in found.of_type("ECS::Service"):
        assert service.properties["EnableExecuteCommand"] is False
        network = service.properties["NetworkConfiguration"]["AwsvpcConfiguration"]
        assert network.get("AssignPublicIp", "DISABLED") == "DISABLED"
        assert service.properties["DeploymentConfiguration"]["DeploymentCircuitBreaker"] == {
            "Enable": True,
            "Rollback": True,
        }


def _volume(container: dict[str, Any]) -> list[str]:
    return [one["SourceVolume"] for one in container["MountPoints"]]
