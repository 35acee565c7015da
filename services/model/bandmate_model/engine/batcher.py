"""Continuous batching: one thread steps the sequences of many songs through one engine.

A task is a generator: it yields a Feed, is sent the logits that follow, and returns its result. Tasks join and leave at
any step; as the logits of a slot do not depend on the others, neither does a task's result. The thread ends when there
is no work, so an idle batcher holds nothing but its engine.
"""

import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from bandmate_model.engine.base import Engine, Feed

T = TypeVar("T")
Task = Generator[Feed, NDArray[np.float32], T]

CHECK_STEPS = 16
"""Each run's check is called every N steps of the batch: about once a bar."""


@dataclass(eq=False, slots=True)
class _Run(Generic[T]):
    """The tasks of one call of `Batcher.run`."""

    tasks: Sequence[Task[T]]
    check: Callable[[], None] | None
    results: dict[int, T] = field(default_factory=dict)
    started: int = 0
    active: int = 0
    error: BaseException | None = None
    done: threading.Event = field(default_factory=threading.Event)

    @property
    def waiting(self) -> bool:
        """Whether it has tasks that have not started."""
        return self.error is None and self.started < len(self.tasks)

    @property
    def over(self) -> bool:
        """Whether no task of it is in the batch or still to start."""
        return self.active == 0 and not self.waiting


@dataclass(eq=False, slots=True)
class _Active:
    """A task in the batch."""

    run: _Run[Any]
    number: int
    slot: int
    feed: Feed
    length: int = 0
    """How many tokens its sequence holds."""

    @property
    def task(self) -> Task[Any]:
        return self.run.tasks[self.number]


class Batcher:
    """Runs tasks of many threads on one engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._lock = threading.Lock()
        self._runs: list[_Run[Any]] = []
        self._thread: threading.Thread | None = None

    def run(self, tasks: Sequence[Task[T]], check: Callable[[], None] | None = None) -> list[T]:
        """Run the tasks in the shared batch and return their results in order.

        `check` is called in the batcher's thread before the first step and about once a bar, also while the tasks
        wait for their turn; it gives the run up by raising.

        Raises:
            Whatever a task or `check` raises: then the other tasks of the run are closed. MemoryError, or what else
            the engine fails with, fails every run that is under way.
        """
        run = _Run(tasks, check)
        if not tasks:
            return []
        with self._lock:
            self._runs.append(run)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="bandmate-batcher", daemon=True)
                self._thread.start()
        run.done.wait()
        if run.error is not None:
            raise run.error
        return [run.results[number] for number in range(len(tasks))]

    def _work(self) -> None:
        """The thread: step the batch until no run is left."""
        active: list[_Active] = []
        checked: dict[_Run[Any], int] = {}
        step = 0
        while True:
            with self._lock:
                runs = list(self._runs)
                if not runs:
                    self._thread = None
                    return
            for run in runs:
                if step >= checked.get(run, step):
                    checked[run] = step + CHECK_STEPS
                    self._check(run)
            active = self._leave(active)
            self._join(runs, active)
            if active:
                self._step(active)
                active = self._leave(active)
            step += 1
            over = [run for run in runs if run.over]
            if over:
                with self._lock:
                    self._runs = [run for run in self._runs if not run.over]
                for run in over:
                    checked.pop(run, None)
                    for number in range(run.started, len(run.tasks)):
                        run.tasks[number].close()
                    run.done.set()

    @staticmethod
    def _check(run: _Run[Any]) -> None:
        if run.check is None or run.error is not None:
            return
        try:
            run.check()
        except BaseException as error:  # Raised again in the caller's thread by run().
            run.error = error

    def _join(self, runs: list[_Run[Any]], active: list[_Active]) -> None:
        """Start waiting tasks while there is room: of the run that has the fewest in the batch, or came first."""
        while len(active) < self.engine.slots:
            waiting = [run for run in runs if run.waiting]
            if not waiting:
                return
            run = min(waiting, key=lambda run: run.active)
            joined = _Active(run, run.started, self.engine.open(), Feed([]))
            run.started += 1
            run.active += 1
            active.append(joined)
            self._advance(joined, None)
            if joined.number in run.results or run.error is not None:
                active[:] = self._leave(active)

    def _step(self, active: list[_Active]) -> None:
        """Feed every task's tokens and send it its logits."""
        try:
            logits = self.engine.feed([(member.slot, member.feed) for member in active])
        except Exception as error:  # For example out of memory: no task can continue.
            for member in active:
                member.run.error = member.run.error or error
            return
        for member, row in zip(active, logits, strict=True):
            if member.run.error is None:
                self._advance(member, row)

    def _advance(self, member: _Active, logits: NDArray[np.float32] | None) -> None:
        """Advance the task to its next feed, its result or its error."""
        try:
            feed = next(member.task) if logits is None else member.task.send(logits)
            member.length = self._length(member, feed)
            member.feed = feed
        except StopIteration as stop:
            member.run.results[member.number] = stop.value
        except BaseException as error:  # Raised again in the caller's thread by run().
            member.run.error = member.run.error or error

    def _length(self, member: _Active, feed: Feed) -> int:
        """How many tokens its sequence will hold. Raises ValueError for an invalid feed, so that it fails only its own
        task and not the whole batch."""
        tokens, keep = feed
        start = member.length if keep is None else keep
        length = start + len(tokens)
        if not tokens or not 0 <= min(tokens) <= max(tokens) < self.engine.vocabulary:
            raise ValueError(f"a feed is one token or more, each of 0..{self.engine.vocabulary - 1}")
        if not 0 <= start <= member.length or length > self.engine.window:
            raise ValueError(
                f"{start} of {member.length} tokens kept and {len(tokens)} fed; the window holds {self.engine.window}"
            )
        return length

    def _leave(self, active: list[_Active]) -> list[_Active]:
        """The tasks that continue. Frees the slots of the others."""
        staying = []
        for member in active:
            if member.number not in member.run.results and member.run.error is None:
                staying.append(member)
                continue
            member.task.close()
            self.engine.close(member.slot)
            member.run.active -= 1
        return staying
