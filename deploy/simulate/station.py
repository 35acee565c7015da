"""One service: a queue, its tasks, and who may be started or stopped."""

import random
from collections import deque
from dataclasses import dataclass, field

from deploy.simulate.assumptions import Behaviour
from deploy.simulate.policy import Policy


@dataclass(slots=True)
class Visit:
    """A song at a service: which song, its stop's number, when it came, how long it takes."""

    song: int
    stop: int
    came: float
    seconds: float


@dataclass(slots=True, eq=False)
class Task:
    """Compared by identity: two tasks that were ordered together are different tasks."""

    ordered: float
    busy: bool = False
    stopped: bool = False


@dataclass
class Station:
    """`desired` tasks are wanted; `running` are ready, `idle` of them have nothing to do. One job a task at a time."""

    policy: Policy
    behaviour: Behaviour
    chance: random.Random
    waiting: deque[Visit] = field(default_factory=deque)
    idle: list[Task] = field(default_factory=list)
    starting: list[Task] = field(default_factory=list)
    working: int = 0
    desired: int = 0
    task_seconds: float = 0.0
    spare_seconds: float = 0.0
    busy_seconds: float = 0.0
    spare: list[float] = field(default_factory=list)
    """Times at which the idle instances lost their tasks."""

    @property
    def running(self) -> int:
        return len(self.idle) + self.working

    @property
    def backlog(self) -> int:
        """Messages waiting and at work, as SQS counts them."""
        return len(self.waiting) + self.working

    @property
    def paid_seconds(self) -> float:
        """Billed units: tasks from their order on, and instances that wait for another task."""
        return self.task_seconds + self.spare_seconds

    def order(self, tasks: int, now: float) -> list[tuple[float, Task]]:
        """Want so many tasks. Returns those that have to be started, with when they are ready.

        Fewer: starting and idle ones go at once; working ones are protected and go when they have finished.
        """
        self.desired = min(max(tasks, self.policy.fewest), self.policy.most)
        ready = []
        for _ in range(self.desired - self.running - len(self.starting)):
            task = Task(now)
            self.starting.append(task)
            ready.append((now + self._start_seconds(now), task))
        while self.running + len(self.starting) > self.desired and (self.starting or self.idle):
            self.stop((self.starting or self.idle).pop(), now)
        return ready

    def stop(self, task: Task, now: float) -> None:
        task.stopped = True
        self.task_seconds += now - task.ordered
        if self.policy.gpu:
            self.spare.append(now)

    def end(self, now: float, tasks: list[Task]) -> None:
        """Account for what still runs when the simulation ends."""
        for task in tasks:
            if not task.stopped:
                self.stop(task, now)
        tail = self.behaviour.instance_tail
        self.spare_seconds += sum(min(tail, now - left) for left in self.spare)

    def _start_seconds(self, now: float) -> float:
        if not self.policy.gpu:
            return self.chance.uniform(*self.behaviour.fargate_start)
        tail = self.behaviour.instance_tail
        while self.spare:
            left = self.spare.pop()  # The instance that became idle last is the most likely to still exist.
            if now - left < tail:
                self.spare_seconds += now - left
                return self.chance.uniform(*self.behaviour.warm_instance_start)
            self.spare_seconds += tail
        return self.chance.uniform(*self.behaviour.instance_start)
