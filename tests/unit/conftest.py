"""What the unit tests share: settings under which nobody is taken for dead because the machine is busy."""

from pathlib import Path

import pytest
from bandmate_shared.settings import SharedSettings


@pytest.fixture
def settings(tmp_path: Path) -> SharedSettings:
    """A home of the test's own, and patient leases; tests of the job store have impatient ones of their own."""
    return SharedSettings(home=tmp_path / "home", lease_seconds=60.0, heartbeat_seconds=0.2, sweep_seconds=0.1)
