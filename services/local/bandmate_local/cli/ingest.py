"""`bandmate ingest`: clean music files into a dataset."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from bandmate_shared.contracts.datasets import DatasetReport, DatasetRequest
from bandmate_shared.errors import BandmateError, NotFound

from bandmate_local.cli.job_runner import platform_session, run_job
from bandmate_local.cli.output import console, json_anywhere, print_json
from bandmate_local.cli.progress import StageDisplay
from bandmate_local.settings import local_settings


class SplitChoice(StrEnum):
    """How pieces are assigned to splits; see `DatasetRequest.splits`."""

    FOLDERS = "folders"
    HASH = "hash"


class NothingAccepted(BandmateError):
    """Every file was rejected: there is no dataset."""

    type = "nothing-accepted"
    title = "No piece accepted"
    status = 422


def ingest(
    sources: Annotated[list[str], typer.Argument(help="Folders, zips, files, or music21:COMPOSER.")],
    name: Annotated[str, typer.Option(help="The dataset's name. Asking again with more sources adds to it.")],
    style: Annotated[str | None, typer.Option(help="Label of every piece; without it, the folder's name.")] = None,
    splits: Annotated[
        SplitChoice,
        typer.Option(help="folders: files in folders train, valid and test keep these splits; hash: a hash decides."),
    ] = SplitChoice.FOLDERS,
    strict: Annotated[bool, typer.Option(help="Reject damaged files instead of repairing them.")] = False,
    free: Annotated[
        bool, typer.Option(help="Take performances without a beat in free time instead of rejecting them.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", callback=json_anywhere, help="Print the report as JSON.")] = False,
) -> None:
    """Clean files into a dataset. Exit status 0 when at least one piece was accepted."""
    request = DatasetRequest(
        name=name,
        sources=[_absolute(source) for source in sources],
        style=style,
        splits=splits.value,
        strict=strict,
        free=free,
    )
    with platform_session("ingest") as session, StageDisplay(quiet=as_json) as display:
        job = run_job(session, "datasets", request.model_dump(mode="json", exclude_none=True), display)
        report = DatasetReport.model_validate(job.result)
        page = session.collect("datasets", job, local_settings().home / "reports" / name, ("report.html",))
    if as_json:
        print_json({**json.loads(report.model_dump_json()), "report_page": page.get("report.html")})
    else:
        _print(report)
        if "report.html" in page:
            console.print(f"  report: {page['report.html']}", markup=False)
    if report.files == 0:
        raise NothingAccepted(f"no MIDI or MusicXML file was found in {', '.join(sources)}")
    if report.accepted == 0:
        raise NothingAccepted(f"none of {report.files} files became a piece; the report names each one's reason")


def _absolute(source: str) -> str:
    """The worker has another working directory; a scheme (music21:, s3://) is left alone."""
    if ":" in source and not Path(source).exists():
        return source
    path = Path(source).expanduser().resolve()
    if not path.exists():
        raise NotFound(f"{source} does not exist")
    return str(path)


def _print(report: DatasetReport) -> None:
    mark = "[green]✓[/]" if report.accepted else "[red]✗[/]"
    console.print(
        f"{mark} {report.name}: {report.accepted} of {report.files} files became pieces "
        f"({report.files_processed} read in {report.seconds:.1f} s)"
    )
    for step, count in report.steps.items():
        if count:
            console.print(f"  {step:<20} {count}", markup=False)
    for file in report.notices[:10]:
        console.print(f"  {file.name}: {'; '.join(file.notices)}", markup=False)
    if len(report.notices) > 10:
        console.print(f"  … and {len(report.notices) - 10} more files read otherwise than written; --json lists all")
    for rejected in report.rejected[:10]:
        console.print(f"  rejected {rejected.name}: {rejected.detail} ({rejected.reason})", markup=False)
    if len(report.rejected) > 10:
        console.print(f"  … and {len(report.rejected) - 10} more; --json lists all")
