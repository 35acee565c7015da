"""Cleaning in several processes, where a file that crashes its reader costs itself and nothing else.

Each process gets batches through a pipe (`clean_worker`). When one dies or hangs over a batch, the batch is halved
until the file that did it is alone; that file is reported as unreadable. The processes are started afresh rather than
forked, so this works inside a Celery worker, whose daemonic processes may not use `multiprocessing`.
"""

import json
import os
import queue
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from types import TracebackType
from typing import Self

from bandmate_shared.errors import Unavailable
from bandmate_shared.isolated_process import start_isolated
from bandmate_shared.music.limits import Limits

from bandmate_ingest.clean import CleanedBatch, RawFile, join_batches, unreadable_batch
from bandmate_ingest.frames import pack_files, read_message, unpack_batch, write_message
from bandmate_ingest.rules import CleaningRules

_START_SECONDS = 60.0
_SECONDS_A_FILE = 0.5
"""What a batch may take for each of its files, beside what one bad file may."""
_START = """\
import sys
sys.path[:0] = sys.argv[1:]
from bandmate_ingest.clean_worker import main
main()
"""


class CleaningPool:
    """A number of cleaning processes, started when first needed. Use it in a `with` statement."""

    def __init__(
        self, limits: Limits, rules: CleaningRules, *, processes: int, file_seconds: float, memory_bytes: int
    ) -> None:
        """`file_seconds` is what one file may take before its process is ended, `memory_bytes` what it may use."""
        self._configuration = json.dumps(
            {"limits": asdict(limits), "rules": asdict(rules), "memory_bytes": memory_bytes}
        ).encode()
        self._file_seconds = file_seconds
        self._count = processes or os.cpu_count() or 1
        self._idle: queue.SimpleQueue[_Process] = queue.SimpleQueue()
        self._all: list[_Process] = []
        self._lock = threading.Lock()
        self._closed = False
        self._threads = ThreadPoolExecutor(self._count, thread_name_prefix="cleaning")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        """Ends the processes, in the middle of a batch if need be."""
        with self._lock:
            self._closed = True
            for process in self._all:
                process.end()
        self._threads.shutdown(cancel_futures=True)

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
        process = self._take()
        process.batches += 1
        answer = process.ask(pack_files(items), self._file_seconds + _SECONDS_A_FILE * len(items))
        if answer is not None:
            self._idle.put(process)
            return unpack_batch(answer)
        ending = process.end()
        with self._lock:
            self._all.remove(process)
            if self._closed:
                raise Unavailable("the cleaning was broken off")
        if len(items) == 1 and process.batches > 1:
            # The files before this one, or someone with a kill, may have done it: once more, in a fresh process.
            return self._clean_one(items)
        if len(items) == 1:
            return unreadable_batch(items[0], f"reading it {ending}")
        middle = len(items) // 2
        return join_batches([self._clean_one(items[:middle]), self._clean_one(items[middle:])])

    def _take(self) -> "_Process":
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            process = _Process(self._configuration)
        with self._lock:
            self._all.append(process)
        return process


class _Process:
    """One cleaning process and the pipes to it."""

    def __init__(self, configuration: bytes) -> None:
        self._child = start_isolated(_START)
        self._late = False
        self.batches = 0
        """Batches it was asked to clean."""
        if self.ask(configuration, _START_SECONDS) is None:
            self.end()
            raise Unavailable("a process that cleans files did not start")

    def ask(self, message: bytes, seconds: float) -> bytes | None:
        """The answer to a message; None when the process died over it or took longer than it may."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        alarm = threading.Timer(seconds, self._too_late)
        alarm.start()
        try:
            write_message(self._child.stdin, message)
            return read_message(self._child.stdout)
        except (BrokenPipeError, ValueError):
            return None
        finally:
            alarm.cancel()

    def end(self) -> str:
        """Ends the process, and says how it ended as the predicate of a sentence."""
        self._child.kill()
        status = self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            try:
                if pipe is not None:
                    pipe.close()
            except BrokenPipeError:
                pass
        return "took too long (BANDMATE_PARSE_SECONDS)" if self._late else f"crashed its reader (status {status})"

    def _too_late(self) -> None:
        self._late = True
        self._child.kill()
