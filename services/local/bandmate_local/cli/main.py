"""The `bandmate` command: its subcommands, and the reporting of errors."""

import sys
import traceback
from typing import Annotated

import typer
from bandmate_shared import __version__
from bandmate_shared.errors import BandmateError, InvalidRequest
from bandmate_shared.faults import in_words
from pydantic import ValidationError

from bandmate_local.cli.lazy_commands import LazyCommands
from bandmate_local.cli.output import console, print_error
from bandmate_local.settings import local_settings


def _print_version(value: bool) -> None:
    if value:
        console.print(f"bandmate {__version__}")
        raise typer.Exit


app = typer.Typer(
    name="bandmate",
    cls=LazyCommands,
    help="Composes songs with models trained on your MIDI: ingest, train, song, sing.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, in whatever command follows.")] = False,
) -> None:
    """Options of the command itself."""


def main() -> None:
    """Run a command. Exit status: 0 done, 1 it failed for the reason printed, 2 wrong usage, 130 interrupted."""
    as_json = "--json" in sys.argv
    try:
        app()
    except BandmateError as error:
        print_error(error, as_json)
    except ValidationError as error:
        print_error(InvalidRequest(in_words(error)), as_json)
    except Exception as error:  # Unexpected: a line for the user, the traceback in a log.
        print_error(BandmateError(f"{type(error).__name__}: {error}; {_log_traceback()}"), as_json)
    sys.exit(1)


def _log_traceback() -> str:
    try:
        log = local_settings().home / "logs" / "cli.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a") as file:
            traceback.print_exc(file=file)
    except (OSError, ValidationError):
        return "no log could be written"
    return f"the details are in {log}"
