"""Processes that a test starts: they are ended and their pipes closed after the test, also when it fails.

    def test_something(spawn: Spawn) -> None:
        process = spawn([sys.executable, "-m", "…"], env=…, stdout=subprocess.PIPE)      as subprocess.Popen, in text

    with spawning() as spawn: ...                                                        the same for a wider fixture

A process left behind by a failed assertion would continue to work, and its ResourceWarning would fail another test.
"""

import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import pytest

Spawn = Callable[..., "subprocess.Popen[str]"]


def restore_sigint() -> None:
    """A `preexec_fn` for a process that a test will interrupt.

    A shell starts background jobs (`make test &`) with SIGINT ignored, and every process below inherits that.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def spawning() -> Iterator[Spawn]:
    """Starts processes; at the end those that still run are killed, with their descendants, and all are reaped."""
    started: list[subprocess.Popen[str]] = []

    def spawn(command: list[str], **options: Any) -> "subprocess.Popen[str]":
        started.append(subprocess.Popen(command, text=True, **options))
        return started[-1]

    try:
        yield spawn
    finally:
        for process in started:
            _end(process)


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    """`spawn(command, …)`: a process of this test's own, as `subprocess.Popen` makes it."""
    with spawning() as started:
        yield started


def _end(process: "subprocess.Popen[str]") -> None:
    if process.poll() is None:
        descendants = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        for child in descendants:
            try:
                child.kill()
            except psutil.NoSuchProcess:
                pass
    with process:  # Closes the pipes, and waits.
        pass
