"""How far a benchmark has come, on standard error: a bar in a terminal, a line now and then elsewhere."""

import time

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from bandmate_local.cli.live import LiveDisplay
from bandmate_local.cli.output import notes

_PLAIN_SECONDS = 10.0


class Counting(LiveDisplay):
    """`show(what, done, total)` as often as you like; each new `what` gets a line."""

    def __init__(self) -> None:
        self._tasks: dict[str, TaskID] = {}
        self._shown = 0.0
        if notes.is_terminal:
            self._live = Progress(
                SpinnerColumn(finished_text="[green]✓[/]"), TextColumn("{task.description:<28}"),
                BarColumn(bar_width=24), MofNCompleteColumn(), TimeElapsedColumn(), console=notes,
            )  # fmt: skip

    def show(self, what: str, done: int, total: int) -> None:
        if self._live is not None:
            if what not in self._tasks:
                self._tasks[what] = self._live.add_task(what, total=total)
            self._live.update(self._tasks[what], completed=done, total=total)
        elif done >= total or time.monotonic() - self._shown > _PLAIN_SECONDS:
            self._shown = time.monotonic()
            notes.print(f"  {what} {done}/{total}", markup=False)
