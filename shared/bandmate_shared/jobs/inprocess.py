"""A queue in the process itself: for running jobs without a broker, in tests and small tools."""

from collections import deque
from collections.abc import Mapping

from bandmate_shared.jobs.context import Handler
from bandmate_shared.jobs.worker import run_job
from bandmate_shared.runtime import Runtime


class InProcessQueue:
    """A Publisher that keeps its messages; `run_all` works them off, children and resumed parents included."""

    def __init__(self) -> None:
        self.messages: deque[tuple[str, str]] = deque()

    def publish(self, queue: str, job_id: str) -> None:
        self.messages.append((queue, job_id))

    def close(self) -> None:
        self.messages.clear()

    def run_all(self, runtime: Runtime, handlers: Mapping[str, Handler]) -> int:
        """Run every job whose message is here or comes here meanwhile; returns how many messages there were."""
        runtime.relay.kick()
        handled = 0
        while self.messages:
            _, job_id = self.messages.popleft()
            run_job(runtime, job_id, handlers)
            handled += 1
        return handled
