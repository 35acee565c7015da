"""How a training run hears that it has to stop. Without torch: the container listens from its first moment."""

import signal
from typing import Protocol


class Stopped(Exception):
    """The word to stop came before training had begun."""


class Stop(Protocol):
    """Says when to stop."""

    @property
    def raised(self) -> bool: ...


class StopFlag:
    """Raised by SIGTERM and SIGINT.

    As a container's first process Python ignores SIGTERM until a handler is there, so this comes before slow imports.
    """

    def __init__(self) -> None:
        self.raised = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    def _stop(self, *_: object) -> None:
        self.raised = True
