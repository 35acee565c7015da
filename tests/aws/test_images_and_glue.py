"""Images are scanned and their tags are immutable; the Glue job runs the wheel of `make glue-package`."""

import re
import tomllib

import bandmate_shared

from tests.aws.templates import ROOT, Installation, containers


def test_every_image_has_a_repository(installation: Installation) -> None:
    repositories = {
        repository.properties["RepositoryName"]: repository for repository in installation.of_type("ECR::Repository")
    }
    assert set(repositories) == {
        f"bandmate/{name}" for name in ("ingest", "train", "generate", "vocal", "studio", "model")
    }
    for repository in repositories.values():
        assert repository.properties["ImageScanningConfiguration"] == {"ScanOnPush": True}
        assert repository.properties["ImageTagMutability"] == "IMMUTABLE"


def test_a_container_runs_its_own_image(installation: Installation) -> None:
    for _, container in containers(installation):
        name = "model" if container["Name"] == "model" else container["Name"].split("-")[0]
        assert container["Image"].endswith(":initial")
        assert re.search(rf"BandmateImages/{name.capitalize()}[0-9A-F]{{8}}", container["Image"]), container["Image"]


def test_glue_installs_the_wheel_with_the_pinned_versions(installation: Installation) -> None:
    project = tomllib.loads((ROOT / "deploy/glue/pyproject.toml").read_text())["project"]
    arguments = installation.only("Glue::Job").properties["DefaultArguments"]
    wheel, *modules = arguments["--additional-python-modules"].split(",")
    assert wheel.endswith(f"/bandmate_glue-{bandmate_shared.__version__}-py3-none-any.whl")
    pins = set((ROOT / "constraints.txt").read_text().splitlines())
    assert {module.split("==")[0] for module in modules} == set(project["dependencies"])
    assert set(modules) <= pins
    assert arguments["--storage_url"].endswith("/bandmate")


def test_the_model_image_has_the_labels_of_sagemaker_capabilities() -> None:
    """Without these labels SageMaker refuses several models on one endpoint, and a port of its own choice."""
    dockerfile = (ROOT / "services/model/Dockerfile").read_text()
    runtime = dockerfile[dockerfile.index(" AS runtime") : dockerfile.index("FROM runtime AS serve")]
    for label in ("multi-models", "accept-bind-to-port"):
        assert f"com.amazonaws.sagemaker.capabilities.{label}=true" in runtime
