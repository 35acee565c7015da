"""`bandmate jobs`: what was asked for and what became of it. Reads the job store itself, so no platform need run."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from bandmate_shared.contracts.jobs import JobKind, JobState
from bandmate_shared.errors import InvalidRequest

from bandmate_local.cli.output import console, print_json
from bandmate_local.settings import local_settings

if TYPE_CHECKING:
    from bandmate_shared.jobs.model import Job
    from bandmate_shared.runtime import Runtime

app = typer.Typer(help="List, show, cancel, redrive and recover jobs.", invoke_without_command=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_TENANT = "local"


@app.callback()
def default(context: typer.Context, as_json: AsJson = False) -> None:
    """List, show, cancel, redrive and recover jobs. Without a subcommand: list."""
    if context.invoked_subcommand is None:
        list_jobs(as_json=as_json)


@app.command("list")
def list_jobs(
    kind: Annotated[str | None, typer.Option(help="song, vocal, dataset or training.")] = None,
    state: Annotated[str | None, typer.Option(help="queued, running, succeeded, failed or cancelled.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most this many, newest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """The newest jobs."""
    with _runtime() as runtime:
        jobs, _ = runtime.store.list_jobs(
            _TENANT, cast(JobKind | None, kind), None if state is None else _state(state), limit=limit
        )
    if as_json:
        print_json([_plain(job) for job in jobs])
        return
    console.print(f"{'id':<36} {'state':<10} {'stage':<9} {'attempt':>7} {'created':<19} {'seconds':>7}")
    for job in jobs:
        created = f"{job.created_at.astimezone():%Y-%m-%d %H:%M:%S}"
        console.print(
            f"{job.id:<36} {job.state:<10} {job.stage or '':<9} {job.attempt:>7} {created:<19} {_seconds(job):>7}",
            markup=False,
        )


@app.command("show")
def show(job_id: str, as_json: AsJson = False) -> None:
    """One job with its history."""
    with _runtime() as runtime:
        job = runtime.store.get(job_id, _TENANT)
        events = list(runtime.store.events(job_id, limit=10_000))
    if as_json:
        print_json({**_plain(job), "events": [event.model_dump(mode="json") for event in events]})
        return
    console.print(f"{job.id}: {job.state.value}, attempt {job.attempt}", markup=False)
    if job.error is not None:
        console.print(f"  {job.error.type}: {job.error.detail}", style="red", markup=False)
    for event in events:
        console.print(f"  {event.time.astimezone():%H:%M:%S.%f} {event.type:<24} {event.data or ''}", markup=False)
    for artifact in job.artifacts:
        console.print(f"  {artifact.name:<28} {artifact.size:>12} bytes", markup=False)


@app.command("cancel")
def cancel(job_id: str, as_json: AsJson = False) -> None:
    """Cancel a job; a running one stops at its next step."""
    with _runtime() as runtime:
        job = runtime.store.cancel(job_id, _TENANT) or runtime.store.get(job_id, _TENANT)
    _say(job, as_json)


@app.command("dead-letters")
def dead_letters(
    queue: Annotated[str | None, typer.Option(help="One queue's only, for instance bandmate-generate.")] = None,
    as_json: AsJson = False,
) -> None:
    """What was given up, and why."""
    with _runtime() as runtime:
        letters = runtime.store.dead_letters(queue)
    if as_json:
        print_json([{name: getattr(letter, name) for name in letter.__dataclass_fields__} for letter in letters])
        return
    for letter in letters:
        console.print(f"{letter.id}  {letter.queue}-dlq  {letter.job_id or '(no job)'}", markup=False)
        console.print(f"  {letter.reason}", markup=False)
    if not letters:
        console.print("no dead letters")


@app.command("redrive")
def redrive(
    identifier: Annotated[str, typer.Argument(help="A dead letter's id, or its job's.")], as_json: AsJson = False
) -> None:
    """Try a dead letter again, with its attempts counted from one."""
    with _runtime() as runtime:
        job = runtime.store.redrive(identifier)
    _say(job, as_json)


@app.command("recover")
def recover_jobs(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing, say what would be recovered.")] = False,
    as_json: AsJson = False,
) -> None:
    """After the database was lost: bring back every finished job from the files in the store."""
    from bandmate_shared.jobs.recover import as_json as plain
    from bandmate_shared.jobs.recover import recover, report_of

    with _runtime() as runtime:
        outcome = recover(runtime.store.database, runtime.storage, dry_run=dry_run)
    if as_json:
        print_json(plain(outcome))
    else:
        console.print(report_of(outcome, dry_run=dry_run), markup=False, highlight=False)
    if outcome.files_missing or outcome.unreadable:
        raise typer.Exit(1)


@app.command("prune")
def prune_events(
    older_than: Annotated[str, typer.Option("--older-than", help="Days since the job ended, such as 90d.")],
    as_json: AsJson = False,
) -> None:
    """Drop the progress events of jobs that ended long ago. Jobs, results and files stay."""
    from bandmate_shared.jobs.prune import days, prune

    with _runtime() as runtime:
        deleted = prune(runtime.store.database, days(older_than))
    if as_json:
        print_json({"events_deleted": deleted})
    else:
        console.print(f"{deleted} events deleted")


@contextmanager
def _runtime() -> "Iterator[Runtime]":
    from bandmate_shared.runtime import open_runtime  # SQLAlchemy takes a quarter of a second; only these commands pay.

    runtime = open_runtime(local_settings())
    try:
        yield runtime
    finally:
        runtime.close()


def _state(text: str) -> JobState:
    try:
        return JobState(text)
    except ValueError as error:
        raise InvalidRequest(f"there is no state {text!r}; one of {', '.join(JobState)}") from error


def _say(job: "Job", as_json: bool) -> None:
    if as_json:
        print_json(_plain(job))
    else:
        asked = ", cancellation asked for" if job.cancel_requested and not job.state.is_final else ""
        console.print(f"{job.id}: {job.state.value}{asked}", markup=False)


def _plain(job: "Job") -> dict[str, Any]:
    """The job as JSON, less what only the workers need."""
    hidden = ("saved", "fence", "tenant", "lease_until")
    plain: dict[str, Any] = {name: getattr(job, name) for name in job.__dataclass_fields__ if name not in hidden}
    for name, value in plain.items():
        if isinstance(value, datetime):
            plain[name] = value.isoformat()
    plain["error"] = None if job.error is None else job.error.model_dump(mode="json")
    plain["artifacts"] = [artifact.model_dump(mode="json") for artifact in job.artifacts]
    return plain


def _seconds(job: "Job") -> str:
    if job.started_at is None or job.finished_at is None:
        return ""
    return f"{(job.finished_at - job.started_at).total_seconds():.1f}"
