"""How far a benchmark has come, on standard error: a bar in a terminal, a line now and then elsewhere."""

import time
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from bandmate_local.cli.output import notes

_PLAIN_SECONDS = 10.0


class Counting:
    """`show(what, done, total)` as often as you like; each new `what` gets a line."""

    def __init__(self) -> None:
        self._tasks: dict[str, TaskID] = {}
        self._shown = 0.0
        self._live: Progress | None = None
        if notes.is_terminal:
            self._live = Progress(
                SpinnerColumn(finished_text="[green]✓[/]"), TextColumn("{task.description:<28}"),
                BarColumn(bar_width=24), MofNCompleteColumn(), TimeElapsedColumn(), console=notes,
            )  # fmt: skip

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, what: str, done: int, total: int) -> None:
        if self._live is not None:
            if what not in self._tasks:
                self._tasks[what] = self._live.add_task(what, total=total)
            self._live.update(self._tasks[what], completed=done, total=total)
        elif done >= total or time.monotonic() - self._shown > _PLAIN_SECONDS:
            self._shown = time.monotonic()
            notes.print(f"  {what} {done}/{total}", markup=False)
