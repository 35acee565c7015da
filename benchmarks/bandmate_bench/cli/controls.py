"""`bandmate benchmark controls`: how often songs meet the wishes of their requests."""

from pathlib import Path
from typing import Annotated

import typer

from bandmate_bench.cli.results import met, table, write_results
from bandmate_bench.judging.controls import ASKED, PUBLISHED, judge_controls
from bandmate_bench.judging.open_model import open_model
from bandmate_bench.progress_bar import ProgressBar

_NAMES = {
    "hard": "hard wishes kept",
    "key": "key right",
    "chords": "chord-tone share",
    "density": "density level exact",
    "density_near": "density level within one",
}


def controls(
    requests: Annotated[int, typer.Option(min=4, max=100_000, help="How many random requests.")] = 500,
    seed: Annotated[int, typer.Option(help="Of the requests and of the music.")] = 1,
    candidates: Annotated[int, typer.Option(min=1, max=16, help="Takes per song; the critic's choice counts.")] = 3,
    model: Annotated[str | None, typer.Option(help="A model's folder, id or alias. [default: the starter]")] = None,
    as_json: Annotated[Path | None, typer.Option("--json", help="Write the numbers to this file; '-': print.")] = None,
) -> None:
    """Random requests over all wishes: hard ones kept, soft ones met, beside the same model without the control."""
    loaded_model = open_model(model)
    with ProgressBar() as progress:
        judgement = judge_controls(loaded_model, requests, seed, candidates=candidates, progress=progress.show)
    rows = table("wish", "measured", "asked", "met", "without the control", "published")
    for name, title in _NAMES.items():
        value, without = judgement["with"][name], judgement["without"].get(name)
        rows.add_row(
            title,
            "-" if value is None else f"{value:.1%}",
            f">= {ASKED[name]:.0%}",
            met((value or 0.0) >= ASKED[name]),
            "-" if without is None else f"{without:.1%}",
            PUBLISHED.get(name, "-"),
        )
    result = {
        "benchmark": "controls",
        "model": {"id": loaded_model.info.id, "sha256": loaded_model.info.sha256},
        "seed": seed,
        "candidates": candidates,
        **judgement,
    }
    write_results(result, as_json, rows)
