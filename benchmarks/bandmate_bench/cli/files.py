"""`bandmate benchmark files`: collections of files, read and compared with an independent reader."""

from collections import Counter
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import typer
from bandmate_shared.errors import NotFound

from bandmate_bench.cli.results import table, write_results
from bandmate_bench.judging.files import Collection, read_collection
from bandmate_bench.progress_bar import ProgressBar


def files(
    folders: Annotated[list[Path], typer.Argument(help="A folder for each collection.")],
    limit: Annotated[
        int | None, typer.Option(min=1, help="Files of each collection at most, spread evenly over it.")
    ] = None,
    as_json: Annotated[Path | None, typer.Option("--json", help="Write the numbers to this file; '-': print.")] = None,
) -> None:
    """Files read and refused, notes and words beside those of mido, metres found where they are not told."""
    for folder in folders:
        if not folder.is_dir():
            raise NotFound(f"there is no folder {folder}")
    collections = []
    with ProgressBar() as progress:
        for number, folder in enumerate(folders):
            progress.show("collections", number, len(folders))
            collections.append(read_collection(folder, limit))
    reading = table("collection", "files", "read", "refused", "pieces", "rejected", "notes as mido", "words", "notices")
    metres = table("collection", "metre removed from", "the same", "the same kind")
    for found in collections:
        reading.add_row(
            found.name,
            str(found.files),
            str(found.read),
            _counts(found.refused),
            str(found.pieces),
            _counts(found.rejected),
            _notes(found),
            f"{found.letters:,} of {found.peer_letters:,}" if found.peer_letters else "-",
            _counts(found.notices),
        )
        if found.metres:
            metres.add_row(
                found.name,
                str(found.metres),
                f"{found.same_metre / found.metres:.1%}",
                f"{found.same_kind / found.metres:.1%}",
            )
    write_results({"collections": [_numbers(found) for found in collections]}, as_json, reading, metres)


def _numbers(found: Collection) -> dict[str, Any]:
    values = {column.name: getattr(found, column.name) for column in fields(found)}
    return {name: dict(value) if isinstance(value, Counter) else value for name, value in values.items()}


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items(), key=lambda item: -item[1])) or "-"


def _notes(found: Collection) -> str:
    if not found.compared:
        return "-"
    beyond = f", {found.peer_refused} it refuses" if found.peer_refused else ""
    return f"{found.same_notes} of {found.compared} files{beyond}"
