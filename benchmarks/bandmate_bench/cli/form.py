"""`bandmate benchmark form`: songs measured as songs, beside real pieces."""

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer
from bandmate_generate.planning.styles import STYLES
from bandmate_local.cli.job_runner import platform_session
from bandmate_local.cli.output import err_console
from bandmate_shared.errors import InvalidRequest
from rich.table import Table

from bandmate_bench.cli.results import limits, met, table, write_results
from bandmate_bench.form.cases import song_cases
from bandmate_bench.form.piece import Piece
from bandmate_bench.form.real import read_real
from bandmate_bench.form.report import compare_candidates, speed, summarise
from bandmate_bench.form.songs import read_songs, write_songs
from bandmate_bench.progress_bar import ProgressBar

_STYLES_A_TABLE = 8


def form(
    songs: Annotated[int, typer.Option(min=1, max=1000, help="Songs of each style.")] = 20,
    styles: Annotated[str | None, typer.Option(help="'folk,rock'. [default: all]")] = None,
    bars: Annotated[str, typer.Option(help="Lengths, in turns.")] = "32,64",
    seed: Annotated[int, typer.Option(min=0, help="Of the songs, and of the draw of real pieces.")] = 1,
    candidates: Annotated[
        int | None, typer.Option(min=1, max=16, help="Takes per song. [default: the service's]")
    ] = None,
    best_of: Annotated[
        str | None, typer.Option(help="'1,8': write each song so, and compare what the critic gains, row by row.")
    ] = None,
    from_folder: Annotated[
        Path | None, typer.Option("--from", help="Measure the songs in this folder; write none.")
    ] = None,
    keep: Annotated[
        Path | None, typer.Option(help="Keep the songs here; those already there are not written again.")
    ] = None,
    real: Annotated[Path | None, typer.Option(help="Folder of unpacked packs: DIR/<pack>/<split>.")] = None,
    split: Annotated[str, typer.Option(help="Of the packs: valid, or test once at the end.")] = "valid",
    pieces: Annotated[int, typer.Option(min=1, max=10_000, help="Real pieces of each kind, at most.")] = 60,
    at_once: Annotated[int, typer.Option(min=1, max=32, help="Songs in work at a time.")] = 2,
    as_json: Annotated[Path | None, typer.Option("--json", help="Write the numbers to this file; '-': print.")] = None,
) -> None:
    """Form, harmony, tune, words, band and performance of songs, beside real pieces of the same kinds."""
    counts = _numbers(best_of, "--best-of") if best_of else []
    if len(counts) not in (0, 2):
        raise InvalidRequest("--best-of takes two numbers of candidates, such as '1,8'")
    lengths = _numbers(bars, "--bars")
    failures: list[str] = []
    with ProgressBar() as progress, ExitStack() as stack:
        if from_folder is not None:
            written = read_songs(from_folder)
        else:
            folder = keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
            names = styles.split(",") if styles else list(STYLES)
            if strange := [name for name in names if name not in STYLES]:
                raise InvalidRequest(f"there is no style {', '.join(strange)}; the styles are {', '.join(STYLES)}")
            numbers: Sequence[int | None] = counts or [candidates]
            cases = [case for number in numbers for case in song_cases(names, songs, lengths, seed, number)]
            with platform_session("generate", "vocal") as session:
                failures = write_songs(
                    session, cases, folder, at_once, lambda done, total: progress.show("songs", done, total)
                )
            wanted = {case.name for case in cases}
            written = [song for song in read_songs(folder) if song.name in wanted]
        found = read_real(real, split, pieces, seed, progress.show) if real is not None else {}
    by_count = {number: [song for song in written if song.name.endswith(f"-best-of-{number}")] for number in counts}
    measured = by_count[max(counts)] if counts and by_count[max(counts)] else written
    rows = summarise(measured, found)
    comparison = compare_candidates(by_count[min(counts)], by_count[max(counts)]) if counts else []
    result: dict[str, Any] = {
        "benchmark": "form",
        "seed": seed,
        "split": split,
        "songs": {
            style: sum(song.group == style for song in measured) for style in sorted({s.group for s in measured})
        },
        "real": {group: len(found_pieces) for group, found_pieces in found.items()},
        "rows": rows,
        "speed": speed(measured),
        "best_of": {"candidates": counts, "rows": comparison} if counts else None,
        "failures": failures,
        "passed": all(wish["met"] is not False for row in rows for wish in row["asked"]) and not failures,
    }
    tables = [_overview(rows), *_by_style(rows, measured), _speed_table(result["speed"])]
    if found:
        tables.insert(1, _real_table(rows, list(found)))
    if comparison:
        tables.append(_comparison_table(comparison, counts))
    write_results(result, as_json, *tables)
    for line in failures:
        err_console.print(f"  not written: {line}", markup=False)


def _overview(rows: list[dict[str, Any]]) -> Table:
    overview = table("row", "asked", "ours", "songs", "met", "judged before")
    for row in rows:
        for number, wish in enumerate(row["asked"] or [None]):
            styles = f" ({', '.join(wish['styles'])})" if wish and wish["styles"] else ""
            measured = wish or row["ours"]["all"]
            overview.add_row(
                row["title"] + styles,
                limits(wish["low"], wish["high"]) if wish else "-",
                _shown(measured["value"]),
                str(measured["pieces"]),
                "-" if wish is None or wish["met"] is None else met(wish["met"]),
                row["published"]["ours_before"] if number == 0 else "",
            )
    return overview


def _real_table(rows: list[dict[str, Any]], groups: list[str]) -> Table:
    real_table = table("row", *groups, "judged from outside")
    for row in rows:
        if row["real"]:
            values = (_shown(row["real"][group]["value"]) if group in row["real"] else "" for group in groups)
            real_table.add_row(row["title"], *values, row["published"]["real"])
    return real_table


def _by_style(rows: list[dict[str, Any]], songs: list[Piece]) -> list[Table]:
    styles = sorted({song.group for song in songs})
    tables = []
    for first in range(0, len(styles), _STYLES_A_TABLE):
        shown = styles[first : first + _STYLES_A_TABLE]
        style_table = table("row", *shown)
        for row in rows:
            style_table.add_row(row["title"], *(_shown(row["ours"][style]["value"]) for style in shown))
        tables.append(style_table)
    return tables


def _speed_table(speeds: list[dict[str, Any]]) -> Table:
    seconds = table("bars", "sung", "songs", "seconds", "stages")
    for kind in speeds:
        stages = ", ".join(f"{stage} {spent:.2f}" for stage, spent in kind["stages"].items())
        seconds.add_row(
            str(kind["bars"]), "yes" if kind["sung"] else "no", str(kind["songs"]), f"{kind['total']:.2f}", stages
        )
    return seconds


def _comparison_table(comparison: list[dict[str, Any]], counts: list[int]) -> Table:
    compared = table("row", "asked", f"best of {min(counts)}", f"best of {max(counts)}", "nearer")
    for row in comparison:
        styles = f" ({', '.join(row['styles'])})" if row["styles"] else ""
        nearer = {"few": str(min(counts)), "many": str(max(counts)), None: "-"}[row["better"]]
        compared.add_row(row["title"] + styles, row["asked"], _shown(row["few"]), _shown(row["many"]), nearer)
    gained = sum(row["better"] == "many" for row in comparison)
    lost = sum(row["better"] == "few" for row in comparison)
    compared.add_row(f"nearer with {max(counts)}: {gained} rows, with {min(counts)}: {lost}", "", "", "", "")
    return compared


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def _numbers(text: str, option: str) -> list[int]:
    try:
        numbers = [int(number) for number in text.split(",")]
    except ValueError:
        raise InvalidRequest(f"{option} takes whole numbers with commas between them, not {text!r}") from None
    if not numbers or min(numbers) < 1:
        raise InvalidRequest(f"{option} takes numbers from 1 on, not {text!r}")
    return numbers
