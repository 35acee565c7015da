"""Printing of the command line: results on standard output, everything else on standard error."""

import json
from typing import Any

import typer
from bandmate_shared.contracts.jobs import JobError
from bandmate_shared.errors import BandmateError
from rich.console import Console
from rich.markup import escape

console = Console(highlight=False, soft_wrap=True)
err_console = Console(stderr=True, highlight=False, soft_wrap=True)


def json_anywhere(context: typer.Context, value: bool) -> bool:
    """Callback of the option --json: it counts before a subcommand as well as after it."""
    parent = context.parent
    while parent is not None and not value:
        value = bool(parent.params.get("as_json"))
        parent = parent.parent
    return value


class JobFailed(BandmateError):
    """The job ended without a result; has the type and title of the job's own error."""

    def __init__(self, job_id: str, error: JobError) -> None:
        super().__init__(error.detail)
        self.type = error.type
        self.title = error.title
        self.job_id = job_id


def print_error(error: BandmateError, as_json: bool) -> None:
    """One red line for a person; for a program also the problem as JSON on standard output."""
    err_console.print(f"[bold red]Error:[/] [red]{escape(error.detail)}[/] [dim]({error.type})[/]")
    if as_json:
        field = {"field": error.field} if error.field is not None else {}
        print_json({"error": {"type": error.type, "title": error.title, "detail": error.detail, **field}})


def print_json(value: Any) -> None:
    """A JSON document on standard output, untouched by terminal width or colour."""
    console.file.write(json.dumps(value, indent=1, ensure_ascii=False, default=str) + "\n")
    console.file.flush()


def megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"
