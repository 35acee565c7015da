"""A store whose clock the test moves. Every test of this folder that uses it runs on SQLite and on PostgreSQL."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from bandmate_shared.jobs.store import JobStore
from bandmate_shared.settings import SharedSettings


class Clock:
    """A clock that moves only when told to."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", "postgres"])
def new_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Makes addresses of databases: each a new one, of the kind that the test is run with."""
    if request.param == "postgres":
        make_url: Callable[[], str] = request.getfixturevalue("new_postgres_url")
        return make_url
    count = iter(range(10_000))
    return lambda: f"sqlite:///{tmp_path / f'{next(count)}.sqlite3'}"


@pytest.fixture
def settings(tmp_path: Path, new_database_url: Callable[[], str]) -> SharedSettings:
    """A home and a database of the test's own, and leases of 1 s."""
    return SharedSettings(
        home=tmp_path / "home",
        database_url=new_database_url(),
        lease_seconds=1.0,
        heartbeat_seconds=0.2,
        sweep_seconds=0.1,
    )


@pytest.fixture
def store(settings: SharedSettings, clock: Clock) -> Iterator[JobStore]:
    """Leases of 1 s, 3 attempts, a quota of 1000."""
    opened = JobStore.open(settings, clock)
    yield opened
    opened.close()
