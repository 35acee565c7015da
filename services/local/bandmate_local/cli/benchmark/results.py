"""What every benchmark does with its numbers: a table for a person, a JSON file for a program."""

import json
from pathlib import Path
from typing import Any

from rich.table import Table

from bandmate_local.cli.output import console, notes

OK, SHORT = "[green]yes[/]", "[red]no[/]"


def met(reached: bool) -> str:
    """The cell that says whether a mark was reached."""
    return OK if reached else SHORT


def table(*columns: str) -> Table:
    return Table(*columns, box=None, pad_edge=False)


def give(value: dict[str, Any], where: Path | None, *tables: Table) -> None:
    """Print the tables, and write the JSON file if one was asked for ('-': print the JSON instead)."""
    if where is not None and str(where) == "-":
        console.file.write(json.dumps(value, indent=1) + "\n")
        return
    for one in tables:
        console.print(one)
    if where is not None:
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_text(json.dumps(value, indent=1) + "\n")
        notes.print(f"written to {where}", markup=False)
