"""Progress of a benchmark on standard error: a bar in a terminal, occasional lines elsewhere."""

import time

from bandmate_local.cli.output import err_console
from bandmate_local.cli.progress import LiveDisplay
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

_PLAIN_SECONDS = 10.0


class ProgressBar(LiveDisplay):
    """`show(label, done, total)` may be called often; each new `label` gets a line."""

    def __init__(self) -> None:
        self._tasks: dict[str, TaskID] = {}
        self._shown = 0.0
        if err_console.is_terminal:
            self._live = Progress(
                SpinnerColumn(finished_text="[green]✓[/]"),
                TextColumn("{task.description:<28}"),
                BarColumn(bar_width=24),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                console=err_console,
            )

    def show(self, label: str, done: int, total: int) -> None:
        if self._live is not None:
            if label not in self._tasks:
                self._tasks[label] = self._live.add_task(label, total=total)
            self._live.update(self._tasks[label], completed=done, total=total)
        elif done >= total or time.monotonic() - self._shown > _PLAIN_SECONDS:
            self._shown = time.monotonic()
            err_console.print(f"  {label} {done}/{total}", markup=False)
