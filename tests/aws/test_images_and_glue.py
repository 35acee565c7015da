"""Images are scanned and never change behind a tag; the Glue job runs what `make glue-package` builds."""

import re
import tomllib

from tests.aws.templates import ROOT, Installation, containers


def test_every_image_has_a_repository(found: Installation) -> None:
    repositories = {one.properties["RepositoryName"]: one for one in found.of_type("ECR::Repository")}
    assert set(repositories) == {f"bandmate/{name}" for name in ("ingest", "train", "generate", "vocal", "model")}
    for one in repositories.values():
        assert one.properties["ImageScanningConfiguration"] == {"ScanOnPush": True}
        assert one.properties["ImageTagMutability"] == "IMMUTABLE"


def test_a_container_runs_its_own_image(found: Installation) -> None:
    for _, container in containers(found):
        name = "model" if container["Name"] == "model" else container["Name"].split("-")[0]
        assert container["Image"].endswith(":initial")
        assert re.search(rf"BandmateImages/{name.capitalize()}[0-9A-F]{{8}}", container["Image"]), container["Image"]


def test_glue_installs_the_wheel_at_the_versions_of_the_tests(found: Installation) -> None:
    project = tomllib.loads((ROOT / "deploy/glue/pyproject.toml").read_text())["project"]
    arguments = found.one("Glue::Job").properties["DefaultArguments"]
    wheel, *modules = arguments["--additional-python-modules"].split(",")
    assert wheel.endswith(f"/bandmate_glue-{project['version']}-py3-none-any.whl")
    pins = set((ROOT / "constraints.txt").read_text().splitlines())
    assert {module.split("==")[0] for module in modules} == set(project["dependencies"])
    assert set(modules) <= pins
    assert arguments["--storage_url"].endswith("/bandmate")
