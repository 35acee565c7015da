"""The `bandmate` command: its subcommands, and how an error reaches the person who typed it."""

import sys
import traceback

import typer
from bandmate_shared.errors import BandmateError, InvalidRequest
from bandmate_shared.faults import in_words
from pydantic import ValidationError

from bandmate_local.cli import ingest, jobs, models, sing, song, train, up
from bandmate_local.cli.benchmark import app as benchmark
from bandmate_local.cli.output import complain
from bandmate_local.settings import local_settings

app = typer.Typer(
    name="bandmate",
    help="A folder of MIDI becomes a band that writes songs on request: ingest, train, song, sing.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("up")(up.up)
app.command("song")(song.song)
app.command("sing")(sing.sing)
app.command("ingest")(ingest.ingest)
app.command("train")(train.train)
app.add_typer(models.app, name="models")
app.add_typer(jobs.app, name="jobs")
app.add_typer(benchmark.app, name="benchmark")


def main() -> None:
    """Run a command. Exit status: 0 done, 1 it failed for the reason printed, 2 wrong usage, 130 interrupted."""
    as_json = "--json" in sys.argv
    try:
        app()
    except BandmateError as error:
        complain(error, as_json)
    except ValidationError as error:
        complain(InvalidRequest(in_words(error)), as_json)
    except Exception as error:  # The last resort: a person gets a line, and the log what a developer needs.
        complain(BandmateError(f"{type(error).__name__}: {error}; {_keep_trace()}"), as_json)
    sys.exit(1)


def _keep_trace() -> str:
    try:
        log = local_settings().home / "logs" / "cli.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a") as file:
            traceback.print_exc(file=file)
    except (OSError, ValidationError):
        return "no log could be written"
    return f"the details are in {log}"
