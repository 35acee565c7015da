"""A queue inside the process, for running jobs without a broker: in tests and small tools."""

from collections import deque
from collections.abc import Mapping

from bandmate_shared.jobs.execution.context import Handler
from bandmate_shared.jobs.execution.worker import JobEnvironment, run_job


class InProcessQueue:
    """A `Publisher` that keeps its messages until `run_all`."""

    def __init__(self) -> None:
        self.messages: deque[tuple[str, str]] = deque()

    def publish(self, queue: str, job_id: str) -> None:
        self.messages.append((queue, job_id))

    def close(self) -> None:
        self.messages.clear()

    def run_all(self, environment: JobEnvironment, handlers: Mapping[str, Handler]) -> int:
        """Run jobs until no message is left, children and resumed parents included; returns how many messages."""
        environment.relay.kick()
        handled = 0
        while self.messages:
            _, job_id = self.messages.popleft()
            run_job(environment, job_id, handlers)
            handled += 1
        return handled
