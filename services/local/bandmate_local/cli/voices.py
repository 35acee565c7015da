"""`bandmate voices`: who there is to sing, and which of them are installed."""

from typing import Annotated

import typer
from bandmate_music.language.names import base_language, parse_language
from bandmate_music.theory.note_names import note_name
from bandmate_shared.contracts.voices import VoiceView
from bandmate_vocal.settings import vocal_settings
from bandmate_vocal.voices import list_voices
from rich.table import Table

from bandmate_local.cli.output import console, print_json

app = typer.Typer(help="List the voices: languages, range, sound, and what installs them.", invoke_without_command=True)


@app.callback()
def voices(
    context: typer.Context,
    language: Annotated[str | None, typer.Option(help="Only those that sing it: 'de', 'German'.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the voices that `--voice` takes."""
    if context.invoked_subcommand is not None:
        return
    found = list_voices(vocal_settings(), language)
    if as_json:
        print_json({"items": [voice.model_dump(mode="json") for voice in found]})
        return
    table = Table("voice", "engine", "languages", "range", "how it sounds", "installed", box=None)
    for voice in found:
        range_name = f"{note_name(voice.lowest)}-{note_name(voice.highest)}"
        installed = "yes" if voice.installed else "no"
        languages = " ".join(voice.languages)
        table.add_row(voice.name, _engine(voice, language), languages, range_name, voice.sounds, installed)
    console.print(table)
    for line in dict.fromkeys(voice.install for voice in found if voice.install):
        console.print(f"[dim]more voices:[/] {line}", markup=True)


def _engine(voice: VoiceView, language: str | None) -> str:
    """A singer's engine depends on the language, so it is named only where one was asked for."""
    if not voice.sung_by:
        return voice.engine
    engines = set(voice.sung_by.values())
    if language is not None:
        return voice.sung_by.get(base_language(parse_language(language)), voice.engine)
    return engines.pop() if len(engines) == 1 else "by language"
