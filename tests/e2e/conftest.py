"""One real platform for each module of end-to-end tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.history import faults
from tests.support.platform_process import PlatformProcess


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("platform") / "home"


@pytest.fixture(scope="module")
def platform(home: Path) -> Iterator[PlatformProcess]:
    """`bandmate up` on `home`, ready. When the module is done, every job on it must have ended exactly once."""
    process = PlatformProcess(home)
    try:
        yield process.start()
    finally:
        process.stop()
    assert faults(home) == []
