"""The wheel in an empty environment: cleaning works, without the services' other dependencies."""

import subprocess
import sys
import venv
from pathlib import Path

import pytest
from bandmate_music.midi.write import write_midi

from tests.support.tunes import tune

ROOT = Path(__file__).parents[2]
OUT = ROOT / "out" / "glue"
PROGRAM = """
import importlib.util, sys
from pathlib import Path
from bandmate_glue.pack import pack
from bandmate_ingest.cleaning.batch import RawFile, clean_batch
from bandmate_ingest.pool.parent import CleaningPool
from bandmate_ingest.cleaning.rules import CleaningRules
from bandmate_music.limits import Limits
from bandmate_shared.settings import SharedSettings
limits = SharedSettings().file_limits
file = RawFile("a.mid", Path(sys.argv[1]).read_bytes())
assert clean_batch([file], limits, CleaningRules()).files["accepted"].to_pylist() == [True]
with CleaningPool(limits, CleaningRules(), processes=1, file_seconds=20, memory_bytes=1_500_000_000) as pool:
    (batch,) = pool.clean([[file]])
assert batch.files["accepted"].to_pylist() == [True]
for name in ("celery", "fastapi", "sqlalchemy", "redis", "structlog", "uvicorn", "boto3", "pyspark", "pandas"):
    assert importlib.util.find_spec(name) is None, name
print("cleaned by", sys.prefix)
"""


@pytest.fixture(scope="module")
def wheel() -> Path:
    wheels = list(OUT.glob("bandmate_glue-*.whl"))
    assert len(wheels) == 1, "run `make glue-package` first"
    return wheels[0]


def test_the_wheel_cleans_with_its_own_dependencies_only(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    install(str(python), wheel)
    (tmp_path / "a.mid").write_bytes(write_midi(tune(1)))
    result = subprocess.run(
        [python, "-c", PROGRAM, "a.mid"], cwd=tmp_path, env={}, capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 0, result.stderr
    assert str(tmp_path) in result.stdout


def test_nothing_would_have_to_be_compiled_on_glue(wheel: Path, tmp_path: Path) -> None:
    """Glue 6.0: Python 3.13 on Amazon Linux 2023, whose glibc is 2.34."""
    platform = ["--python-version", "3.13", "--implementation", "cp", "--platform", "manylinux_2_34_x86_64"]
    older = ["--platform", "manylinux_2_28_x86_64", "--platform", "manylinux_2_17_x86_64"]
    install(sys.executable, wheel, "--dry-run", "--target", str(tmp_path / "target"), *platform, *older)


def test_the_list_of_modules_names_every_dependency_at_the_tested_version(wheel: Path) -> None:
    import importlib.metadata

    modules = (OUT / "modules.txt").read_text().strip().split(",")
    assert modules[0] == wheel.name
    pinned = dict(module.split("==") for module in modules[1:])
    dependencies = {requirement.split()[0] for requirement in importlib.metadata.requires("bandmate-glue") or []}
    assert set(pinned) == dependencies
    assert pinned == {name: importlib.metadata.version(name) for name in dependencies}


def install(python: str, wheel: Path, *options: str) -> None:
    command = [python, "-m", "pip", "install", "--quiet", "--no-compile", "--only-binary", ":all:", *options]
    result = subprocess.run(
        [*command, "-c", str(ROOT / "constraints.txt"), str(wheel)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stderr
