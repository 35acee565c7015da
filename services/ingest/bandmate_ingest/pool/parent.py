"""Cleans batches of files in several child processes, so that a file that crashes its reader harms no other file.

Each child gets batches through a pipe (`pool.child`). When one dies or hangs over a batch, the batch is halved until
the file at fault is alone; that file is reported as unreadable. The children are started afresh rather than forked, so
this works inside a Celery worker, whose daemonic processes may not use `multiprocessing`.
"""

import json
import os
import queue
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Self

from bandmate_music.child_process.frames import FrameTooLong
from bandmate_music.child_process.process import ChildDied, ChildProcess
from bandmate_music.limits import Limits
from bandmate_shared.errors import Unavailable

from bandmate_ingest.cleaning.batch import CleanedBatch, RawFile, join_batches, unreadable_batch
from bandmate_ingest.cleaning.rules import CleaningRules
from bandmate_ingest.pool.batch_bytes import pack_files, unpack_batch

_START_SECONDS = 60.0
_SECONDS_PER_FILE = 0.5
"""Time that a batch may take for each of its files, on top of the time allowed for one bad file."""


class CleaningPool:
    """A number of cleaning processes, started when first needed. Use it in a `with` statement."""

    def __init__(
        self, limits: Limits, rules: CleaningRules, *, processes: int, file_seconds: float, memory_bytes: int
    ) -> None:
        """`file_seconds` is how long one file may take before its process is killed, `memory_bytes` what it may use."""
        self._configuration = json.dumps(
            {"limits": asdict(limits), "rules": asdict(rules), "memory_bytes": memory_bytes}
        ).encode()
        self._file_seconds = file_seconds
        self._count = processes or os.cpu_count() or 1
        self._idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
        self._all: list[_Worker] = []
        self._lock = threading.Lock()
        self._closed = False
        self._threads = ThreadPoolExecutor(self._count, thread_name_prefix="cleaning")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        """End the processes, in the middle of a batch if need be."""
        with self._lock:
            self._closed = True
            for worker in self._all:
                worker.child.kill()
        self._threads.shutdown(cancel_futures=True)
        for worker in self._all:
            worker.child.close()

    def clean(self, batches: Iterable[Sequence[RawFile]]) -> Iterator[CleanedBatch]:
        """The cleaned batches in the order given. Only as many are read ahead as keep the processes busy.

        Raises:
            Unavailable: no process could be started.
        """
        under_way: deque[Future[CleanedBatch]] = deque()
        for batch in batches:
            under_way.append(self._threads.submit(self._clean_one, batch))
            if len(under_way) > self._count:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()

    def _clean_one(self, items: Sequence[RawFile]) -> CleanedBatch:
        worker = self._take()
        worker.batches += 1
        try:
            seconds = self._file_seconds + _SECONDS_PER_FILE * len(items)
            answer = worker.child.ask(b"F", pack_files(items), seconds)[1]
        except TimeoutError:
            failure = "took too long (BANDMATE_PARSE_SECONDS)"
        except FrameTooLong:
            failure = "gave more than any batch does"
        except ChildDied as death:
            failure = f"crashed its reader (status {death.status})"
        else:
            self._idle.put(worker)
            return unpack_batch(answer)
        with self._lock:
            self._all.remove(worker)
        worker.child.close()
        if self._closed:
            raise Unavailable("the cleaning was broken off")
        if len(items) == 1 and worker.batches > 1:
            # An earlier file or a kill from outside may be the cause: try once more in a fresh process.
            return self._clean_one(items)
        if len(items) == 1:
            return unreadable_batch(items[0], f"reading it {failure}")
        middle = len(items) // 2
        return join_batches([self._clean_one(items[:middle]), self._clean_one(items[middle:])])

    def _take(self) -> "_Worker":
        """An idle process, or a new one. Raises Unavailable where none starts."""
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            worker = _Worker(ChildProcess("bandmate_ingest.pool.child"))
        try:
            worker.child.ask(b"C", self._configuration, _START_SECONDS)
        except (ChildDied, TimeoutError, FrameTooLong):
            worker.child.close()
            raise Unavailable("a process that cleans files did not start") from None
        with self._lock:
            self._all.append(worker)
            if self._closed:
                worker.child.kill()
        return worker


@dataclass(slots=True, eq=False)
class _Worker:
    """A cleaning process, and how many batches it was asked to clean."""

    child: ChildProcess
    batches: int = 0
