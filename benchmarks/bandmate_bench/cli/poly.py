"""`bandmate benchmark poly`: the exact likelihood of held-out frames, beside the published marks."""

from pathlib import Path
from typing import Annotated

import typer
from bandmate_local.cli.output import err_console

from bandmate_bench.cli.results import table, write_results
from bandmate_bench.poly import bench, results


def poly(
    data: Annotated[Path, typer.Option(help="Folder of the benchmark's sets, NAME.json.gz each.")],
    sets: Annotated[
        str, typer.Option(help="Which of them, one after the other.")
    ] = "jsb,nottingham,musedata,piano_midi",
    split: Annotated[str, typer.Option(help="What to score: valid, or test once at the end.")] = "valid",
    minutes: Annotated[float, typer.Option(help="CPU minutes for the training of each set, at most.")] = 20.0,
    seed: Annotated[int, typer.Option(min=0, help="Of the networks and of the order of the frames.")] = 1,
    keep: Annotated[Path | None, typer.Option(help="Folder to keep trained networks in, and to find them.")] = None,
    per_frame: Annotated[Path | None, typer.Option(help="Write each scored frame's nats to this .npz.")] = None,
    as_json: Annotated[Path | None, typer.Option("--json", help="Write the numbers to this file; '-': print.")] = None,
) -> None:
    """Train on `train` alone, then score every frame but the first of each piece: nats per frame over 88 keys."""
    names = tuple(name.strip() for name in sets.split(","))
    wish = results.Wish(data, names, split, minutes, seed, keep)
    scored = bench.measure(wish, lambda line: err_console.print(line, markup=False))
    if per_frame is not None:
        results.write_per_frame(per_frame, scored)
        err_console.print(f"each frame's nats are in {per_frame}", markup=False)
    heading, *lines = results.rows(wish, scored)
    marks = table(*heading)
    for line in lines:
        marks.add_row(*line)
    write_results(results.as_json(wish, scored), as_json, marks)
