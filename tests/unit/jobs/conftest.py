"""A store whose clock the test moves."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from bandmate_shared.jobs.store import JobStore
from bandmate_shared.settings import SharedSettings


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(settings: SharedSettings, clock: Clock) -> Iterator[JobStore]:
    """Leases of 1 s, 3 attempts, a quota of 1000."""
    opened = JobStore.open(settings, clock)
    yield opened
    opened.close()
