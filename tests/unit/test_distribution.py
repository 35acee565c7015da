"""The one distribution `bandmate` holds every package, asks for what they need, and its command starts."""

import subprocess
import sys
import tomllib
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import bandmate_shared
import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[2]
PROJECTS = [ROOT / "pyproject.toml", ROOT / "shared/pyproject.toml", *ROOT.glob("services/*/pyproject.toml")]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    (built,) = WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])
    return Path(built)


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return Parser().parsestr(archive.read(name).decode())


def test_the_distribution_has_the_version_and_the_dependencies_of_its_parts(metadata: Message) -> None:
    assert metadata["Version"] == bandmate_shared.__version__
    required = " ".join(metadata.get_all("Requires-Dist"))
    for name in ("celery", "symusic", "fastapi", "typer", "pyarrow", "soundfile", "torch", "boto3"):
        assert name in required
    assert set(metadata.get_all("Provides-Extra")) >= {"train", "aws", "bench"}
    assert "bandmate-" not in required


def test_the_version_is_stated_once() -> None:
    sources = [path for folder in ("shared", "services", "benchmarks") for path in (ROOT / folder).rglob("*.py")]
    stating = [path.relative_to(ROOT).as_posix() for path in sources if "\n__version__ = " in "\n" + path.read_text()]
    assert stating == ["shared/bandmate_shared/__init__.py"]


def test_every_direct_dependency_is_bounded_from_both_sides() -> None:
    for path in PROJECTS:
        project = tomllib.loads(path.read_text())["project"]
        groups = [project.get("dependencies", []), *project.get("optional-dependencies", {}).values()]
        for requirement in (requirement for group in groups for requirement in group):
            if not requirement.startswith("bandmate-"):
                assert ">=" in requirement or "==" in requirement, f"{path}: {requirement}"
                assert "<" in requirement or "==" in requirement, f"{path}: {requirement}"


def test_the_command_runs_from_the_wheel_alone(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    program = (
        "import sys, bandmate_local; from bandmate_local.cli.main import app; print(bandmate_local.__file__); app()"
    )
    environment = {"PYTHONPATH": str(tmp_path), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-c", program, "--help"]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert result.stdout.startswith(str(tmp_path))
    for name in ("up", "song", "sing", "ingest", "train", "models", "jobs"):
        assert name in result.stdout
