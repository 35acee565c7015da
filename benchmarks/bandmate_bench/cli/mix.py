"""`bandmate benchmark mix`: songs measured as sound."""

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer
from bandmate_generate.planning.styles import STYLES, find_style
from bandmate_local.cli.job_runner import platform_session
from bandmate_local.cli.output import err_console
from rich.table import Table

from bandmate_bench.cli.results import limits, met, table, write_results
from bandmate_bench.form.cases import song_cases
from bandmate_bench.form.songs import write_songs
from bandmate_bench.mix.report import measure, summarise
from bandmate_bench.mix.song_sound import find_sounds, read_sound
from bandmate_bench.progress_bar import ProgressBar

_STYLES_A_TABLE = 8


def mix(
    songs: Annotated[int, typer.Option(min=1, max=1000, help="Songs of each style.")] = 2,
    styles: Annotated[str | None, typer.Option(help="'folk,rock'. [default: all]")] = None,
    bars: Annotated[int, typer.Option(min=4, max=200, help="Length of the songs.")] = 32,
    seed: Annotated[int, typer.Option(min=0, help="Of the songs.")] = 1,
    from_folder: Annotated[
        Path | None, typer.Option("--from", help="Measure the songs in this folder; write none.")
    ] = None,
    keep: Annotated[
        Path | None, typer.Option(help="Keep the songs here; those already there are not written again.")
    ] = None,
    at_once: Annotated[int, typer.Option(min=1, max=32, help="Songs in work at a time.")] = 2,
    as_json: Annotated[Path | None, typer.Option("--json", help="Write the numbers to this file; '-': print.")] = None,
) -> None:
    """Loudness, peaks, dynamics, spectrum and mono of mixes, and whether their stems add up."""
    failures: list[str] = []
    with ProgressBar() as progress, ExitStack() as stack:
        folder = from_folder or keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if from_folder is None:
            names = [find_style(name).name for name in styles.split(",")] if styles else list(STYLES)
            cases = song_cases(names, songs, [bars], seed)
            with platform_session("generate", "vocal") as session:
                failures = write_songs(
                    session, cases, folder, at_once, lambda done, total: progress.show("songs", done, total), True
                )
            wanted = [folder / case.name for case in cases]
            folders = [path for path in find_sounds(folder) if path in wanted]
        else:
            folders = find_sounds(folder)
        measured: list[dict[str, Any]] = []
        for number, path in enumerate(folders, 1):
            song = read_sound(path)
            measured.append({"song": song.name, "style": song.style, "sung": song.is_sung} | measure(song))
            progress.show("measured", number, len(folders))
    rows = summarise([(song["style"], song) for song in measured])
    result = {
        "benchmark": "mix",
        "seed": seed,
        "rows": rows,
        "songs": measured,
        "failures": failures,
        "passed": all(row["all"]["met"] == row["all"]["songs"] for row in rows) and not failures,
    }
    write_results(result, as_json, _overview(rows), *_by_style(rows))
    for line in failures:
        err_console.print(f"  not written: {line}", markup=False)


def _overview(rows: list[dict[str, Any]]) -> Table:
    overview = table("row", "asked", "lowest", "highest", "songs", "met")
    for row in rows:
        values = row["all"]
        asked = limits(row["low"], row["high"])
        is_met = met(values["met"] == values["songs"]) if values["songs"] and asked != "-" else "-"
        overview.add_row(
            row["title"],
            asked,
            _shown(values["lowest"]),
            _shown(values["highest"]),
            f"{values['met']} of {values['songs']}",
            is_met,
        )
    return overview


def _by_style(rows: list[dict[str, Any]]) -> list[Table]:
    styles = list(rows[0]["styles"])
    tables = []
    for first in range(0, len(styles), _STYLES_A_TABLE):
        shown = styles[first : first + _STYLES_A_TABLE]
        style_table = table("row", *shown)
        for row in rows:
            spans = (row["styles"][style] for style in shown)
            style_table.add_row(row["title"], *(f"{_shown(s['lowest'])} to {_shown(s['highest'])}" for s in spans))
        tables.append(style_table)
    return tables


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
