"""The job: its arguments on Glue and elsewhere, and one complete run of the script."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from bandmate_glue.job import arguments
from bandmate_shared.objects.open import open_storage
from bandmate_shared.registry.dataset_versions import latest_revision

from tests.support.tunes import write_tunes

SCRIPT = Path(__file__).parents[2] / "deploy" / "glue" / "job.py"
GLUE_ADDS = ["--job-bookmark-option", "job-bookmark-disable", "--TempDir", "s3://temp/x", "--JOB_NAME", "clean"]
AWSGLUE = '''
import argparse
def getResolvedOptions(args, options):
    """As Glue's: every named option is required, others are ignored."""
    parser = argparse.ArgumentParser()
    for name in options:
        parser.add_argument("--" + name, required=True)
    return vars(parser.parse_known_args(args[1:])[0])
'''


def test_arguments_elsewhere() -> None:
    parsed = arguments(["job.py", "--storage_url", "s3://b/p", "--packs", "lakh", "--dataset", "lakh", *GLUE_ADDS])
    assert parsed == {"storage_url": "s3://b/p", "packs": "lakh", "dataset": "lakh", "tenant": "local", "step": "all"}


@pytest.mark.parametrize("tenant", [[], ["--tenant", "acme"]])
def test_arguments_on_glue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tenant: list[str]) -> None:
    (tmp_path / "awsglue").mkdir()
    (tmp_path / "awsglue" / "__init__.py").touch()
    (tmp_path / "awsglue" / "utils.py").write_text(AWSGLUE)
    monkeypatch.syspath_prepend(str(tmp_path))
    parsed = arguments(["job.py", *GLUE_ADDS, "--storage_url", "s3://b/p", "--packs", "a", "--dataset", "b", *tenant])
    assert parsed == {
        "storage_url": "s3://b/p",
        "packs": "a",
        "dataset": "b",
        "tenant": tenant[-1] if tenant else "local",
        "step": "all",
    }


def test_the_script_from_files_to_dataset(tmp_path: Path) -> None:
    write_tunes(tmp_path / "tunes", 12)
    store = (tmp_path / "store").as_uri()
    environment = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1"}
    environment.pop("PYSPARK_PYTHON", None)
    pack = [sys.executable, "-m", "bandmate_glue.pack", "--storage", store, "--name", "tunes", "--sources", "tunes"]
    output = subprocess.run(pack, cwd=tmp_path, check=True, capture_output=True, text=True, timeout=60).stdout
    assert output.startswith("Run 1: 12 files, ")
    job = [sys.executable, str(SCRIPT), "--storage_url", store, "--packs", "tunes", "--dataset", "tunes", *GLUE_ADDS]
    result = subprocess.run(
        job, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=180, check=False
    )
    assert result.returncode == 0, result.stderr
    _, version = latest_revision(open_storage(store), "tunes")
    assert f"dataset tunes version {version}: 12 files, 12 pieces, 12 cleaned for it" in result.stderr
