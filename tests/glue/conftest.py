"""One Spark for all tests here, real music in many forms, and a dataset by Spark and by the process pool.

Run by `make glue-test` in a separate environment with the wheel for Glue and Spark.
"""

import importlib.util
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

if shutil.which("java") is None:
    pytest.skip("Spark needs Java 17; on Debian: apt-get install openjdk-17-jre-headless", allow_module_level=True)

from bandmate_glue.cleaning import Task
from bandmate_ingest.build import Built, Progress, build
from bandmate_ingest.cleaning.rules import CleaningRules
from bandmate_ingest.pool.parent import CleaningPool
from bandmate_music.midi.write import write_midi
from bandmate_music.musicxml.read import read_musicxml
from bandmate_shared.contracts.datasets import DatasetRequest, SplitSource
from bandmate_shared.objects.open import open_storage
from bandmate_shared.settings import SharedSettings
from pyspark.sql import SparkSession

from tests.support.tunes import write_tunes
from tests.unit.ingest.hostile import HOSTILE

LIMITS = SharedSettings().file_limits
RULES = CleaningRules()
SECONDS, MEMORY = 20.0, 1_500_000_000


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """Two cores, and three attempts per task, as on a cluster."""
    os.environ["PYSPARK_PYTHON"] = sys.executable
    session = (
        SparkSession.builder.master("local[2, 3]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.files.maxPartitionBytes", str(256 << 10))
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


@pytest.fixture(scope="session")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two folders: `first` with Bach as MIDI and MusicXML, tunes, copies and bad files; `second` with more of each."""
    root = tmp_path_factory.mktemp("music")
    spec = importlib.util.find_spec("music21")
    assert spec is not None
    assert spec.origin is not None
    chorales = sorted((Path(spec.origin).parent / "corpus" / "bach").glob("*.mxl"))
    write_tunes(root / "first" / "tunes", 30)
    for folder, paths in (("first", chorales[:40]), ("second", chorales[35:60])):
        target = root / folder / "bach"
        target.mkdir(parents=True)
        for path in paths:
            score = read_musicxml(path.read_bytes(), LIMITS)
            (target / f"{path.stem}.mid").write_bytes(write_midi(score.with_parts(_without_lyrics(score.parts))))
    shutil.copy(chorales[0], root / "first" / "bach")
    _add_copies(root / "first" / "tunes")
    for number, (name, data) in enumerate(HOSTILE.items()):
        bad = root / ("first" if number % 2 else "second") / "bad"
        bad.mkdir(parents=True, exist_ok=True)
        (bad / f"{name}.mid").write_bytes(data)
    (root / "first" / "other").mkdir()
    (root / "first" / "other" / "song.abc").write_text("X:1\nK:C\nCDEF|\n")
    return root


def _without_lyrics(parts: Any) -> list[Any]:
    return [replace(part, lyrics=()) for part in parts]


def _add_copies(folder: Path) -> None:
    """Copy files under names that sort before and after the original."""
    shutil.copy(folder / "tune-003.mid", folder / "again.mid")
    shutil.copy(folder / "tune-004.mid", folder / "zz-again.mid")


@pytest.fixture
def by_pool(tmp_path: Path) -> Callable[..., Built]:
    """The dataset 'music' as the ingest service makes it, in the store `<tmp_path>/pool`."""

    def build_dataset(
        *sources: Path, batch_files: int = 64, splits: SplitSource = "folders", style: str | None = None
    ) -> Built:
        storage = open_storage((tmp_path / "pool").as_uri())
        paths = [str(source) for source in sources]
        request = DatasetRequest(name="music", sources=paths, splits=splits, style=style)
        with CleaningPool(LIMITS, RULES, processes=2, file_seconds=SECONDS, memory_bytes=MEMORY) as pool:
            return build(request, storage, LIMITS, RULES, pool.clean, Progress(), batch_files)

    return build_dataset


@pytest.fixture
def task(tmp_path: Path) -> Task:
    """A job on the store `<tmp_path>/glue`."""
    return Task((tmp_path / "glue").as_uri(), "local", LIMITS, RULES, SECONDS, MEMORY)


def dataset_files(store: Path) -> dict[str, bytes]:
    """Every file below `datasets/`. The running time in the report is left out, as it differs between runs."""
    files = {path.relative_to(store).as_posix(): path for path in (store / "datasets").rglob("*") if path.is_file()}
    return {
        name: _without_seconds(path.read_bytes()) if name.endswith("report.json") else path.read_bytes()
        for name, path in files.items()
    }


def _without_seconds(report: bytes) -> bytes:
    value = json.loads(report)
    assert value.pop("seconds") >= 0
    return json.dumps(value).encode()
