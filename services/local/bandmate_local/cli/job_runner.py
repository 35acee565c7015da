"""Runs a command's job: opens a platform, submits the job, follows it to its end, handles Ctrl-C."""

import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

import typer
from bandmate_shared.contracts.jobs import JobState, JobView, ServiceName

from bandmate_local.cli.output import JobFailed, err_console
from bandmate_local.cli.progress import StageDisplay
from bandmate_local.client import RemoteProblem, Session
from bandmate_local.settings import local_settings

INTERRUPTED_STATUS = 130


@contextmanager
def platform_session(*services: ServiceName) -> Iterator[Session]:
    """The running platform, or one started with these workers on free ports and stopped at the end."""
    signal.signal(signal.SIGTERM, _raise_keyboard_interrupt)
    settings = local_settings().model_copy(update={"port": 0, "redis_port": 0})
    try:
        with Session(settings, services) as session:
            yield session
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED_STATUS) from None


def run_job(session: Session, noun: str, request: Mapping[str, Any], display: StageDisplay) -> JobView:
    """Submit a job and follow it to its end.

    Raises:
        RemoteProblem: the API refused the request.
        JobFailed: the job failed; or was cancelled by someone else.
    """
    job = session.submit(noun, request)
    try:
        with display:
            job = session.follow(noun, job.id, display.show)
    except KeyboardInterrupt:
        _handle_interrupt(session, noun, job.id)
    if job.state is not JobState.SUCCEEDED:
        raise _failure(job)
    return job


def _failure(job: JobView) -> BaseException:
    if job.error is not None:
        return JobFailed(job.id, job.error)
    err_console.print(f"{job.id} was cancelled")
    return typer.Exit(1)


def _handle_interrupt(session: Session, noun: str, job_id: str) -> NoReturn:
    """Ctrl-C: keep the job, unless the user wants it cancelled. Exits."""
    cancel = False
    if sys.stdin.isatty():
        try:
            cancel = typer.confirm(f"\nStopping. Cancel {job_id} as well?", default=False, err=True)
        except (KeyboardInterrupt, typer.Abort):
            cancel = False
    if cancel:
        try:
            session.api.call("POST", f"/v1/{noun}/{job_id}/cancel")
            err_console.print(f"{job_id} is cancelled")
        except RemoteProblem as problem:
            err_console.print(problem.detail, markup=False)
    else:
        err_console.print(f"\n{job_id} is kept: it goes on when a platform runs (`bandmate up`); see `bandmate jobs`")
    raise typer.Exit(INTERRUPTED_STATUS)


def _raise_keyboard_interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
