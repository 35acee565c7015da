"""Many tasks on one engine: they join, leave and fail without affecting each other."""

import threading
from collections.abc import Generator, Sequence
from queue import Queue

import numpy as np
import pytest
from bandmate_model.engine.base import Feed
from bandmate_model.engine.batcher import Batcher
from numpy.typing import NDArray

Row = NDArray[np.float32]


class Sums:
    """An engine whose logits are the sum and the number of a slot's tokens; it records every batch."""

    vocabulary, window = 100, 64

    def __init__(self, slots: int = 4) -> None:
        self.slots = slots
        self.held: dict[int, list[int]] = {}
        self.batches: list[int] = []
        self.failing: Exception | None = None

    def open(self) -> int:
        slot = min(set(range(self.slots)) - self.held.keys())
        self.held[slot] = []
        return slot

    def close(self, slot: int) -> None:
        del self.held[slot]

    def feed(self, feeds: Sequence[tuple[int, Feed]]) -> Row:
        self.batches.append(len(feeds))
        if self.failing is not None:
            raise self.failing
        for slot, feed in feeds:
            self.held[slot] = self.held[slot][: feed.keep] + feed.tokens
        rows = [[sum(self.held[slot]), len(self.held[slot])] for slot, _ in feeds]
        return np.array(rows, dtype=np.float32)


def count(steps: int, token: int = 1) -> Generator[Feed, Row, float]:
    """Feeds a token again and again; gives the last sum it received."""
    logits = np.zeros(2, np.float32)
    for _ in range(steps):
        logits = yield Feed([token])
    return float(logits[0])


def test_results_come_in_order_of_the_tasks_and_slots_are_free_again() -> None:
    engine = Sums()
    assert Batcher(engine).run([count(9, 2), count(1, 3), count(4, 5)]) == [18, 3, 20]
    assert engine.held == {}
    assert engine.batches == [3, 2, 2, 2, 1, 1, 1, 1, 1]


def test_no_tasks_no_thread() -> None:
    batcher = Batcher(Sums())
    assert batcher.run([]) == []
    assert [thread for thread in threading.enumerate() if thread.name == "bandmate-batcher"] == []


def test_more_tasks_than_slots_take_their_turn() -> None:
    engine = Sums(slots=2)
    assert Batcher(engine).run([count(length) for length in (5, 3, 0, 4, 1)]) == [5, 3, 0, 4, 1]
    assert max(engine.batches) == 2
    assert engine.held == {}


def test_keep_makes_the_engine_forget_later_tokens() -> None:
    def task() -> Generator[Feed, Row, list[float]]:
        first = yield Feed([1, 2, 3])
        again = yield Feed([5], keep=1)
        anew = yield Feed([7], keep=0)
        return [float(row[0]) for row in (first, again, anew)]

    assert Batcher(Sums()).run([task()]) == [[6, 6, 7]]


def test_a_later_short_run_finishes_first_and_the_thread_ends() -> None:
    batcher, order = Batcher(Sums()), Queue[str]()
    halfway = threading.Event()
    go_on = threading.Event()

    def long() -> Generator[Feed, Row, float]:
        yield from count(10)
        halfway.set()
        while not go_on.is_set():  # Goes on stepping, so the short one has to run beside it.
            yield Feed([1], keep=0)
        return (yield Feed([1], keep=0))[0]

    def caller() -> None:
        batcher.run([long()])
        order.put("long")

    thread = threading.Thread(target=caller)
    thread.start()
    assert halfway.wait(20)
    assert batcher.run([count(6)]) == [6]
    order.put("short")
    go_on.set()
    thread.join(20)
    assert [order.get_nowait(), order.get_nowait()] == ["short", "long"]
    for batcher_thread in threading.enumerate():
        if batcher_thread.name == "bandmate-batcher":
            batcher_thread.join(20)
            assert not batcher_thread.is_alive()


def test_a_large_run_leaves_room_for_a_small_one() -> None:
    """A run with many takes must not block a later run until all its takes are done."""
    engine = Sums(slots=4)
    batcher, taken = Batcher(engine), list[int]()
    started, come = threading.Event(), threading.Event()

    def take(number: int) -> Generator[Feed, Row, None]:
        for _ in range(5):
            yield Feed([1])
            started.set()
            while not come.is_set():
                yield Feed([1], keep=0)
        taken.append(number)

    thread = threading.Thread(target=lambda: batcher.run([take(number) for number in range(40)]))
    thread.start()
    assert started.wait(20)

    def small() -> Generator[Feed, Row, int]:
        yield Feed([1])
        return len(taken)

    waiting = threading.Thread(target=lambda: results.extend(batcher.run([small()])))
    results: list[int] = []
    waiting.start()
    while len(batcher._runs) < 2:
        pass
    come.set()
    waiting.join(20)
    thread.join(20)
    assert results[0] <= 8, "it got one of the first slots that fell free"
    assert len(taken) == 40


def test_an_error_of_a_task_fails_its_own_run_alone() -> None:
    engine = Sums()
    batcher = Batcher(engine)
    closed = []
    wait = threading.Event()

    def bad() -> Generator[Feed, Row, float]:
        yield Feed([1])
        raise KeyError("bad")

    def beside() -> Generator[Feed, Row, float]:
        try:
            while True:
                yield Feed([1], keep=0)
        finally:
            closed.append(True)

    def other() -> Generator[Feed, Row, float]:
        yield Feed([1])
        wait.set()
        yield from count(30)
        return 1.0

    results: list[float] = []
    thread = threading.Thread(target=lambda: results.extend(batcher.run([other()])))
    thread.start()
    assert wait.wait(20)
    with pytest.raises(KeyError, match="bad"):
        batcher.run([bad(), beside()])
    thread.join(20)
    assert results == [1.0]
    assert closed == [True]
    assert engine.held == {}


@pytest.mark.parametrize(
    "feed", [Feed([]), Feed([100]), Feed([-1]), Feed([1] * 65), Feed([1], keep=1), Feed([1], keep=-1)]
)
def test_a_wrong_feed_is_refused_before_it_reaches_the_engine(feed: Feed) -> None:
    engine = Sums()

    def task() -> Generator[Feed, Row, None]:
        yield feed

    with pytest.raises(ValueError, match=r"feed|kept"):
        Batcher(engine).run([task()])
    assert engine.batches == []
    assert engine.held == {}


def test_check_can_stop_a_run_that_waits_for_a_slot() -> None:
    engine = Sums(slots=1)
    batcher = Batcher(engine)
    called = []

    def check() -> None:
        called.append(len(engine.batches))
        if len(called) == 3:
            raise TimeoutError("too long")

    def endless() -> Generator[Feed, Row, None]:
        while True:
            yield Feed([1], keep=0)

    with pytest.raises(TimeoutError):
        batcher.run([endless(), endless()], check)
    assert called == [0, 16, 32]
    assert engine.held == {}
    assert batcher.run([count(2)]) == [2], "the batcher works as before"


def test_running_tasks_fail_when_the_engine_is_out_of_memory_and_later_ones_work() -> None:
    engine = Sums()
    batcher = Batcher(engine)
    engine.failing = MemoryError("no more")
    with pytest.raises(MemoryError):
        batcher.run([count(2), count(3)])
    engine.failing = None
    assert batcher.run([count(2)]) == [2]


def test_many_threads_at_once() -> None:
    batcher = Batcher(Sums(slots=3))
    results: dict[int, list[float]] = {}

    def caller(number: int) -> None:
        results[number] = batcher.run([count(number % 7, 2), count(number % 3 + 1)])

    threads = [threading.Thread(target=caller, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert results == {number: [2.0 * (number % 7), number % 3 + 1] for number in range(24)}
