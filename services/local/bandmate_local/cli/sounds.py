"""`bandmate sounds`: which soundfont songs are rendered with; fetch a better one."""

from enum import StrEnum
from typing import Annotated

import typer
from bandmate_generate.audio.soundfont import find_soundfont
from bandmate_generate.settings import generate_settings

from bandmate_local.cli.debian_package import fetch_files
from bandmate_local.cli.output import console, err_console, json_anywhere, megabytes, print_json

app = typer.Typer(help="Show the soundfont in use, and fetch a better one.", invoke_without_command=True)
AsJson = Annotated[bool, typer.Option("--json", callback=json_anywhere, help="Print JSON.")]


class Edition(StrEnum):
    """Editions of MuseScore General (MIT licence), as Debian packages them."""

    SMALL = "small"
    FULL = "full"
    LOSSLESS = "lossless"


_PACKAGES = {
    Edition.SMALL: ("musescore-general-soundfont-small", 40),
    Edition.FULL: ("musescore-general-soundfont", 86),
    Edition.LOSSLESS: ("musescore-general-soundfont-lossless", 490),
}
"""The package of each edition, and the megabytes of its font."""


@app.callback()
def default(context: typer.Context, as_json: AsJson = False) -> None:
    """Show the soundfont in use, and fetch a better one. Without a subcommand: show."""
    if context.invoked_subcommand is None:
        _show(as_json)


@app.command("add")
def add(
    edition: Annotated[
        Edition, typer.Argument(help="small (40 MB), full (86 MB, more velocities), lossless (490 MB).")
    ] = Edition.FULL,
    as_json: AsJson = False,
) -> None:
    """Fetch MuseScore General, a stereo General MIDI soundfont (MIT licence), from Debian's archive into the home."""
    package, size = _PACKAGES[edition]
    folder = generate_settings().home / "soundfonts"
    if not as_json:
        err_console.print(f"fetching {package} from Debian's archive ({size} MB)")
    for path in fetch_files(package, (".sf2", ".sf3"), folder):
        if not as_json:
            err_console.print(f"{path} ({megabytes(path.stat().st_size)})")
    _show(as_json)


def _show(as_json: bool) -> None:
    font = find_soundfont(generate_settings())
    if as_json:
        print_json(font.described())
    else:
        console.print(f"songs are rendered with {font.name} ({font.licence}): {font.path}")
