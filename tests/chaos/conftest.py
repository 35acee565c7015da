"""Real platforms whose parts are killed. After each test every job must have ended exactly once."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.history import faults
from tests.support.platform_process import PlatformProcess


@pytest.fixture
def start_platform(tmp_path: Path) -> Iterator[Callable[..., PlatformProcess]]:
    """`start_platform(NAME=value, …)` starts a platform with these environment variables on the test's home."""
    started: list[PlatformProcess] = []

    def start(**extra: str) -> PlatformProcess:
        started.append(PlatformProcess(tmp_path / "home", extra))
        return started[-1].start()

    yield start
    for process in started:
        process.stop()
    if started:
        assert faults(tmp_path / "home") == []
