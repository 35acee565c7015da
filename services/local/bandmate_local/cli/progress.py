"""Shows a job's progress: a live display in a terminal, plain lines elsewhere."""

from datetime import datetime
from types import TracebackType
from typing import Self

from bandmate_shared.contracts.jobs import JobEvent
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from bandmate_local.cli.output import err_console

_PRINTED_STEP = 0.25
_PRINTED_SECONDS = 15.0
"""In plain lines, a stage says at least so often how far it is."""


class LiveDisplay:
    """A display that is redrawn in a terminal, as a context manager; `_live` is None elsewhere."""

    _live: Progress | None = None

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()


class StageDisplay(LiveDisplay):
    """Shows each stage of a job with its duration. `seconds` maps stage → seconds, by the times of the events."""

    def __init__(self, quiet: bool = False) -> None:
        self.seconds: dict[str, float] = {}
        self._quiet = quiet
        self._stage: str | None = None
        self._since: datetime | None = None
        self._shown_fraction = 0.0
        self._shown_at: datetime | None = None
        self._task: TaskID | None = None
        if err_console.is_terminal and not quiet:
            self._live = Progress(
                SpinnerColumn(finished_text="[green]✓[/]"),
                TextColumn("{task.description:<10}"),
                BarColumn(bar_width=24),
                TimeElapsedColumn(),
                TextColumn("[dim]{task.fields[message]}"),
                console=err_console,
            )

    def show(self, event: JobEvent) -> None:
        """Show one event of the job."""
        if event.type == "job.queued" and self._stage is None:
            self._begin("queued", event.time, "")
        elif event.type == "job.running" and self._stage == "queued":
            self._end(event.time)
        elif event.type == "stage":
            self._end(event.time)
            self._begin(str(event.data.get("stage")), event.time, str(event.data.get("message") or ""))
        elif event.type == "progress":
            self._advance(float(event.data.get("fraction") or 0.0), event.data, event.time)
        elif event.type.startswith("job.") and event.type.split(".")[1] in ("succeeded", "failed", "cancelled"):
            self._end(event.time)

    def _begin(self, stage: str, time: datetime, message: str) -> None:
        self._stage, self._since, self._shown_fraction, self._shown_at = stage, time, 0.0, None
        if self._live is not None:
            self._task = self._live.add_task(stage, total=None, message=message)
        elif not self._quiet and message:
            err_console.print(f"  {stage:<10} {message}", markup=False)

    def _is_due(self, fraction: float, text: str, time: datetime) -> bool:
        """Whether a line is printed: the first that says something, at every quarter, and every so many seconds."""
        if fraction >= self._shown_fraction + _PRINTED_STEP or (self._shown_at is None and text):
            return True
        return self._shown_at is not None and (time - self._shown_at).total_seconds() >= _PRINTED_SECONDS

    def _advance(self, fraction: float, data: dict[str, object], time: datetime) -> None:
        eta = data.get("eta_seconds")
        message = str(data.get("message") or "")
        left = f"about {eta:.0f} s left" if isinstance(eta, int | float) else ""
        text = ", ".join(filter(None, (message, left)))
        if self._live is not None and self._task is not None:
            self._live.update(self._task, total=1.0, completed=fraction, message=text)
        elif not self._quiet and self._is_due(fraction, text, time):
            self._shown_fraction, self._shown_at = fraction, time
            err_console.print(f"  {self._stage:<10} {fraction:4.0%} {text}".rstrip(), markup=False)

    def _end(self, time: datetime) -> None:
        if self._stage is None or self._since is None:
            return
        spent = (time - self._since).total_seconds()
        self.seconds[self._stage] = self.seconds.get(self._stage, 0.0) + spent
        if self._live is not None and self._task is not None:
            self._live.update(self._task, total=1.0, completed=1.0)
            self._live.stop_task(self._task)
        elif not self._quiet:
            err_console.print(f"  {self._stage:<10} done in {spent:.1f} s", markup=False)
        self._stage = self._since = self._task = None
