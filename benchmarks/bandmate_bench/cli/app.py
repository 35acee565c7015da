"""The subcommands of `bandmate benchmark`, each imported when it is called: some need torch or other extras."""

import importlib
from typing import Any

import typer
from bandmate_shared.errors import Unavailable
from typer.core import TyperGroup

COMMANDS = {
    "song": "Write the same sung song several times and say how long each stage took.",
    "music": "The model's music beside music it has never seen.",
    "tokeniser": "Files tokenised per second, beside MidiTok on the same files.",
    "controls": "Random requests over all options: are they met?",
    "trust": "Fuzzed requests, exact replay, bars outside an infill, copied passages.",
    "speed": "Tokens per second on one core, beside Hugging Face's generate.",
    "form": "Form, harmony, tune, words, band and performance of songs, beside real pieces.",
    "mix": "Loudness, peaks, dynamics and spectrum of songs as sound.",
    "singing": "Sung words, pitch and sound, by judges that the singer does not use.",
    "page": "A model's evaluation as a page that plays its music.",
    "files": "Collections of files: read, refused, notes and words beside an independent reader, metres.",
    "poly": "The exact likelihood of held-out frames, beside published results.",
}
"""Each subcommand is a function of the same name in a module of the same name."""
_EXTRAS = {"mix": "bandmate-bench[singing]"}
"""What installs the modules that a subcommand imports; of the others the model's."""


class LazyCommands(TyperGroup):
    """Imports a subcommand's module when it is called."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        try:
            module = importlib.import_module(f"bandmate_bench.cli.{cmd_name}")
        except ModuleNotFoundError as error:
            if (error.name or "").startswith("bandmate"):
                raise
            extra = _EXTRAS.get(cmd_name, "bandmate-model[train]")
            raise Unavailable(f"this benchmark needs {error.name}; install it with: pip install '{extra}'") from error
        single = typer.Typer(add_completion=False, rich_markup_mode=None)
        single.command(cmd_name)(getattr(module, cmd_name))
        return typer.main.get_command(single)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


app = typer.Typer(
    cls=LazyCommands,
    help="Measure the platform and its models, beside published results.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def benchmark() -> None:
    """Measure the platform and its models, beside published results."""
