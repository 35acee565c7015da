"""The stop signal of a process with a loop of its own."""

import threading

from bandmate_shared.service.health import LivenessFile


class StopFlag(threading.Event):
    """An Event that touches the liveness file whenever the loop checks whether to stop."""

    def __init__(self, liveness: LivenessFile) -> None:
        super().__init__()
        self._liveness = liveness

    def is_set(self) -> bool:
        self._liveness.touch()
        return super().is_set()
