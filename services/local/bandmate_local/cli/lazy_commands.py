"""Commands that are imported when they are called, so that a wrong option is answered without loading the others."""

from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group

COMMANDS = {
    "up": "bandmate_local.cli.up:up",
    "studio": "bandmate_local.cli.studio:studio",
    "song": "bandmate_local.cli.song:song",
    "sing": "bandmate_local.cli.sing:sing",
    "ingest": "bandmate_local.cli.ingest:ingest",
    "train": "bandmate_local.cli.train:train",
    "styles": "bandmate_local.cli.catalogue:styles",
    "instruments": "bandmate_local.cli.catalogue:instruments",
    "models": "bandmate_local.cli.models:app",
    "jobs": "bandmate_local.cli.jobs:app",
    "sounds": "bandmate_local.cli.sounds:app",
    "voices": "bandmate_local.cli.voices:app",
}
"""Name → the function, or the Typer app of several, that it runs."""

EXTENSIONS = "bandmate.commands"
"""Entry points by which optional distributions add commands: `bandmate benchmark`."""


class LazyCommands(TyperGroup):
    """The commands of `COMMANDS` and of the entry points; help describes all of them, and so imports all."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        extensions = (extension.name for extension in entry_points(group=EXTENSIONS))
        # Typer looks here for names only: to list the commands, and to suggest one for a mistyped one.
        self.commands = dict.fromkeys([*COMMANDS, *extensions])  # type: ignore[assignment]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name, imported now; None where there is none."""
        if cmd_name in COMMANDS:
            module, _, name = COMMANDS[cmd_name].partition(":")
            return _command(cmd_name, getattr(import_module(module), name), ctx.command.context_settings)
        for extension in entry_points(group=EXTENSIONS, name=cmd_name):
            return _command(cmd_name, extension.load(), ctx.command.context_settings)
        return None


def _command(name: str, target: Any, context_settings: dict[str, Any]) -> Any:
    holder = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings=context_settings)
    if isinstance(target, typer.Typer):
        holder.add_typer(target, name=name)
        return get_group(holder).commands[name]
    holder.command(name)(target)
    return get_command(holder)
