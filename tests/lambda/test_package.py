"""The zip contains all that the handlers import, except the boto3 of Lambda."""

import subprocess
import sys
import zipfile
from pathlib import Path

import boto3

ROOT = Path(__file__).parents[2]
ZIP = ROOT / "out" / "lambda" / "bandmate-lambda.zip"
PROGRAM = """
import sys
sys.path[:0] = [sys.argv[1], sys.argv[2]]
from bandmate_lambda import objects, schedule
import bandmate_shared.intake.incoming
for module in (objects, schedule, bandmate_shared.intake.incoming, sys.modules["aws_lambda_powertools"]):
    assert module.__file__.startswith(sys.argv[1]), module.__file__
print(*sorted({name.split(".")[0] for name in sys.modules}))
"""


def test_the_zip_contains_all_dependencies_and_nothing_compiled(tmp_path: Path) -> None:
    with zipfile.ZipFile(ZIP) as archive:
        archive.extractall(tmp_path / "code")
    # Lambda's runtime: boto3 and its dependencies, and nothing else of this environment.
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    installed = Path(boto3.__file__).parents[1]
    for name in ("boto3", "botocore", "s3transfer", "urllib3", "dateutil", "six.py", "jmespath"):
        (runtime / name).symlink_to(installed / name)
    result = subprocess.run(
        [sys.executable, "-I", "-S", "-c", PROGRAM, str(tmp_path / "code"), str(runtime)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "pydantic" not in result.stdout.split()
    assert not list((tmp_path / "code").rglob("*.so"))


def test_the_zip_is_small() -> None:
    assert ZIP.stat().st_size < 2_000_000


def test_the_same_files_give_the_same_zip(tmp_path: Path) -> None:
    built = tmp_path / "again.zip"
    subprocess.run([sys.executable, str(ROOT / "deploy/lambda/package.py"), str(built)], check=True, timeout=120)
    assert built.read_bytes() == ZIP.read_bytes()
