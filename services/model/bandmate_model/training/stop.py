"""Stop signals of a training run. Without torch, so that the handlers are installed before the slow imports."""

import signal
from typing import Protocol


class Stopped(Exception):
    """The run was told to stop before its first step."""


class Stop(Protocol):
    """Whether the run has to stop."""

    @property
    def raised(self) -> bool: ...


class StopFlag:
    """Set by SIGTERM and SIGINT.

    As a container's first process Python ignores SIGTERM until a handler is installed.
    """

    def __init__(self) -> None:
        self.raised = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    def _stop(self, *_: object) -> None:
        self.raised = True
