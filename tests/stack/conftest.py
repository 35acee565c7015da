"""Each broker mode's stack is started once; when its tests are done, every job on it must have ended exactly once."""

import signal
import subprocess
from collections.abc import Iterator

import pytest

from tests.stack.stack import ROOT, Stack

MODES = ("redis", "sqs")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ready = subprocess.run([ROOT / "scripts" / "engine-ready"], capture_output=True, text=True, check=False)
    for item in items:
        item.add_marker(pytest.mark.stack)
        item.add_marker(pytest.mark.timeout(900))
        if ready.returncode != 0:
            item.add_marker(pytest.mark.skip(reason=ready.stderr.strip()))


@pytest.fixture(scope="session", params=MODES)
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Everything in containers, ready, in one of the broker modes."""
    # A run that is ended early must remove its containers.
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("told to stop"))
    stack = Stack(request.param, tmp_path_factory.mktemp("stack"))
    try:
        print(f"\n{stack.project}: ready after {stack.start():.0f} s")
        yield stack
        assert stack.faults() == []
    finally:
        stack.stop()
