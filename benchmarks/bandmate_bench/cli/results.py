"""Output of every benchmark: a table for people, a JSON file for programs."""

import json
from pathlib import Path
from typing import Any

from bandmate_local.cli.output import console, err_console
from rich.table import Table

OK, SHORT = "[green]yes[/]", "[red]no[/]"


def met(reached: bool) -> str:
    """The cell that says whether a mark was reached."""
    return OK if reached else SHORT


def limits(low: float | None, high: float | None) -> str:
    """The cell that says what is asked: '9 - 14', '>= 0.95', '<= 4', '-' where nothing is."""
    if low is not None and high is not None:
        return f"{low:g} - {high:g}"
    if low is None and high is None:
        return "-"
    return f">= {low:g}" if low is not None else f"<= {high:g}"


def table(*columns: str) -> Table:
    return Table(*columns, box=None, pad_edge=False)


def write_results(value: dict[str, Any], target: Path | None, *tables: Table) -> None:
    """Print the tables, and write the JSON file if one was asked for ('-': print the JSON instead)."""
    if target is not None and str(target) == "-":
        console.file.write(json.dumps(value, indent=1) + "\n")
        return
    for console_table in tables:
        console.print(console_table)
    if target is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(value, indent=1) + "\n")
        err_console.print(f"written to {target}", markup=False)
