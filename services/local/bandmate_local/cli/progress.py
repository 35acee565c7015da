"""A job's progress as it happens: a live display in a terminal, plain lines elsewhere."""

from datetime import datetime

from bandmate_shared.contracts.jobs import JobEvent
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from bandmate_local.cli.live import LiveDisplay
from bandmate_local.cli.output import notes

_PLAIN_STEP = 0.25


class StageDisplay(LiveDisplay):
    """Shows each stage of a job with the time it took. `seconds` maps stage → seconds, by the job's own clock."""

    def __init__(self, quiet: bool = False) -> None:
        self.seconds: dict[str, float] = {}
        self._quiet = quiet
        self._stage: str | None = None
        self._since: datetime | None = None
        self._shown_fraction = 0.0
        self._task: TaskID | None = None
        if notes.is_terminal and not quiet:
            self._live = Progress(
                SpinnerColumn(finished_text="[green]✓[/]"),
                TextColumn("{task.description:<10}"),
                BarColumn(bar_width=24),
                TimeElapsedColumn(),
                TextColumn("[dim]{task.fields[message]}"),
                console=notes,
            )

    def show(self, event: JobEvent) -> None:
        """Take in one event of the job."""
        if event.type == "job.queued" and self._stage is None:
            self._begin("queued", event.time, "")
        elif event.type == "job.running" and self._stage == "queued":
            self._end(event.time)
        elif event.type == "stage":
            self._end(event.time)
            self._begin(str(event.data.get("stage")), event.time, str(event.data.get("message") or ""))
        elif event.type == "progress":
            self._advance(float(event.data.get("fraction") or 0.0), event.data)
        elif event.type.startswith("job.") and event.type.split(".")[1] in ("succeeded", "failed", "cancelled"):
            self._end(event.time)

    def _begin(self, stage: str, time: datetime, message: str) -> None:
        self._stage, self._since, self._shown_fraction = stage, time, 0.0
        if self._live is not None:
            self._task = self._live.add_task(stage, total=None, message=message)
        elif not self._quiet and message:
            notes.print(f"  {stage:<10} {message}", markup=False)

    def _advance(self, fraction: float, data: dict[str, object]) -> None:
        eta = data.get("eta_seconds")
        message = str(data.get("message") or "")
        left = f"about {eta:.0f} s left" if isinstance(eta, int | float) else ""
        text = ", ".join(filter(None, (message, left)))
        if self._live is not None and self._task is not None:
            self._live.update(self._task, total=1.0, completed=fraction, message=text)
        elif not self._quiet and fraction >= self._shown_fraction + _PLAIN_STEP:
            self._shown_fraction = fraction
            notes.print(f"  {self._stage:<10} {fraction:4.0%} {text}".rstrip(), markup=False)

    def _end(self, time: datetime) -> None:
        if self._stage is None or self._since is None:
            return
        spent = (time - self._since).total_seconds()
        self.seconds[self._stage] = self.seconds.get(self._stage, 0.0) + spent
        if self._live is not None and self._task is not None:
            self._live.update(self._task, total=1.0, completed=1.0)
            self._live.stop_task(self._task)
        elif not self._quiet:
            notes.print(f"  {self._stage:<10} done in {spent:.1f} s", markup=False)
        self._stage = self._since = self._task = None
