"""`bandmate styles`, `bandmate instruments`: what a song may be asked for. Needs no platform."""

from typing import Annotated

import typer
from bandmate_generate import catalogue
from bandmate_shared.objects.open import open_storage
from rich.table import Table

from bandmate_local.cli.output import console, json_anywhere, print_json
from bandmate_local.settings import local_settings

AsJson = Annotated[bool, typer.Option("--json", callback=json_anywhere, help="Print JSON.")]


def styles(as_json: AsJson = False) -> None:
    """List the styles: what each is, its tempi and metres, and who plays. Those that your models learnt come last."""
    listed = catalogue.styles(open_storage(local_settings().resolved_storage_url))
    if as_json:
        print_json(listed.model_dump(mode="json"))
        return
    table = Table("style", "tempo", "metres", "description", box=None)
    for style in listed.items:
        tempi, metres = f"{style.tempi[0]}-{style.tempi[1]}", ", ".join(style.metres)
        asked_with = "" if style.model is None else f" (--model {style.model})"
        table.add_row(style.name, tempi, metres, style.description + asked_with)
    console.print(table)


def instruments(
    word: Annotated[str | None, typer.Argument(help="Only those with this in a name or a family.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the instruments, with the other names that mean each."""
    items = [
        instrument
        for instrument in catalogue.instruments().items
        if word is None
        or word.casefold() in " ".join([instrument.name, instrument.family, *instrument.names]).casefold()
    ]
    if as_json:
        print_json({"items": [instrument.model_dump(mode="json") for instrument in items]})
        return
    table = Table("instrument", "family", "also", box=None)
    for instrument in items:
        table.add_row(instrument.name, instrument.family, ", ".join(instrument.names))
    console.print(table)
