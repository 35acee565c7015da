"""`bandmate jobs`: list, show and manage jobs. Reads the job store directly, so no platform has to run."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from bandmate_shared.contracts.jobs import JobKind, JobState
from bandmate_shared.errors import InvalidRequest
from rich.markup import escape
from rich.table import Column, Table

from bandmate_local.cli.output import console, json_anywhere, print_json
from bandmate_local.settings import local_settings

if TYPE_CHECKING:
    from bandmate_shared.jobs.model import Job
    from bandmate_shared.runtime import Runtime

app = typer.Typer(help="List, show, cancel, redrive and recover jobs.", invoke_without_command=True)
AsJson = Annotated[bool, typer.Option("--json", callback=json_anywhere, help="Print JSON.")]
_TENANT = "local"
_SUBJECT_CHARACTERS = 48


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
        print_json([_as_json(job) for job in jobs])
        return
    table = Table("id", "what", "state", "stage", Column("attempt", justify="right"), "created", "seconds", box=None)
    for job in jobs:
        created = f"{job.created_at.astimezone():%Y-%m-%d %H:%M}"
        what = escape(shortened(subject(job)))
        table.add_row(job.id, what, job.state, job.stage or "", str(job.attempt), created, _seconds(job))
    console.print(table)


@app.command("show")
def show(job_id: str, as_json: AsJson = False) -> None:
    """One job with its history."""
    with _runtime() as runtime:
        job = runtime.store.get(job_id, _TENANT)
        events = list(runtime.store.events(job_id, limit=10_000))
    if as_json:
        print_json({**_as_json(job), "events": [event.model_dump(mode="json") for event in events]})
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
    _print_job(job, as_json)


@app.command("dead-letters")
def dead_letters(
    queue: Annotated[str | None, typer.Option(help="One queue's only, for instance bandmate-generate.")] = None,
    as_json: AsJson = False,
) -> None:
    """Failed messages and jobs, with their reasons."""
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


@app.command("webhooks")
def webhooks(
    given_up: Annotated[bool, typer.Option("--given-up", help="Only those that are not tried any more.")] = False,
    as_json: AsJson = False,
) -> None:
    """Reports of ended jobs that no receiver has confirmed yet, and why."""
    with _runtime() as runtime:
        unconfirmed = runtime.store.webhooks(given_up=True if given_up else None)
    if as_json:
        print_json([{name: getattr(each, name) for name in each.__dataclass_fields__} for each in unconfirmed])
        return
    for each in unconfirmed:
        outlook = "given up" if each.given_up_at else f"due at {each.due_at.astimezone():%H:%M:%S}"
        console.print(f"{each.id}  {each.job_id}  {each.type}  {outlook}  {each.url}", markup=False)
        if each.error:
            console.print(f"  attempt {each.attempt}: {each.error}", markup=False)
    if not unconfirmed:
        console.print("no webhooks are waiting")


@app.command("webhook-secret")
def webhook_secret() -> None:
    """The secret that signs this home's webhooks, for their receivers."""
    from bandmate_shared.webhooks.signature import secret_for  # start-up time: the settings

    console.print(secret_for(local_settings(), None), markup=False, highlight=False, soft_wrap=True)


@app.command("redrive")
def redrive(
    identifier: Annotated[str, typer.Argument(help="The id of a dead letter, of its job, or of a webhook.")],
    as_json: AsJson = False,
) -> None:
    """Try a dead letter or a webhook again, with its attempts counted from one."""
    with _runtime() as runtime:
        if identifier.startswith("msg_"):
            delivery = runtime.store.redrive_webhook(identifier)
            if as_json:
                print_json({name: getattr(delivery, name) for name in delivery.__dataclass_fields__})
            else:
                console.print(f"{delivery.id}: due now, to {delivery.url}", markup=False)
            return
        job = runtime.store.redrive(identifier)
    _print_job(job, as_json)


@app.command("recover")
def recover_jobs(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing, say what would be recovered.")] = False,
    as_json: AsJson = False,
) -> None:
    """Rebuild a lost database: restore every finished job from the manifests in the object store."""
    from bandmate_shared.jobs import recover  # start-up time: SQLAlchemy

    with _runtime() as runtime:
        outcome = recover.recover(runtime.store.database, runtime.storage, dry_run=dry_run)
    if as_json:
        print_json(recover.as_json(outcome))
    else:
        console.print(recover.report_of(outcome, dry_run=dry_run), markup=False, highlight=False)
    if outcome.files_missing or outcome.unreadable:
        raise typer.Exit(1)


@app.command("prune")
def prune_events(
    older_than: Annotated[str, typer.Option("--older-than", help="Days since the job ended, such as 90d.")],
    as_json: AsJson = False,
) -> None:
    """Delete old progress events, and webhooks given up long ago; jobs, results and files stay."""
    from bandmate_shared.jobs.prune import days, prune, prune_webhooks  # start-up time: SQLAlchemy

    with _runtime() as runtime:
        deleted = prune(runtime.store.database, days(older_than))
        webhooks_deleted = prune_webhooks(runtime.store.database, days(older_than))
    if as_json:
        print_json({"events_deleted": deleted, "webhooks_deleted": webhooks_deleted})
    else:
        console.print(f"{deleted} events and {webhooks_deleted} webhooks deleted")


@contextmanager
def _runtime() -> "Iterator[Runtime]":
    from bandmate_shared.runtime import open_runtime  # start-up time: SQLAlchemy

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


def _print_job(job: "Job", as_json: bool) -> None:
    if as_json:
        print_json(_as_json(job))
    else:
        cancelling = ", cancellation requested" if job.cancel_requested and not job.state.is_final else ""
        console.print(f"{job.id}: {job.state.value}{cancelling}", markup=False)


def _as_json(job: "Job") -> dict[str, Any]:
    """The job as JSON, without the fields that only workers use."""
    internal = ("saved", "fence", "tenant", "lease_until")
    fields: dict[str, Any] = {name: getattr(job, name) for name in job.__dataclass_fields__ if name not in internal}
    for name, value in fields.items():
        if isinstance(value, datetime):
            fields[name] = value.isoformat()
    fields["error"] = None if job.error is None else job.error.model_dump(mode="json")
    fields["artifacts"] = [artifact.model_dump(mode="json") for artifact in job.artifacts]
    return fields


def subject(job: "Job") -> str:
    """What a job is about, for a list: a song's title and style, a dataset's or a model's name."""
    result = job.result or {}
    request = job.request
    if job.kind in ("song", "take"):
        title = result.get("title") or request.get("text") or ""
        return ", ".join(filter(None, (title, result.get("style") or request.get("style"))))
    return str(result.get("model") or request.get("name") or request.get("dataset") or job.kind)


def shortened(text: str, characters: int = _SUBJECT_CHARACTERS) -> str:
    """The text on one line, cut where it is longer."""
    line = " ".join(text.split())
    return line if len(line) <= characters else line[: characters - 1] + "…"


def _seconds(job: "Job") -> str:
    if job.started_at is None or job.finished_at is None:
        return ""
    return f"{(job.finished_at - job.started_at).total_seconds():.1f}"
